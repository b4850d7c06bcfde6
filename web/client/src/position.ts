/** Position in the numbered job updates of one server process (`epoch`). */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** The position in the form of the parameter `since`: `9f1c2ab0d4e75f36:4711`. */
export function positionText(position: Position): string {
  return `${position.epoch}:${position.seq}`;
}
