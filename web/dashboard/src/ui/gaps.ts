/**
 * Times and values with an empty value in each gap, so that a chart draws no line over it.
 *
 * @param longest seconds between two values of one line; a longer time is a gap
 */
export function withGaps(
  at: readonly number[],
  series: readonly (readonly (number | null)[])[],
  longest: number,
): { at: number[]; series: (number | null)[][] } {
  const times: number[] = [];
  const values: (number | null)[][] = series.map(() => []);
  at.forEach((moment, index) => {
    const before = at[index - 1];
    if (before !== undefined && moment - before > longest) {
      times.push((before + moment) / 2);
      for (const line of values) line.push(null);
    }
    times.push(moment);
    values.forEach((line, number) => {
      line.push(series[number]?.[index] ?? null);
    });
  });
  return { at: times, series: values };
}
