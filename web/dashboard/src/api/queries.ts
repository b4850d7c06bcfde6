import { CasareError } from "@casare/client";
import { QueryClient } from "@tanstack/react-query";

const MOST_TRIES = 2;

/** Cache of the HTTP requests. Requests are repeated when the server is unreachable or fails, not when it refuses. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      retry: (tries, problem) =>
        tries < MOST_TRIES && problem instanceof CasareError && (problem.status === 0 || problem.status >= 500),
    },
  },
});
