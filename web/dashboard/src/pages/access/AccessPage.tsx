import { Stack } from "@mantine/core";
import { accessTexts as words } from "../../texts/access";
import { OrderPage } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { SignIns } from "./SignIns";
import { ViewLinks } from "./ViewLinks";

/** Who can use the dashboard: read-only links, and users that are signed in. */
export function AccessPage() {
  return (
    <>
      <PageHeader title={words.title} />
      <OrderPage>
        <Stack gap="md" maw={860}>
          <ViewLinks />
          <SignIns />
        </Stack>
      </OrderPage>
    </>
  );
}
