import Activity from "lucide:activity";
import Bot from "lucide:bot";
import History from "lucide:history";
import KeyRound from "lucide:key-round";
import LayoutDashboard from "lucide:layout-dashboard";
import ListChecks from "lucide:list-checks";
import ScrollText from "lucide:scroll-text";
import Server from "lucide:server";
import TriangleAlert from "lucide:triangle-alert";
import Workflow from "lucide:workflow";
import { common } from "../texts/common";
import { useCanAct } from "../ui/orders";

/** The pages in the order of the menu, the palette and the shortcuts. */
export const PAGES = [
  { to: "/", label: common.nav.overview, icon: LayoutDashboard },
  { to: "/robots", label: common.nav.robots, icon: Bot },
  { to: "/jobs", label: common.nav.jobs, icon: ListChecks },
  { to: "/logs", label: common.nav.logs, icon: ScrollText },
  { to: "/queues", label: common.nav.queues, icon: Activity },
  { to: "/workflows", label: common.nav.workflows, icon: Workflow },
  { to: "/audit", label: common.nav.audit, icon: History },
  { to: "/failures", label: common.nav.failures, icon: TriangleAlert },
  { to: "/access", label: common.nav.access, icon: KeyRound },
  { to: "/instances", label: common.nav.instances, icon: Server },
] as const;

const OF_USERS: ReadonlySet<string> = new Set(["/access", "/instances"]);

/** The key of a page after `g`: 1 to 9, then 0. */
export const keyOfPage = (index: number): string => String((index + 1) % 10);

/** The pages that the user can use: a read-only link has neither the access nor the instances. */
export function usePages() {
  const canAct = useCanAct();
  return canAct ? PAGES : PAGES.filter(({ to }) => !OF_USERS.has(to));
}
