import type { Position } from "./position.js";

/** A message of a numbered stream, in the form that /ws/admin and /ws/monitoring/live-jobs share. */
export type SequenceMessage<Update> =
  | { kind: "subscribed"; recovered: boolean; position: Position }
  | { kind: "snapshot_end"; position: Position }
  | { kind: "update"; update: Update; position: Position | null };

/** The fields of a job update that both endpoints have. */
interface JobState {
  readonly job_id: string;
  readonly status: string;
}

export interface SequenceEvents<Update> {
  /** Every open job once. Jobs that were open before and are missing here have ended. */
  snapshot: (updates: Update[]) => void;
  /** One numbered change, each exactly once and in order; or an update without a number, which carries the newest state. */
  update: (update: Update) => void;
  /** A number is missing: reconnect with `position`. */
  gap: () => void;
}

/** Merges the snapshots, replays and live updates of successive connections into one sequence without gaps. */
export class Sequence<Update extends JobState> {
  #position: Position | null = null;
  /** Newest state of each job while a snapshot is incomplete; updates can arrive between its messages. */
  #snapshot: Map<string, Update> | null = null;

  constructor(private readonly events: SequenceEvents<Update>) {}

  /** Position of the last applied change; null before the first snapshot. */
  get position(): Position | null {
    return this.#position;
  }

  /** Call at the start of a connection: discards an incomplete snapshot of an earlier one. */
  begin(): void {
    this.#snapshot = null;
  }

  /** Applies one message. */
  apply(message: SequenceMessage<Update>): void {
    if (message.kind === "subscribed") {
      if (!message.recovered) this.#snapshot = new Map();
    } else if (message.kind === "snapshot_end") {
      this.#complete(message.position);
    } else if (this.#snapshot !== null) {
      this.#snapshot.set(message.update.job_id, message.update);
    } else if (message.position === null) {
      this.events.update(message.update);
    } else {
      this.#numbered(message.update, message.position);
    }
  }

  /** Jobs that ended while the snapshot was sent are not part of it; their end is reported as an update. */
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
