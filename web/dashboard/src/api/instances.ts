import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

export type Instance = HttpComponents["schemas"]["InstanceView"];

const { http } = session;

/** How often an instance describes itself. */
const DESCRIBED_MS = 5_000;

export const instanceList = queryOptions({
  queryKey: ["instances"],
  queryFn: ({ signal }) => data(http.GET("/api/v1/instances", { signal })),
  refetchInterval: DESCRIBED_MS,
});
