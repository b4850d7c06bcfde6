import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import type { FormEvent } from "react";
import { useAction } from "../api/action";
import { session as words } from "../texts/session";
import { ActionError } from "../ui/ActionError";
import { useFocus } from "../ui/focus";
import { session } from "./session";

interface Props {
  username: string;
  /** The error of another way to sign in. */
  error?: string | null;
}

/** Signs in with user and password. */
export function PasswordForm({ username, error = null }: Props) {
  const action = useAction((_key, name: string, password: string) => session.login(name, password));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void action.run(String(form.get("username")), String(form.get("password")));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput name="username" label={words.username} defaultValue={username} autoComplete="username" required />
        <PasswordInput
          name="password"
          label={words.password}
          autoComplete="current-password"
          required
          ref={useFocus()}
          data-autofocus
        />
        <ActionError error={action.error ?? error} />
        <Button type="submit" loading={action.busy} fullWidth>
          {words.submit}
        </Button>
      </Stack>
    </form>
  );
}
