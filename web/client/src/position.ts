/** A place in the numbered changes of one server process. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** As `since` wants it: `9f1c2ab0d4e75f36:4711`. */
export function positionText(position: Position): string {
  return `${position.epoch}:${position.seq}`;
}
