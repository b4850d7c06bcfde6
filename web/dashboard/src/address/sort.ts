/** The order of a list as an address has it: the id of a column, or `-robots` for the largest value first. */
export type ListSort = string;

type Value = string | number | null;

/** The order that an address names; undefined unless it is one of these columns. */
export function sortOf(given: unknown, columns: readonly string[]): ListSort | undefined {
  return typeof given === "string" && columns.includes(given.replace(/^-/, "")) ? given : undefined;
}

/** The address of an order by a column. */
export const sortBy = (column: string, descending: boolean): ListSort => `${descending ? "-" : ""}${column}`;

/** The rows in an order; rows without a value are the last ones, and equal rows keep their order. */
export function sorted<T>(
  rows: readonly T[],
  sort: ListSort | undefined,
  values: Readonly<Record<string, (row: T) => Value>>,
): T[] {
  const read = sort === undefined ? undefined : values[sort.replace(/^-/, "")];
  if (read === undefined) return [...rows];
  const sign = sort?.startsWith("-") === true ? -1 : 1;
  return rows
    .map((row) => ({ row, value: read(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
      return sign * compare(a.value, b.value);
    })
    .map(({ row }) => row);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
