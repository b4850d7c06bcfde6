import { CasareError } from "@casare/client";
import { type InvalidateQueryFilters, QueryClient } from "@tanstack/react-query";

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

/**
 * Loads the matching queries again because their data changed on the server; without filters, all. Queries that no page
 * shows are loaded when a page shows them.
 */
export async function reload(filters: InvalidateQueryFilters = {}): Promise<void> {
  // `invalidateQueries` does not repeat the first load of a query, whose answer may be older than the change.
  const loading = queries
    .getQueryCache()
    .findAll({ ...filters, fetchStatus: "fetching" })
    .filter((query) => query.state.data === undefined);
  await Promise.all([
    queries.invalidateQueries(filters),
    ...loading.map(async ({ promise, queryKey }) => {
      await promise?.catch(() => undefined); // the page shows the error
      await queries.invalidateQueries({ queryKey, exact: true });
    }),
  ]);
}
