import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { periodOf, type TimeRange } from "../address/range";
import { session } from "../session/session";

export type Overview = HttpComponents["schemas"]["OverviewView"];
export type Attention = HttpComponents["schemas"]["AttentionView"];
export type FailureGroup = HttpComponents["schemas"]["FailureGroupView"];
export type FailureGroups = HttpComponents["schemas"]["FailureGroups"];

/** Counts of ended jobs and samples of queues are kept for this time. */
export const COUNTED_DAYS = 8;
const POLL_MS = 10_000;
const { http } = session;

export const overviewOf = (range: TimeRange) =>
  queryOptions({
    queryKey: ["overview", range],
    queryFn: ({ signal }) => data(http.GET("/api/v1/overview", { params: { query: periodOf(range) }, signal })),
    refetchInterval: POLL_MS,
  });

/** Groups of failures in a range: the muted ones, or the others. */
export const failuresOf = (range: TimeRange, muted: boolean) =>
  queryOptions({
    queryKey: ["failures", range, muted],
    queryFn: ({ signal }) =>
      data(http.GET("/api/v1/failures", { params: { query: { ...periodOf(range), muted } }, signal })),
    refetchInterval: POLL_MS,
  });
