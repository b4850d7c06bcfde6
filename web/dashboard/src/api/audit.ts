import { data } from "@casare/client";
import { infiniteQueryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

const PAGE = 100;

/** Audit entries of one target or of all, newest first. */
export const auditList = (target: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["audit", "list", target],
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE, cursor: pageParam, ...(target === undefined ? {} : { target }) };
      return data(session.http.GET("/api/v1/audit", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor,
  });
