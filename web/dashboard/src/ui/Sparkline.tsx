interface Props {
  /** Oldest first; null is a gap. */
  values: readonly (number | null)[];
  /** Value at the upper edge; larger values are drawn there. */
  max: number;
  /** Text for screen readers, with the newest value. */
  label: string;
  width?: number;
  height?: number;
}

/** A small line chart without axes. */
export function Sparkline({ values, max, label, width = 96, height = 20 }: Props) {
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const y = (value: number) => height - 1 - (Math.min(value, max) / (max || 1)) * (height - 2);
  let path = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    path += `${pen}${(index * step).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  return (
    <svg width={width} height={height} role="img" aria-label={label} style={{ display: "block" }}>
      <path d={path} fill="none" stroke="var(--ink-3)" strokeWidth={1.25} strokeLinejoin="round" />
    </svg>
  );
}
