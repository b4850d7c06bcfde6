import { CasareError } from "@casare/client";
import { QueryClient } from "@tanstack/react-query";

const MOST_TRIES = 2;

/** All that was asked over HTTP. A refusal is not asked again, a server that is away is. */
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
