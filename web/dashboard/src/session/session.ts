import { Session, type SessionState } from "@casare/client";
import { useSyncExternalStore } from "react";

/** Whoever is signed in on this page; survives a reload of it, not the end of the tab. */
export const session = new Session({ baseUrl: window.location.origin, store: window.sessionStorage });

export function useSignedIn(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}
