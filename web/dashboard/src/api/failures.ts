import { data } from "@casare/client";
import { session } from "../session/session";
import type { FailureGroup } from "./overview";

const { http } = session;

const paramsOf = ({ fingerprint, tenant_id }: FailureGroup) => ({
  path: { fingerprint },
  query: { tenant_id },
});

export const noteFailures = (group: FailureGroup, change: { note: string; owner: string }) =>
  data(http.PATCH("/api/v1/failures/{fingerprint}", { params: paramsOf(group), body: change }));

/** @param until null: until the group is unmuted */
export const muteFailures = (group: FailureGroup, until: string | null, reason: string) =>
  data(http.POST("/api/v1/failures/{fingerprint}/mute", { params: paramsOf(group), body: { until, reason } }));

export const unmuteFailures = (group: FailureGroup, reason: string) =>
  data(http.POST("/api/v1/failures/{fingerprint}/unmute", { params: paramsOf(group), body: { reason } }));
