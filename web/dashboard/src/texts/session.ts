export const session = {
  title: "Sign in",
  username: "User",
  firstUser: "admin",
  password: "Password",
  submit: "Sign in",
  hint: "The first user is admin. Its password is in the file admin_password in the data directory:",
  hintCommand: "cat .casare/admin_password",
  ended: "Your session has ended",
  endedText: "Sign in to continue. This page and its forms are kept.",
  linkEnded: "The read-only link of this screen has expired or was revoked. Open a new link, or sign in.",
  leave: "Leave this page",
  notSignedOut: "Not signed out",
} as const;
