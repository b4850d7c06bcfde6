import { asError } from "@casare/client";
import { Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { common } from "../texts/common";
import { session as words } from "../texts/session";
import { CopyLine } from "../ui/CopyLine";
import classes from "./SignIn.module.css";
import { session, useSignedIn } from "./session";

/** The page without a session. It shows where the first password is stored. */
export function SignIn() {
  const { ended } = useSignedIn();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await session.login(String(form.get("username")), String(form.get("password")));
    } catch (problem) {
      setError(asError(problem).message);
    } finally {
      setBusy(false);
    }
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
            {ended && error === null && <Text role="status">{words.ended}</Text>}
            <TextInput name="username" label={words.username} defaultValue="admin" autoComplete="username" required />
            <PasswordInput
              name="password"
              label={words.password}
              autoComplete="current-password"
              required
              data-autofocus
            />
            {error !== null && (
              <Text c="error" role="alert">
                {error}
              </Text>
            )}
            <Button type="submit" loading={busy} fullWidth>
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
