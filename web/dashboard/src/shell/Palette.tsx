import { createSpotlight, Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import "@mantine/spotlight/styles.css";
import { useNavigate } from "@tanstack/react-router";
import { Bot, ListChecks, Plus, Search } from "lucide-react";
import { useState } from "react";
import { useRobots } from "../live/live";
import { palette as words } from "../texts/palette";
import { useRobotNames } from "../ui/RobotLink";
import { PAGES } from "./pages";

export const [paletteStore, palette] = createSpotlight();

const MOST_ROBOTS = 8;

/** The command palette (⌘K or Ctrl+K): pages, actions, robots by name, jobs by id. */
export function Palette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const robots = useRobots();
  const nameOf = useRobotNames();
  const wanted = query.trim().toLowerCase();
  const icon = (Sign: typeof Bot) => <Sign size={16} aria-hidden />;

  const pages: SpotlightActionData[] = PAGES.map((page) => ({
    id: page.to,
    label: page.label,
    leftSection: icon(page.icon),
    onClick: () => void navigate({ to: page.to }),
  }));
  const actions: SpotlightActionData[] = [
    { id: "run", label: words.runJob, leftSection: icon(Plus), onClick: () => void navigate({ to: "/jobs/new" }) },
    { id: "add", label: words.addRobot, leftSection: icon(Plus), onClick: () => void navigate({ to: "/robots/new" }) },
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
    <Spotlight
      store={paletteStore}
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      nothingFound={words.nothing}
      highlightQuery
      scrollable
      maxHeight={420}
      actions={[...job, ...found, ...actions, ...pages]}
      searchProps={{
        leftSection: <Search size={16} aria-hidden />,
        placeholder: words.placeholder,
        "aria-label": words.placeholder,
      }}
    />
  );
}
