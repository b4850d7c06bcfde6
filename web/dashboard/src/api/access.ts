import { data, type HttpComponents } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

export type NewViewLink = HttpComponents["schemas"]["NewViewLinkView"];

const { http } = session;

export const viewLinks = queryOptions({
  queryKey: ["access", "links"],
  queryFn: ({ signal }) => data(http.GET("/api/v1/view-links", { signal })),
});

export const signIns = queryOptions({
  queryKey: ["access", "sessions"],
  queryFn: ({ signal }) => data(http.GET("/api/v1/sessions", { signal })),
});

export const createViewLink = (key: string, name: string, days: number): Promise<NewViewLink> =>
  data(
    http.POST("/api/v1/view-links", {
      body: { name, life_days: days },
      params: { header: { "idempotency-key": key } },
    }),
  );

export const revokeViewLink = (linkId: string) =>
  data(http.DELETE("/api/v1/view-links/{link_id}", { params: { path: { link_id: linkId } } }));

export const endSignIn = (sessionId: string) =>
  data(http.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: sessionId } } }));
