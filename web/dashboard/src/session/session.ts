import { Session, type SessionState } from "@casare/client";
import { useSyncExternalStore } from "react";

/** The session of this tab; it survives a reload. */
export const session = new Session({ baseUrl: window.location.origin, store: window.sessionStorage });

export function useSignedIn(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}

const LINK = "#link=";

/** The code of a sign-in link in the address, and removes it from the address and the history; null without one. */
export function takeLinkCode(): string | null {
  const { hash, pathname, search } = window.location;
  if (!hash.startsWith(LINK)) return null;
  window.history.replaceState(null, "", pathname + search);
  return hash.slice(LINK.length);
}
