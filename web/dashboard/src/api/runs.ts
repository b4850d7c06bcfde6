import { data, type HttpComponents } from "@casare/client";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { periodOf, type TimeRange } from "../address/range";
import { session } from "../session/session";

export type Run = HttpComponents["schemas"]["RunView"];
export type RunList = HttpComponents["schemas"]["RunList"];

const POLL_MS = 10_000;

/** The runs of all robots in a range. */
export const runsIn = (range: TimeRange) =>
  queryOptions({
    queryKey: ["runs", range],
    queryFn: ({ signal }) => data(session.http.GET("/api/v1/runs", { params: { query: periodOf(range) }, signal })),
    refetchInterval: POLL_MS,
    placeholderData: keepPreviousData,
  });
