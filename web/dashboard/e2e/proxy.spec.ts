import { test } from "@playwright/test";
import { useBelowPath } from "./belowPath";

/** Behind a real proxy; tests/interop/test_behind_a_proxy.py starts it and sets the variables. */
test.use({ ignoreHTTPSErrors: true });

test("the dashboard works below a path behind a proxy", async ({ page }) => {
  const { CASARE_E2E_URL: address, CASARE_E2E_PASSWORD: password } = process.env;
  if (address === undefined || password === undefined) throw new Error("set CASARE_E2E_URL and CASARE_E2E_PASSWORD");
  await useBelowPath(page, address, password);
});
