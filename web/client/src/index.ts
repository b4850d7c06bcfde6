export {
  type Action,
  type AdminEvents,
  AdminStream,
  type JobUpdate,
  type QueueMetrics,
  type RobotState,
  STALE_AFTER_MS,
  type StreamOptions,
} from "./adminStream.js";
export { backoffMs } from "./backoff.js";
export { type Clock, systemClock } from "./clock.js";
export { type CloseRule, closeRule, type Reconnect } from "./closeCodes.js";
export { type Endpoints, secretEndpoints, ticketEndpoints } from "./endpoint.js";
export { asError, CasareError, type ErrorCode } from "./errors.js";
export type { components as HttpComponents, paths as HttpPaths } from "./http.gen.js";
export { createHttpClient, data, type HttpClient, type HttpOptions } from "./http.js";
export { parseJson, printJson } from "./json.js";
export { type Level, levelRank } from "./levels.js";
export { type LogEvents, type LogLine, type LogOptions, LogStream } from "./logStream.js";
export type { components as MessageComponents } from "./messages.gen.js";
export {
  type LiveJob,
  type LiveJobEvents,
  liveJobs,
  type QueueDepth,
  queueMetrics,
  type RobotHeartbeat,
  robotStatus,
  type TickEvents,
} from "./monitoring.js";
export { type Position, positionText } from "./position.js";
export { type PageChannel, Session, type SessionOptions, type SessionState, type SessionStatus } from "./session.js";
export type { Connection, Stream } from "./socket.js";
