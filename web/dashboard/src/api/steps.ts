import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";
import { queries } from "./queries";
import { merged } from "./stepChanges";

type Schemas = HttpComponents["schemas"];
export type JobStep = Schemas["StepView"];
export type JobSteps = Schemas["StepList"];

const { http } = session;

/** The steps of an attempt. Only the steps that changed since the last response are read. */
export const jobSteps = (jobId: string, attempt: number) => {
  const queryKey = ["jobs", "steps", jobId, attempt];
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = queries.getQueryData<JobSteps>(queryKey);
      const query = { attempt, after: known?.revision ?? 0 };
      const params = { path: { job_id: jobId }, query };
      const fresh = await data(http.GET("/api/v1/jobs/{job_id}/steps", { params, signal }));
      return known === undefined ? fresh : merged(known, fresh);
    },
    structuralSharing: false,
  });
};
