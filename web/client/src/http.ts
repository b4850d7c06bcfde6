import createFetch, { type Client, type Middleware } from "openapi-fetch";
import { CasareError, errorOf } from "./errors.js";
import type { paths } from "./http.gen.js";
import { printJson } from "./json.js";

export type HttpClient = Client<paths>;

export interface HttpOptions {
  /** Address without a trailing slash, such as `https://orchestrator.example`. Default in a browser: the server of the page. */
  baseUrl?: string | undefined;
  /** Returns the bearer token; called for each request. */
  token?: (() => string | null) | undefined;
  /** The admin secret, sent as `X-API-Secret`. */
  apiSecret?: string | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** A typed client of the HTTP API. `await data(http.GET("/api/v1/jobs"))` returns the body or throws a CasareError. */
export function createHttpClient(options: HttpOptions = {}): HttpClient {
  const credentials: Middleware = {
    onRequest({ request }) {
      const token = options.token?.();
      if (token != null) request.headers.set("Authorization", `Bearer ${token}`);
      if (options.apiSecret !== undefined) request.headers.set("X-API-Secret", options.apiSecret);
      return request;
    },
  };
  const client = createFetch<paths>({
    bodySerializer: (body) => printJson(body),
    ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  client.use(credentials);
  return client;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Body of a successful response.
 *
 * @throws {CasareError} the server refused the request, or could not be reached (status 0)
 * @throws {DOMException} the request was aborted
 */
export async function data<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
    throw new CasareError("the server cannot be reached", "INTERNAL_ERROR", 0, null, { cause: problem });
  }
  if (!answer.response.ok) throw errorOf(answer.response.status, answer.error);
  return answer.data as T;
}
