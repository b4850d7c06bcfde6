import {
  Activity,
  Bot,
  History,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  ScrollText,
  TriangleAlert,
  Workflow,
} from "lucide-react";
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
] as const;

/** The pages that the user can use: a read-only link has no access page. */
export function usePages() {
  const canAct = useCanAct();
  return canAct ? PAGES : PAGES.filter(({ to }) => to !== "/access");
}
