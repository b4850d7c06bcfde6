import { asError } from "@casare/client";
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { searchOfAudit } from "./address/audit";
import { BASE } from "./address/base";
import { searchOfCharts } from "./address/charts";
import { searchOfFailures } from "./address/failures";
import { searchOfJobs } from "./address/jobs";
import { searchOfLogs } from "./address/logs";
import { searchOfRobots } from "./address/robots";
import { searchOfRun } from "./address/run";
import { plainSearch, searchText } from "./address/text";
import { searchOfWorkflows } from "./address/workflows";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";
import { LoadError, Loading } from "./ui/Loaded";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: searchOfCharts,
  component: lazyRouteComponent(() => import("./pages/overview/OverviewPage"), "OverviewPage"),
});
const robots = createRoute({
  getParentRoute: () => root,
  path: "/robots",
  validateSearch: searchOfRobots,
  component: lazyRouteComponent(() => import("./pages/robots/RobotsPage"), "RobotsPage"),
});
const addRobot = createRoute({
  getParentRoute: () => root,
  path: "/robots/new",
  component: lazyRouteComponent(() => import("./pages/robots/AddRobotPage"), "AddRobotPage"),
});
const robot = createRoute({
  getParentRoute: () => root,
  path: "/robots/$robotId",
  component: lazyRouteComponent(() => import("./pages/robots/RobotPage"), "RobotPage"),
});
const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: searchOfJobs,
  component: lazyRouteComponent(() => import("./pages/jobs/JobsPage"), "JobsPage"),
});
const runJob = createRoute({
  getParentRoute: () => root,
  path: "/jobs/new",
  validateSearch: searchOfRun,
  component: lazyRouteComponent(() => import("./pages/jobs/RunJobPage"), "RunJobPage"),
});
const job = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$jobId",
  component: lazyRouteComponent(() => import("./pages/jobs/JobPage"), "JobPage"),
});
const logs = createRoute({
  getParentRoute: () => root,
  path: "/logs",
  validateSearch: searchOfLogs,
  component: lazyRouteComponent(() => import("./pages/logs/LogsPage"), "LogsPage"),
});
const queues = createRoute({
  getParentRoute: () => root,
  path: "/queues",
  validateSearch: searchOfCharts,
  component: lazyRouteComponent(() => import("./pages/queues/QueuesPage"), "QueuesPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: searchOfAudit,
  component: lazyRouteComponent(() => import("./pages/audit/AuditPage"), "AuditPage"),
});

const access = createRoute({
  getParentRoute: () => root,
  path: "/access",
  component: lazyRouteComponent(() => import("./pages/access/AccessPage"), "AccessPage"),
});

const instances = createRoute({
  getParentRoute: () => root,
  path: "/instances",
  component: lazyRouteComponent(() => import("./pages/instances/InstancesPage"), "InstancesPage"),
});

const workflows = createRoute({
  getParentRoute: () => root,
  path: "/workflows",
  validateSearch: searchOfWorkflows,
  component: lazyRouteComponent(() => import("./pages/workflows/WorkflowsPage"), "WorkflowsPage"),
});
const workflow = createRoute({
  getParentRoute: () => root,
  path: "/workflows/$workflowId",
  component: lazyRouteComponent(() => import("./pages/workflows/WorkflowPage"), "WorkflowPage"),
});

const failures = createRoute({
  getParentRoute: () => root,
  path: "/failures",
  validateSearch: searchOfFailures,
  component: lazyRouteComponent(() => import("./pages/failures/FailuresPage"), "FailuresPage"),
});

let otherPage = true;

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    robots,
    addRobot,
    robot,
    jobs,
    runJob,
    job,
    logs,
    queues,
    workflows,
    workflow,
    audit,
    access,
    instances,
    failures,
  ]),
  basepath: BASE || "/",
  parseSearch: plainSearch,
  stringifySearch: searchText,
  // The log page shows its own place.
  scrollRestoration: ({ location }) => location.pathname !== "/logs",
  // Another page begins at its top; another filter of the same page moves nothing.
  scrollToTopSelectors: [() => (otherPage ? document.getElementById("content") : null)],
  defaultPreload: "intent",
  defaultPendingComponent: () => <Loading lines={8} />,
  defaultPendingMs: 300,
  defaultErrorComponent: ({ error, reset }) => <LoadError error={asError(error)} retry={reset} />,
});

router.subscribe("onBeforeNavigate", ({ pathChanged }) => {
  otherPage = pathChanged;
});

/** Begins to load the page of the current address, before it is known whether the browser is signed in. */
export function loadPage(): void {
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    router.loadRouteChunk(router.routesById[routeId as keyof typeof router.routesById])?.catch(() => undefined); // the page shows the error
  }
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
