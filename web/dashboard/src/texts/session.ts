export const session = {
  title: "Sign in",
  username: "User",
  password: "Password",
  submit: "Sign in",
  hint: "The first user is admin. Its password is in the file admin_password in the data directory:",
  hintCommand: "cat .casare/admin_password",
  ended: "Your session has ended. Sign in again.",
} as const;
