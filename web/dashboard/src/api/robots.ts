import { CasareError, data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { SERVER } from "../address/base";
import { session } from "../session/session";
import { Batched } from "./batched";

type Schemas = HttpComponents["schemas"];
export type Robot = Schemas["RobotView"];
export type RobotChange = Schemas["RobotChange"];
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

/** The names of the robots that have one, by id. */
export const robotNames = queryOptions({
  queryKey: ["robots", "names"],
  queryFn: async ({ signal }): Promise<ReadonlyMap<string, string>> => {
    const { names } = await data(http.GET("/api/v1/robots/names", { signal }));
    return new Map(Object.entries(names));
  },
  staleTime: 60_000,
});

const beats = new Batched<readonly Beat[]>(async (robotIds) => {
  const { items } = await data(http.GET("/api/v1/robots/beats", { params: { query: { robot_id: robotIds } } }));
  return new Map(items.map((item) => [item.robot_id, item.beats]));
}, []);

/** The last heartbeats of a robot, oldest first. Queries of several robots share a request. */
export const beatsOf = (robotId: string) =>
  queryOptions({
    queryKey: ["beats", robotId],
    queryFn: () => beats.get(robotId),
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
    const response = await fetch(`${SERVER}/wheels/current.json`, { signal });
    if (!response.ok)
      throw new CasareError(`the server answered ${response.status}`, "INTERNAL_ERROR", response.status);
    return response.json();
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export const addRobot = (robot: Schemas["NewRobot"]) => data(http.POST("/api/v1/robots", { body: robot }));
export const changeRobot = (robotId: string, change: Schemas["RobotChange"]) =>
  data(http.PATCH("/api/v1/robots/{robot_id}", { ...of(robotId), body: change }));
export const deleteRobot = (robotId: string) => data(http.DELETE("/api/v1/robots/{robot_id}", of(robotId)));
export const addKey = (robotId: string) => data(http.POST("/api/v1/robots/{robot_id}/keys", of(robotId)));
export const revokeKey = (robotId: string, keyId: string) =>
  data(
    http.DELETE("/api/v1/robots/{robot_id}/keys/{key_id}", { params: { path: { robot_id: robotId, key_id: keyId } } }),
  );

export type RobotOrder = "drain" | "resume" | "restart";

export type Ordered = Schemas["RobotsOrdered"];

const ORDER_ROBOTS = 1000;

/** Drains, resumes or restarts these robots, in as many requests as needed. A repeated order has no further effect. */
export async function orderRobots(action: RobotOrder, robotIds: readonly string[], reason: string): Promise<Ordered> {
  const sum: Ordered = { matched: 0, robot_ids: [], unchanged: 0, refused: [] };
  for (let first = 0; first < robotIds.length; first += ORDER_ROBOTS) {
    const body = { action, robot_ids: robotIds.slice(first, first + ORDER_ROBOTS), reason };
    const answer = await data(http.POST("/api/v1/robots/bulk", { body }));
    sum.matched += answer.matched;
    sum.robot_ids.push(...answer.robot_ids);
    sum.unchanged += answer.unchanged;
    sum.refused.push(...answer.refused);
  }
  return sum;
}
