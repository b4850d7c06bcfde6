import LogOut from "lucide:log-out";
import Search from "lucide:search";
import { ActionIcon, Burger, Drawer, Kbd, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { BASE } from "../address/base";
import { overviewOf } from "../api/overview";
import { useConnection } from "../live/live";
import { signOut, useSession } from "../session/session";
import { common } from "../texts/common";
import { newsTexts } from "../texts/news";
import { MODIFIER, useKeys } from "../ui/keys";
import { useCanAct, ViewButton } from "../ui/orders";
import { useSeenVersion } from "../ui/preferences";
import { scrollId, useScrollBack } from "../ui/savedScroll";
import { setWindowSigns } from "../ui/windowSigns";
import { VERSION } from "../version";
import { ConnectionBanner } from "./ConnectionBanner";
import { keyOfPage, usePages } from "./pages";
import classes from "./shell.module.css";
import { ThemeSwitch } from "./ThemeSwitch";

/** Selects the field that `/` focuses: `<TextInput data-page-search … />`. */
const PAGE_SEARCH = "[data-page-search]";
/** The name under which the scroll position of the content is kept. */
const CONTENT = "content";

// Loaded when they are first opened, so that the first page is small.
const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const NewsNotice = lazy(async () => ({ default: (await import("./News")).NewsNotice }));
const NewsPanel = lazy(async () => ({ default: (await import("./News")).NewsPanel }));
const KeyHelp = lazy(async () => ({ default: (await import("./KeyHelp")).KeyHelp }));

/** Frame around every page: menu, connection state, keyboard shortcuts, palette. */
export function Shell() {
  const [help, helpActions] = useDisclosure(false);
  const [menu, menuActions] = useDisclosure(false);
  const [hasPalette, setHasPalette] = useState(false);
  const session = useSession();
  const canAct = useCanAct();
  const connection = useConnection();
  const openPalette = async () => {
    const { palette } = await import("./Palette");
    setHasPalette(true);
    palette.open();
  };
  useGlobalKeys(helpActions.open, () => void openPalette());
  const content = useRef<HTMLElement>(null);
  useScrollBack(CONTENT, content);
  const [news, newsActions] = useDisclosure(false);
  const openNews = () => {
    menuActions.close();
    newsActions.open();
  };
  const [seen, setSeen] = useSeenVersion();
  useEffect(() => {
    if (seen === null) setSeen(VERSION);
  }, [seen, setSeen]);
  const server = useQuery(signs).data?.server_version;
  const outdated = connection.state === "offline" || connection.state === "stale";
  useWindowSigns(outdated);
  const side = (
    <>
      <div className={classes.brand}>
        <img src={`${BASE}/icon.svg`} width={22} height={22} alt="" />
        {common.product}
      </div>
      <button type="button" className={classes.find} onClick={() => void openPalette()}>
        <Search size={14} aria-hidden />
        <span className="clip">{common.search}</span>
        <Kbd size="xs">{MODIFIER} K</Kbd>
      </button>
      <Entries onFollow={menuActions.close} />
      <div className={classes.foot}>
        {!canAct && (
          <Text size="xs" c="dimmed" px="xs">
            {common.readOnly(session.username)}. {common.readOnlyHint}
          </Text>
        )}
        {server !== undefined && (
          <button type="button" className={classes.version} onClick={openNews} title={newsTexts.all}>
            {newsTexts.version(server)}
          </button>
        )}
        <div className={classes.bottom}>
          <span className={classes.connection} role="status">
            <span className={classes.dot} data-state={connection.state} />
            {common.connection[connection.state]}
          </span>
          <ThemeSwitch />
          <Tooltip label={common.signOut}>
            <ActionIcon variant="subtle" size="lg" onClick={() => void signOut()} aria-label={common.signOut}>
              <LogOut size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
    </>
  );
  return (
    <div className={classes.frame}>
      <a href="#content" className={classes.skip}>
        {common.skip}
      </a>
      <nav className={classes.side} aria-label={common.menu}>
        {side}
      </nav>
      <div className={classes.main}>
        <div className={classes.top}>
          <Burger opened={menu} onClick={menuActions.toggle} size="sm" aria-label={common.menu} />
          {common.product}
        </div>
        <ConnectionBanner />
        {server !== undefined && server !== VERSION && <UpdatedServer version={server} />}
        <main
          id="content"
          ref={content}
          {...scrollId(CONTENT)}
          className={classes.content}
          data-stale={outdated}
          tabIndex={-1}
        >
          {canAct && seen !== null && seen !== VERSION && (
            <Suspense>
              <NewsNotice />
            </Suspense>
          )}
          <Outlet />
        </main>
      </div>
      <Drawer opened={menu} onClose={menuActions.close} size={240} title={common.menu}>
        <nav aria-label={common.menu} style={{ display: "flex", flexDirection: "column", gap: 2 }}>
          {side}
        </nav>
      </Drawer>
      <Suspense>
        {hasPalette && <Palette />}
        {news && <NewsPanel onClose={newsActions.close} />}
        {help && <KeyHelp opened onClose={helpActions.close} />}
      </Suspense>
    </div>
  );
}

const SIGNS_MS = 60_000;
const signs = { ...overviewOf("1h"), refetchInterval: SIGNS_MS, refetchIntervalInBackground: true };

/** Says that the server is of another version than this page, and offers to load the page again. */
function UpdatedServer({ version }: { version: string }) {
  return (
    <div className={classes.banner} role="alert">
      <span>{newsTexts.updated(version, VERSION)}</span>
      <ViewButton size="compact-sm" variant="default" onClick={() => window.location.reload()}>
        {newsTexts.reload}
      </ViewButton>
    </div>
  );
}

/** Shows failures and a lost connection in the title and icon of the window, also of a hidden tab. */
function useWindowSigns(lost: boolean): void {
  const overview = useQuery(signs).data;
  const failures = overview?.ended.failed;
  useEffect(() => setWindowSigns({ lost, failures: failures ?? 0 }), [lost, failures]);
}

function Entries({ onFollow }: { onFollow: () => void }) {
  return usePages().map(({ to, label, icon: Sign }) => (
    <Link
      key={to}
      to={to}
      className={classes.entry}
      activeOptions={{ exact: to === "/", includeSearch: false }}
      onClick={onFollow}
    >
      <Sign size={16} aria-hidden />
      {label}
    </Link>
  ));
}

/** Shortcuts of all pages: `?`, `/`, ⌘K or Ctrl+K, and `g` followed by the number of a page. */
function useGlobalKeys(showHelp: () => void, openPalette: () => void): void {
  const navigate = useNavigate();
  const goAt = useRef(0);
  const pages = usePages();
  const go = (index: number) => {
    const page = pages[index];
    if (page !== undefined && Date.now() - goAt.current < 1500) void navigate({ to: page.to });
  };
  useKeys({
    "?": showHelp,
    "mod+k": openPalette,
    "/": () => document.querySelector<HTMLElement>(PAGE_SEARCH)?.focus(),
    g: () => {
      goAt.current = Date.now();
    },
    ...Object.fromEntries(pages.map((_page, index) => [keyOfPage(index), () => go(index)])),
  });
  useEffect(() => {
    const leaveSearch = (event: KeyboardEvent) => {
      const field = event.target;
      if (event.key === "Escape" && field instanceof HTMLInputElement && field.matches(PAGE_SEARCH)) field.blur();
    };
    document.addEventListener("keydown", leaveSearch);
    return () => document.removeEventListener("keydown", leaveSearch);
  }, []);
}
