import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

export type Comparison = HttpComponents["schemas"]["Comparison"];
export type Differences = HttpComponents["schemas"]["Differences"];
export type ComparedTime = HttpComponents["schemas"]["ComparedTime"];

/** The differences between a job and the last good run of its workflow. */
export const comparisonOf = (jobId: string) =>
  queryOptions({
    queryKey: ["comparison", jobId],
    queryFn: ({ signal }) =>
      data(session.http.GET("/api/v1/jobs/{job_id}/comparison", { params: { path: { job_id: jobId } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
