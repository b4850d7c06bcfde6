import { asError, Session, type SessionState } from "@casare/client";
import { notifications } from "@mantine/notifications";
import { useSyncExternalStore } from "react";
import { BASE, SERVER } from "../address/base";
import { session as words } from "../texts/session";

const LINK = "#link=";

/** The session of this browser. Its pages are signed in and signed out together. */
export const session = new Session({
  baseUrl: SERVER,
  channel: new BroadcastChannel(`casare-session ${BASE}`),
});

/** Continues the session of the browser, or signs in with the code in the address; resolves to an error of the code. */
export const started: Promise<string | null> = start();

async function start(): Promise<string | null> {
  const code = takeLinkCode();
  if (code === null) {
    await session.resume();
    return null;
  }
  return session.loginByLink(code).then(
    () => null,
    (problem: unknown) => asError(problem).message,
  );
}

/** Signs out here, on the server and in the other pages of the browser. A failure is shown, and the session continues. */
export async function signOut(): Promise<void> {
  try {
    await session.signOut();
  } catch (problem) {
    notifications.show({ title: words.notSignedOut, message: asError(problem).message, color: "var(--failed)" });
  }
}

/** The address that signs a browser in with a code. */
export function signInAddress(code: string): string {
  return `${SERVER}/${LINK}${code}`;
}

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}

/** The code of a sign-in link in the address, and removes it from the address and the history; null without one. */
function takeLinkCode(): string | null {
  const { hash, pathname, search } = window.location;
  if (!hash.startsWith(LINK)) return null;
  window.history.replaceState(null, "", pathname + search);
  return hash.slice(LINK.length);
}
