import { Paper, Stack, Text, Title } from "@mantine/core";
import { useEffect, useState } from "react";
import { BASE } from "../address/base";
import { common } from "../texts/common";
import { session as words } from "../texts/session";
import { CopyLine } from "../ui/CopyLine";
import { PasswordForm } from "./PasswordForm";
import classes from "./SignIn.module.css";
import { started } from "./session";

/** The page without a session. It shows where the first password is stored. */
export function SignIn() {
  const [linkError, setLinkError] = useState<string | null>(null);
  useEffect(() => {
    void started.then(setLinkError);
  }, []);
  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" w="100%" maw={380} bg="var(--surface)">
        <Stack gap="md">
          <div className={classes.brand}>
            <img src={`${BASE}/icon.svg`} width={28} height={28} alt="" />
            {common.product}
          </div>
          <Title order={1}>{words.title}</Title>
          <PasswordForm username={words.firstUser} error={linkError} />
          <Stack gap="xs">
            <Text size="xs" c="dimmed">
              {words.hint}
            </Text>
            <CopyLine text={words.hintCommand} label={words.password} />
          </Stack>
        </Stack>
      </Paper>
    </main>
  );
}
