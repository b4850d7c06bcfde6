import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { periodOf, type TimeRange } from "../address/range";
import { session } from "../session/session";

export type QueueHistory = HttpComponents["schemas"]["QueueHistory"];
export type Queue = HttpComponents["schemas"]["QueueView"];

const { http } = session;

export const queueList = queryOptions({
  queryKey: ["queues"],
  queryFn: ({ signal }) => data(http.GET("/api/v1/queues", { signal })),
});

export const queueHistory = (range: TimeRange) =>
  queryOptions({
    queryKey: ["queues", "history", range],
    queryFn: ({ signal }) => data(http.GET("/api/v1/queues/history", { params: { query: periodOf(range) }, signal })),
    refetchInterval: 60_000,
  });

/** Audit entries of paused and resumed queues, newest first. */
export const queueOrders = queryOptions({
  queryKey: ["audit", "queues"],
  queryFn: ({ signal }) =>
    data(
      http.GET("/api/v1/audit", { params: { query: { action: ["pause_queue", "resume_queue"], limit: 20 } }, signal }),
    ),
});

export const pauseQueue = (queue: string, reason: string) =>
  data(http.POST("/api/v1/queues/{queue}/pause", { params: { path: { queue } }, body: { reason } }));

export const resumeQueue = (queue: string, reason: string) =>
  data(http.POST("/api/v1/queues/{queue}/resume", { params: { path: { queue } }, body: { reason } }));

export const addQueue = (queue: string) => data(http.POST("/api/v1/queues", { body: { queue } }));
