import { data } from "@casare/client";
import { infiniteQueryOptions } from "@tanstack/react-query";
import type { AuditSearch } from "../address/audit";
import { rangeFields } from "../address/range";
import { session } from "../session/session";

const PAGE = 100;

/** Audit entries of one target or of all, in a time range, newest first. */
export const auditList = ({ target, range }: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: ["audit", "list", target, range],
    queryFn: ({ pageParam, signal }) => {
      const times = range === undefined ? null : rangeFields(range, Date.now());
      const query = {
        limit: PAGE,
        cursor: pageParam,
        ...(target === undefined ? {} : { target }),
        ...(times === null ? {} : { from: times.from, ...(times.to === null ? {} : { to: times.to }) }),
      };
      return data(session.http.GET("/api/v1/audit", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor,
  });
