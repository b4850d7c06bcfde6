import { Button } from "@mantine/core";
import { WifiOff } from "lucide-react";
import { live, useConnection } from "../live/live";
import { common } from "../texts/common";
import { useNow } from "../ui/now";
import classes from "./shell.module.css";

const words = common.connection;

/** Shown while the page has no live data: the reason, the time until the next attempt, and a button to try now. */
export function ConnectionBanner() {
  const connection = useConnection();
  const now = useNow();
  if (connection.state === "stale") {
    return (
      <div className={classes.banner} role="alert">
        {words.staleBanner}
      </div>
    );
  }
  if (connection.state !== "offline") return null;
  const seconds = connection.retryAt === null ? 0 : Math.ceil((connection.retryAt - now) / 1000);
  return (
    <div className={classes.banner} role="alert">
      <WifiOff size={16} aria-hidden />
      <span>{words.banner(connection.why)}</span>
      <span className="number">{seconds > 0 ? words.retryIn(seconds) : words.retrying}</span>
      <Button size="compact-sm" variant="default" onClick={() => live.retryNow()}>
        {words.retryNow}
      </Button>
    </div>
  );
}
