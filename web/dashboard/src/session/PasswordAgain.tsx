import { Button, Modal, Stack, Text } from "@mantine/core";
import { session as words } from "../texts/session";
import { PasswordForm } from "./PasswordForm";
import { signOut, useSession } from "./session";

/** Asks for the password over the page when the session has ended. The page keeps its content and its forms. */
export function PasswordAgain() {
  const { status, username, role } = useSession();
  const viewer = role === "viewer";
  return (
    <Modal
      opened={status === "ended"}
      onClose={() => undefined}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      title={words.ended}
      overlayProps={{ blur: 4 }}
      zIndex={1000} // above the dialogs of the page
      centered
    >
      <Stack gap="md">
        <Text>{viewer ? words.linkEnded : words.endedText}</Text>
        <PasswordForm username={viewer ? words.firstUser : username} />
        <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
          {words.leave}
        </Button>
      </Stack>
    </Modal>
  );
}
