import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { common } from "../texts/common";
import { localTime, shortTime } from "../texts/format";
import { withGaps } from "./gaps";

export interface Series {
  label: string;
  /** A CSS variable: `--completed`. */
  color: string;
  values: readonly (number | null)[];
}

interface Props {
  /** Title for screen readers, which read the values from a hidden table. */
  label: string;
  /** RFC 3339 times in ascending order, one per value. */
  at: readonly string[];
  series: readonly Series[];
  height?: number;
  bars?: boolean;
  unit?: (value: number) => string;
  /** Seconds between two values; after a longer time without a value the line has a gap. */
  longestSeconds?: number;
}

const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map((minutes) => minutes * 60);

/** Distances between grid lines; whole numbers, because the charts count jobs. */
const STEPS = [1, 2, 5].flatMap((one) => [0, 1, 2, 3, 4, 5, 6].map((zeros) => one * 10 ** zeros)).sort((a, b) => a - b);

const plain = (value: number) => String(Math.round(value * 100) / 100);

/** Chart of values over time, as lines or bars. */
export function TimeChart({
  label,
  at,
  series,
  height = 160,
  bars = false,
  unit = plain,
  longestSeconds = Number.POSITIVE_INFINITY,
}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme("light");
  const shape = `${scheme}|${height}|${bars}|${series.map((one) => one.label + one.color).join()}`;
  const drawn = withGaps(
    at.map((one) => Date.parse(one) / 1000),
    series.map((one) => one.values),
    longestSeconds,
  );
  const data = [drawn.at, ...drawn.series] as uPlot.AlignedData;
  const newest = useRef({ data, series, unit });
  newest.current = { data, series, unit };

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` contains everything that requires a new chart
  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const made = new uPlot(
      options(host, newest.current.series, height, bars, newest.current.unit),
      newest.current.data,
      host,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height }));
    resized.observe(host);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(newest.current.data);
  });

  return (
    <figure style={{ margin: 0 }}>
      <div ref={box} aria-hidden style={{ height }} />
      <figcaption className="visually-hidden">
        {label}
        <table>
          <thead>
            <tr>
              <th scope="col">{common.chartTime}</th>
              {series.map((one) => (
                <th key={one.label} scope="col">
                  {one.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {at.map((moment, index) => (
              <tr key={moment}>
                <th scope="row">{localTime(moment)}</th>
                {series.map((one) => {
                  const value = one.values[index];
                  return <td key={one.label}>{value == null ? common.none : unit(value)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </figcaption>
    </figure>
  );
}

function options(
  host: HTMLElement,
  series: readonly Series[],
  height: number,
  bars: boolean,
  unit: (value: number) => string,
): uPlot.Options {
  const style = getComputedStyle(host);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--ink-3"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  const bar = bars && uPlot.paths.bars !== undefined ? { paths: uPlot.paths.bars({ size: [0.7, 14] }) } : {};
  return {
    width: host.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 16, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 60,
        incrs: MINUTES,
        size: 26,
        values: (_plot, splits) => splits.map((s) => shortTime(s * 1000)),
      },
      { ...axis, size: 44, space: 34, incrs: STEPS, values: (_plot, splits) => splits.map(unit) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: color(one.color),
        fill: `${color(one.color)}${bars ? "cc" : "1f"}`,
        width: bars ? 0 : 1.5,
        spanGaps: false,
        points: { show: false },
        ...bar,
      })),
    ],
  };
}
