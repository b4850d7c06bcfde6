import { Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useEffect } from "react";
import { useAction } from "../api/action";
import { common } from "../texts/common";
import { session as words } from "../texts/session";
import { ActionError } from "../ui/ActionError";
import { CopyLine } from "../ui/CopyLine";
import { useFocus } from "../ui/focus";
import classes from "./SignIn.module.css";
import { session, takeLinkCode, useSignedIn } from "./session";

/** The page without a session. It shows where the first password is stored. */
export function SignIn() {
  const { ended } = useSignedIn();
  const action = useAction((_key, username: string, password: string) => session.login(username, password));

  const byLink = useAction((_key, code: string) => session.loginByLink(code));
  useEffect(() => {
    const code = takeLinkCode();
    if (code !== null) void byLink.run(code);
  }, [byLink.run]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void action.run(String(form.get("username")), String(form.get("password")));
  };

  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" w="100%" maw={380} bg="var(--surface)">
        <form onSubmit={submit}>
          <Stack gap="md">
            <div className={classes.brand}>
              <img src="/icon.svg" width={28} height={28} alt="" />
              {common.product}
            </div>
            <Title order={1}>{words.title}</Title>
            {ended && action.error === null && <Text role="status">{words.ended}</Text>}
            <TextInput name="username" label={words.username} defaultValue="admin" autoComplete="username" required />
            <PasswordInput
              name="password"
              label={words.password}
              autoComplete="current-password"
              required
              ref={useFocus()}
            />
            <ActionError error={action.error ?? byLink.error} />
            <Button type="submit" loading={action.busy} fullWidth>
              {words.submit}
            </Button>
            <Stack gap="xs">
              <Text size="xs" c="dimmed">
                {words.hint}
              </Text>
              <CopyLine text={words.hintCommand} label={words.password} />
            </Stack>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
