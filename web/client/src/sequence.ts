import type { Position } from "./position.js";

/** What a numbered stream tells, in the form that both of its wires share. */
export type Told<Update> =
  | { kind: "subscribed"; recovered: boolean; position: Position }
  | { kind: "snapshot_end"; position: Position }
  | { kind: "update"; update: Update; position: Position | null };

export interface SequenceEvents<Update> {
  /** All that is open now, at once: whatever was open before and is not here has ended. */
  snapshot: (updates: Update[]) => void;
  /** One change, or (without a number) the newest state; none is told twice, none is left out. */
  update: (update: Update) => void;
  /** A number was left out: connect anew with `position`. */
  gap: () => void;
}

/** Makes one gap-free sequence of snapshots, replays and live changes, over as many connections as it takes. */
export class Sequence<Update> {
  #position: Position | null = null;
  #snapshot: Update[] | null = null;

  constructor(private readonly events: SequenceEvents<Update>) {}

  /** The last change that is known; null before the first snapshot. */
  get position(): Position | null {
    return this.#position;
  }

  /** A connection began: what an earlier one left unfinished is void. */
  begin(): void {
    this.#snapshot = null;
  }

  take(told: Told<Update>): void {
    if (told.kind === "subscribed") {
      if (!told.recovered) this.#snapshot = [];
    } else if (told.kind === "snapshot_end") {
      if (this.#snapshot === null) return;
      const updates = this.#snapshot;
      this.#snapshot = null;
      this.#position = told.position;
      this.events.snapshot(updates);
    } else if (this.#snapshot !== null) {
      this.#snapshot.push(told.update);
    } else if (told.position === null) {
      this.events.update(told.update);
    } else {
      this.#numbered(told.update, told.position);
    }
  }

  #numbered(update: Update, position: Position): void {
    const known = this.#position;
    if (known !== null && position.epoch === known.epoch && position.seq <= known.seq) return;
    if (known !== null && (position.epoch !== known.epoch || position.seq !== known.seq + 1)) {
      this.events.gap();
      return;
    }
    this.#position = position;
    this.events.update(update);
  }
}
