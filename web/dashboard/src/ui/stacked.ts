/** The values of stacked bars: each series with the sum of those after it, so that the last one stands on the axis. */
export function stacked(series: readonly (readonly (number | null)[])[]): (number | null)[][] {
  return series.map((values, number) =>
    values.map((_, index) => {
      const parts = series.slice(number).map((one) => one[index] ?? null);
      return parts.every((part) => part === null) ? null : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
    }),
  );
}
