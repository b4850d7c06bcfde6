import { CasareError, data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

type Schemas = HttpComponents["schemas"];
export type Robot = Schemas["RobotView"];
export type Beat = Schemas["BeatView"];

const BEATS_MS = 10_000;
const { http } = session;
const of = (robotId: string) => ({ params: { path: { robot_id: robotId } } });

export const robotList = queryOptions({
  queryKey: ["robots", "list"],
  queryFn: ({ signal }) => data(http.GET("/api/v1/robots", { signal })),
  refetchInterval: 30_000,
});

export const robotOf = (robotId: string) =>
  queryOptions({
    queryKey: ["robots", "one", robotId],
    queryFn: ({ signal }) => data(http.GET("/api/v1/robots/{robot_id}", { ...of(robotId), signal })),
  });

export const allBeats = queryOptions({
  queryKey: ["robots", "beats"],
  queryFn: async ({ signal }) => {
    const { items } = await data(http.GET("/api/v1/robots/beats", { signal }));
    return new Map(items.map((item) => [item.robot_id, item.beats]));
  },
  refetchInterval: BEATS_MS,
});

/** The heartbeats by robot; undefined before they are loaded. */
export type AllBeats = ReadonlyMap<string, readonly Beat[]> | undefined;

/** The heartbeats of a robot; undefined before they are loaded. */
export function beatsIn(beats: AllBeats, robotId: string): readonly Beat[] | undefined {
  return beats === undefined ? undefined : (beats.get(robotId) ?? []);
}

export const beatsOf = (robotId: string) =>
  queryOptions({
    queryKey: ["robots", "beats", robotId],
    queryFn: ({ signal }) => data(http.GET("/api/v1/robots/{robot_id}/beats", { ...of(robotId), signal })),
    refetchInterval: BEATS_MS,
  });

export const keysOf = (robotId: string) =>
  queryOptions({
    queryKey: ["robots", "keys", robotId],
    queryFn: ({ signal }) => data(http.GET("/api/v1/robots/{robot_id}/keys", { ...of(robotId), signal })),
  });

export const ordersFor = (target: string) =>
  queryOptions({
    queryKey: ["audit", target],
    queryFn: ({ signal }) => data(http.GET("/api/v1/audit", { params: { query: { target, limit: 20 } }, signal })),
  });

/** The package that a robot's machine installs from the orchestrator. */
export interface Wheel {
  file: string;
  sha256: string;
}

export const wheel = queryOptions({
  queryKey: ["wheel"],
  queryFn: async ({ signal }): Promise<Wheel> => {
    const response = await fetch("/wheels/current.json", { signal });
    if (!response.ok)
      throw new CasareError(`the server answered ${response.status}`, "INTERNAL_ERROR", response.status);
    return response.json();
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export const addRobot = (robot: Schemas["NewRobot"]) => data(http.POST("/api/v1/robots", { body: robot }));
export const changeRobot = (robotId: string, change: Schemas["RobotChange"]) =>
  data(http.PATCH("/api/v1/robots/{robot_id}", { ...of(robotId), body: change }));
export const addKey = (robotId: string) => data(http.POST("/api/v1/robots/{robot_id}/keys", of(robotId)));
export const revokeKey = (robotId: string, keyId: string) =>
  data(
    http.DELETE("/api/v1/robots/{robot_id}/keys/{key_id}", { params: { path: { robot_id: robotId, key_id: keyId } } }),
  );

export type RobotOrder = "drain" | "resume" | "restart";

/** Drains, resumes or restarts a robot. */
export function orderRobot(order: RobotOrder, robotId: string, reason: string): Promise<Robot> {
  const request = { ...of(robotId), body: { reason } };
  if (order === "drain") return data(http.POST("/api/v1/robots/{robot_id}/drain", request));
  if (order === "resume") return data(http.POST("/api/v1/robots/{robot_id}/resume", request));
  return data(http.POST("/api/v1/robots/{robot_id}/restart", request));
}
