import type { components } from "./http.gen.js";

export type ErrorCode = "AUTH_FAILED" | "INVALID_MESSAGE" | "RATE_LIMITED" | "INTERNAL_ERROR";

/** The server refused, or was not there (`status` 0). `message` is the server's own sentence. */
export class CasareError extends Error {
  override readonly name = "CasareError";

  constructor(
    message: string,
    readonly code: ErrorCode,
    readonly status: number,
    /** How long to wait before the next try, when the server said so. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

type Body = components["schemas"]["ErrorBody"];

/** The error of a response that is none of the 2xx; any body will do. */
export function errorOf(status: number, body: unknown): CasareError {
  const payload = (body as Partial<Body> | null | undefined)?.payload;
  const fallback =
    status === 401 || status === 403 ? "AUTH_FAILED" : status >= 500 ? "INTERNAL_ERROR" : "INVALID_MESSAGE";
  const wait = (payload as { retry_after_ms?: unknown } | undefined)?.retry_after_ms;
  return new CasareError(
    payload?.message ?? `the server answered ${status}`,
    (payload?.code as ErrorCode | undefined) ?? fallback,
    status,
    typeof wait === "number" ? wait : null,
  );
}
