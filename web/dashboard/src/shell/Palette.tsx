import { useMantineColorScheme } from "@mantine/core";
import { createSpotlight, Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import "@mantine/spotlight/styles.css";
import Bot from "lucide:bot";
import ListChecks from "lucide:list-checks";
import Plus from "lucide:plus";
import Search from "lucide:search";
import Workflow from "lucide:workflow";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { workflows } from "../api/jobs";
import { useRobots } from "../live/live";
import { palette as words } from "../texts/palette";
import { plain } from "../texts/safe";
import { choicesOf } from "../ui/Loaded";
import { useCanAct } from "../ui/orders";
import { useRobotNames } from "../ui/RobotLink";
import { usePages } from "./pages";
import { THEMES } from "./ThemeSwitch";
import { useOrders } from "./useOrders";

export const [paletteStore, palette] = createSpotlight();

const MOST_ROBOTS = 8;
const MOST_WORKFLOWS = 8;

/** The command palette (⌘K or Ctrl+K): pages, actions, orders, themes, robots and workflows by name, jobs by id. */
export function Palette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const robots = useRobots();
  const nameOf = useRobotNames();
  const known = choicesOf(useQuery({ ...workflows, enabled: query.trim() !== "" }));
  const { setColorScheme } = useMantineColorScheme();
  const wanted = query.trim().toLowerCase();
  const canAct = useCanAct();
  const orders = useOrders(wanted);
  const icon = (Sign: typeof Bot) => <Sign size={16} aria-hidden />;

  const pages: SpotlightActionData[] = usePages().map((page) => ({
    id: page.to,
    label: page.label,
    leftSection: icon(page.icon),
    onClick: () => void navigate({ to: page.to }),
  }));
  const actions: SpotlightActionData[] = !canAct
    ? []
    : [
        { id: "run", label: words.runJob, leftSection: icon(Plus), onClick: () => void navigate({ to: "/jobs/new" }) },
        {
          id: "add",
          label: words.addRobot,
          leftSection: icon(Plus),
          onClick: () => void navigate({ to: "/robots/new" }),
        },
      ];
  const found: SpotlightActionData[] = [...robots.values()]
    .filter(({ robot_id: id }) => wanted !== "" && [id, nameOf(id)].some((text) => text.toLowerCase().includes(wanted)))
    .slice(0, MOST_ROBOTS)
    .map((robot) => ({
      id: `robot ${robot.robot_id}`,
      label: nameOf(robot.robot_id),
      description: nameOf(robot.robot_id) === robot.robot_id ? words.robot : `${words.robot} ${robot.robot_id}`,
      leftSection: icon(Bot),
      onClick: () => void navigate({ to: "/robots/$robotId", params: { robotId: robot.robot_id } }),
    }));
  const runnable: SpotlightActionData[] = known
    .filter(({ workflow_id: id }) => wanted !== "" && id.toLowerCase().includes(wanted))
    .slice(0, MOST_WORKFLOWS)
    .map(({ workflow_id: id }) => ({
      id: `workflow ${id}`,
      label: plain(id),
      description: words.workflow,
      leftSection: icon(Workflow),
      onClick: () => void navigate({ to: "/workflows/$workflowId", params: { workflowId: id } }),
    }));
  const themes: SpotlightActionData[] = THEMES.map((theme) => ({
    id: `theme ${theme.value}`,
    label: words.theme(theme.label),
    leftSection: icon(theme.icon),
    onClick: () => setColorScheme(theme.value),
  }));
  const job: SpotlightActionData[] = wanted.startsWith("job-")
    ? [
        {
          id: `job ${wanted}`,
          label: query.trim(),
          description: words.job,
          leftSection: icon(ListChecks),
          onClick: () => void navigate({ to: "/jobs/$jobId", params: { jobId: query.trim() } }),
        },
      ]
    : [];

  return (
    <>
      <Spotlight
        store={paletteStore}
        query={query}
        onQueryChange={setQuery}
        shortcut={null}
        nothingFound={words.nothing}
        highlightQuery
        scrollable
        maxHeight={420}
        actions={[...job, ...found, ...runnable, ...orders.actions, ...actions, ...pages, ...themes]}
        searchProps={{
          leftSection: <Search size={16} aria-hidden />,
          placeholder: words.placeholder,
          "aria-label": words.placeholder,
        }}
      />
      {orders.dialog}
    </>
  );
}
