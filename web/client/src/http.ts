import createFetch, { type Client, type Middleware } from "openapi-fetch";
import { CasareError, errorOf } from "./errors.js";
import type { paths } from "./http.gen.js";

export type HttpClient = Client<paths>;

export interface HttpOptions {
  /** Without a slash at the end: `https://orchestrator.example`. In a browser the page's own server when absent. */
  baseUrl?: string | undefined;
  /** The bearer token to send, asked for at each request. */
  token?: (() => string | null) | undefined;
  /** The admin secret, for programs. */
  apiSecret?: string | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** Every path of the HTTP API, typed. `await data(http.GET("/api/v1/jobs"))` answers the body or throws CasareError. */
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

/** The body of a successful answer.
 *
 * @throws {CasareError} the server refused, or could not be reached (status 0)
 */
export async function data<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
    throw new CasareError("the server does not answer", "INTERNAL_ERROR", 0, null, { cause: problem });
  }
  if (!answer.response.ok) throw errorOf(answer.response.status, answer.error);
  return answer.data as T;
}
