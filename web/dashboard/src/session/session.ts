import { Session, type SessionState } from "@casare/client";
import { useSyncExternalStore } from "react";

/** The session of this tab; it survives a reload. */
export const session = new Session({ baseUrl: window.location.origin, store: window.sessionStorage });

export function useSignedIn(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}
