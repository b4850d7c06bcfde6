import WifiOff from "lucide:wifi-off";
import { live, useConnection } from "../live/live";
import { common } from "../texts/common";
import { useNow } from "../ui/now";
import { ViewButton } from "../ui/orders";
import { Age, Time } from "../ui/Time";
import classes from "./shell.module.css";

const words = common.connection;

/** Shown while the page has no live data: the reason, the time until the next attempt, and a button to try now. */
export function ConnectionBanner() {
  const connection = useConnection();
  const now = useNow();
  if (connection.state === "stale") {
    return (
      <div className={classes.banner} role="alert">
        <span>
          {words.staleBanner} <AsOf at={connection.upToDateAt} />
        </span>
      </div>
    );
  }
  if (connection.state !== "offline") return null;
  const seconds = connection.retryAt === null ? 0 : Math.ceil((connection.retryAt - now) / 1000);
  return (
    <div className={classes.banner} role="alert">
      <WifiOff size={16} aria-hidden />
      <span>
        {words.banner(connection.why)} <AsOf at={connection.upToDateAt} />
      </span>
      <span className="number">{seconds > 0 ? words.retryIn(seconds) : words.retrying}</span>
      <ViewButton size="compact-sm" variant="default" onClick={() => live.retryNow()}>
        {words.retryNow}
      </ViewButton>
    </div>
  );
}

/** The time at which the data of the page was current, and its age. */
function AsOf({ at }: { at: number | null }) {
  if (at === null) return null;
  const moment = new Date(at).toISOString();
  return (
    <>
      {words.asOf} <Time at={moment} /> (<Age at={moment} />
      ).
    </>
  );
}
