import type { components } from "./http.gen.js";

type Body = components["schemas"]["ErrorBody"];
export type ErrorCode = components["schemas"]["ErrorCode"];

/** Error of a refused request, or of a server that cannot be reached (`status` 0). `message` is the server's text. */
export class CasareError extends Error {
  override readonly name = "CasareError";

  constructor(
    message: string,
    readonly code: ErrorCode,
    readonly status: number,
    /** Milliseconds to wait before the next attempt; null when the response has no `retry_after_ms`. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Creates the error for a response whose status is not 2xx. Accepts any body, for example one of a proxy. */
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

/** `problem` as an Error: JavaScript code can throw any value. */
export function asError(problem: unknown): Error {
  return problem instanceof Error ? problem : new Error(String(problem));
}
