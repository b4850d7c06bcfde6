import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { queries } from "./api/queries";
import { live } from "./live/live";
import { router } from "./router";
import { SignIn } from "./session/SignIn";
import { useSignedIn } from "./session/session";
import { theme } from "./theme";

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
  const { signedIn } = useSignedIn();
  useEffect(() => (signedIn ? live.start() : undefined), [signedIn]);
  return signedIn ? <RouterProvider router={router} /> : <SignIn />;
}
