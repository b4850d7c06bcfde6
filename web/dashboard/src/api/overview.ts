import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

export type Overview = HttpComponents["schemas"]["OverviewView"];
export type Attention = HttpComponents["schemas"]["AttentionView"];
export type FailureGroup = HttpComponents["schemas"]["FailureGroupView"];

const POLL_MS = 10_000;
const { http } = session;

export const overviewOf = (minutes: number) =>
  queryOptions({
    queryKey: ["overview", minutes],
    queryFn: ({ signal }) => data(http.GET("/api/v1/overview", { params: { query: { minutes } }, signal })),
    refetchInterval: POLL_MS,
  });

export const failuresOf = (minutes: number) =>
  queryOptions({
    queryKey: ["failures", minutes],
    queryFn: ({ signal }) => data(http.GET("/api/v1/failures", { params: { query: { minutes } }, signal })),
    refetchInterval: POLL_MS,
  });
