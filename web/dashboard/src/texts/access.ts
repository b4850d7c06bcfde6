import { plain } from "./safe";

export const accessTexts = {
  title: "Access",
  links: "Read-only links",
  linksText:
    "A link signs browsers in for reading only, for example a screen on a wall. It shows all jobs with their parameters and logs. It lasts until it expires or is revoked.",
  name: "Name",
  nameHint: "Where the screen is",
  days: "Days until it expires",
  create: "Create link",
  created: (name: string) => `Link for ${plain(name)}`,
  createdText: "Open this address on the screen. It is shown only once.",
  noLinks: "There are no read-only links.",
  since: "Created",
  until: "expires",
  revoke: "Revoke",
  revokeTitle: (name: string) => `Revoke the link ${plain(name)}?`,
  revokeText: "Screens that use this link are signed out at once.",
  sessions: "Signed in",
  noSessions: "No user is signed in.",
  from: (address: string) => `from ${address}`,
  signedIn: "since",
  end: "End",
  endTitle: "End this sign-in?",
  endText: "Its pages ask for the password.",
} as const;
