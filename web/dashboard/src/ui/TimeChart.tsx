import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { rangeFields, type TimeRange } from "../address/range";
import type { QueueHistory } from "../api/queues";
import { common } from "../texts/common";
import { day, dayTime, localTime, shortTime, span, timeZone } from "../texts/format";
import { withGaps } from "./gaps";
import { stacked } from "./stacked";
import classes from "./TimeChart.module.css";

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
  /** What the vertical axis counts: `Jobs per 1 min`. */
  axis: string;
  height?: number;
  /** Bars of the first series on top of the last one, in place of lines. */
  bars?: boolean;
  unit?: (value: number) => string;
  /** Seconds between two values; after a longer time without a value the line has a gap. */
  longestSeconds?: number;
  /** What the horizontal axis shows; without it, the time of the values. */
  range?: TimeRange;
}

const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map((minutes) => minutes * 60);
const DAY_SECONDS = 86_400;

/** Distances between grid lines; whole numbers, because the charts count jobs. */
const STEPS = [1, 2, 5].flatMap((one) => [0, 1, 2, 3, 4, 5, 6].map((zeros) => one * 10 ** zeros)).sort((a, b) => a - b);

const plain = (value: number) => String(Math.round(value * 100) / 100);

/** The vertical axis of a chart of queue depths. */
export const depthAxis = ({ bucket_seconds: seconds }: QueueHistory): string =>
  seconds === 60 ? common.chart.jobs : common.chart.highest(span(seconds));

/** Begin and end of a range in seconds; null without one. */
function boundsOf(range: TimeRange | undefined): [number, number] | null {
  const fields = range === undefined ? null : rangeFields(range, Date.now());
  return fields === null
    ? null
    : [Date.parse(fields.from) / 1000, Math.min(Date.now(), Date.parse(fields.to ?? "9999")) / 1000];
}

/** Chart of values over time, as lines or bars, with a legend. The legend has the values under the pointer. */
export function TimeChart({
  label,
  axis,
  at,
  series,
  height = 160,
  bars = false,
  unit = plain,
  longestSeconds = Number.POSITIVE_INFINITY,
  range,
}: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme("light");
  const shape = `${scheme}|${height}|${bars}|${series.map((one) => one.label + one.color).join()}`;
  const drawn = withGaps(
    at.map((one) => Date.parse(one) / 1000),
    series.map((one) => one.values),
    longestSeconds,
  );
  const data = [drawn.at, ...(bars ? stacked(drawn.series) : drawn.series)] as uPlot.AlignedData;
  const newest = useRef({ data, series, unit, range });
  newest.current = { data, series, unit, range };

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` contains everything that requires a new chart
  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const made = new uPlot(
      {
        ...options(host, newest.current.series, height, bars, newest.current.unit, () =>
          boundsOf(newest.current.range),
        ),
        hooks: { setCursor: [({ cursor }) => setHovered(cursor.idx ?? null)] },
      },
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

  const moment = hovered === null ? undefined : drawn.at[hovered];
  return (
    <figure className={classes.figure}>
      <div className={classes.legend} aria-hidden>
        <span className={classes.axis}>{axis}</span>
        {series.map((one, number) => {
          const value = moment === undefined ? null : drawn.series[number]?.[hovered ?? 0];
          return (
            <span key={one.label}>
              <span className={classes.sign} style={{ background: `var(${one.color})` }} />
              {one.label}
              {value != null && <strong> {unit(value)}</strong>}
            </span>
          );
        })}
        <span className={classes.time}>
          {moment !== undefined && `${dayTime(moment * 1000)} · `}
          {timeZone}
        </span>
      </div>
      <div ref={box} aria-hidden style={{ height }} />
      <figcaption className="visually-hidden">
        {`${label}. ${axis}. ${common.range.zone(timeZone)}`}
        <table>
          <thead>
            <tr>
              <th scope="col">{common.chart.time}</th>
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

/** Whether the chart shows more than a day, so that a time needs its date. */
const isLong = ({ scales: { x } }: uPlot) => (x?.max ?? 0) - (x?.min ?? 0) > DAY_SECONDS;

/** The times of the first and the last bar with half a bar around them. */
function withHalfBars({ data: [at] }: uPlot, min: number, max: number): [number, number] {
  const half = at.length > 1 ? (max - min) / (at.length - 1) / 2 : 30;
  return [min - half, max + half];
}

function options(
  host: HTMLElement,
  series: readonly Series[],
  height: number,
  bars: boolean,
  unit: (value: number) => string,
  bounds: () => [number, number] | null,
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
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    // The last label is centred below the end of the axis, so half of it is beyond.
    padding: [8, (plot) => (isLong(plot) ? 40 : 20), 0, 0],
    scales: {
      x: { range: (plot, min, max) => bounds() ?? (bars ? withHalfBars(plot, min, max) : [min, max]) },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: (plot) => (isLong(plot) ? 96 : 60),
        incrs: MINUTES,
        size: 26,
        values: (plot, splits, _axis, _space, step) => {
          const text = step >= DAY_SECONDS ? day : isLong(plot) ? dayTime : shortTime;
          return splits.map((s) => text(s * 1000));
        },
      },
      { ...axis, size: 44, space: 34, incrs: STEPS, values: (_plot, splits) => splits.map(unit) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: color(one.color),
        fill: `${color(one.color)}${bars ? "" : "1f"}`,
        width: bars ? 0 : 1.5,
        spanGaps: false,
        points: { show: false },
        ...bar,
      })),
    ],
  };
}
