import type { Position } from "./position.js";

/** What a numbered stream tells, in the form that both of its wires share. */
export type Told<Update> =
  | { kind: "subscribed"; recovered: boolean; position: Position }
  | { kind: "snapshot_end"; position: Position }
  | { kind: "update"; update: Update; position: Position | null };

/** The state of a job, as both wires tell it. */
interface JobState {
  readonly job_id: string;
  readonly status: string;
}

export interface SequenceEvents<Update> {
  /** All that is open now, each job once: whatever was open before and is not here has ended. */
  snapshot: (updates: Update[]) => void;
  /** One change, or (without a number) the newest state; none is told twice, none is left out. */
  update: (update: Update) => void;
  /** A number was left out: connect anew with `position`. */
  gap: () => void;
}

/** Makes one gap-free sequence of snapshots, replays and live changes, over as many connections as it takes. */
export class Sequence<Update extends JobState> {
  #position: Position | null = null;
  /** Newest state of each job of a snapshot that is not complete: what changes meanwhile comes before its end. */
  #snapshot: Map<string, Update> | null = null;

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
      if (!told.recovered) this.#snapshot = new Map();
    } else if (told.kind === "snapshot_end") {
      this.#complete(told.position);
    } else if (this.#snapshot !== null) {
      this.#snapshot.set(told.update.job_id, told.update);
    } else if (told.position === null) {
      this.events.update(told.update);
    } else {
      this.#numbered(told.update, told.position);
    }
  }

  /** A job that ended while the snapshot was taken is no part of it: its end is told as a change. */
  #complete(position: Position): void {
    if (this.#snapshot === null) return;
    const updates = [...this.#snapshot.values()];
    this.#snapshot = null;
    this.#position = position;
    this.events.snapshot(updates.filter((update) => !hasEnded(update)));
    for (const update of updates.filter(hasEnded)) this.events.update(update);
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

function hasEnded({ status }: JobState): boolean {
  return status === "completed" || status === "failed";
}
