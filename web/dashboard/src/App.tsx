import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { queries } from "./api/queries";
import { live } from "./live/live";
import { router } from "./router";
import { PasswordAgain } from "./session/PasswordAgain";
import { SignIn } from "./session/SignIn";
import { useSession } from "./session/session";
import { theme } from "./theme";
import { Loading } from "./ui/Loaded";
import { CanAct } from "./ui/orders";

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={3} />
        <Pages />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Pages() {
  const { status, role } = useSession();
  const open = status === "signedIn" || status === "ended";
  useEffect(() => (open ? live.start() : undefined), [open]);
  if (status === "starting") return <Loading lines={8} />;
  if (!open) return <SignIn />;
  return (
    <>
      <CanAct value={role !== "viewer"}>
        <RouterProvider router={router} />
      </CanAct>
      <PasswordAgain />
    </>
  );
}
