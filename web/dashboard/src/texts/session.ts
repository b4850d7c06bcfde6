export const session = {
  title: "Sign in",
  username: "User",
  password: "Password",
  submit: "Sign in",
  hint: "The first user is admin. Its password is in the data folder, in the file admin_password:",
  hintCommand: "cat .casare/admin_password",
  ended: "Your session has ended. Sign in again.",
  unreachable: "The server does not answer.",
} as const;
