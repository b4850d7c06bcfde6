// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rowClicks, useRowKeys } from "./rows";
import { TableRow } from "./TableRow";

const opened: string[] = [];

beforeEach(() => {
  opened.length = 0;
  vi.stubGlobal("open", (address: string) => void opened.push(`tab ${new URL(address).pathname}`));
});
afterEach(() => {
  vi.unstubAllGlobals();
  cleanup();
});

/** A link that notes where it leads, as a link of the router would go there. */
function To({ path, main = false }: { path: string; main?: boolean }) {
  return (
    <a
      href={`https://example.com${path}`}
      {...(main ? { "data-main": true } : {})}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        opened.push(path);
      }}
    >
      {path}
    </a>
  );
}

interface Props {
  onMove?: (to: number) => void;
  noteOf?: (() => string | null) | undefined;
}

function Table({ onMove = () => undefined, noteOf }: Props) {
  const columns = [
    { id: "state", header: "", width: "", cell: () => "idle" },
    { id: "workflow", header: "", width: "", cell: () => <To path="/workflows/w" /> },
    { id: "job", header: "", width: "", cell: () => <To path="/jobs/j" />, main: true },
  ];
  const acts = { toggle: () => undefined, move: onMove, focus: () => undefined };
  const place = { id: "j", row: {}, index: 0, start: 0, height: 36, current: false, reachable: true };
  const common = { tone: undefined, noteOf, selected: undefined, labelOf: String, acts };
  return <TableRow {...place} {...common} columns={columns} />;
}

describe("a row of a table", () => {
  it("opens by its main link: with a click or Enter here, with Ctrl, Shift or the middle button in a tab", () => {
    render(<Table />);
    const row = screen.getByRole("row");
    fireEvent.click(screen.getByText("idle"));
    fireEvent.keyDown(row, { key: "Enter" });
    expect(opened).toEqual(["/jobs/j", "/jobs/j"]);
    opened.length = 0;
    fireEvent.click(screen.getByText("idle"), { ctrlKey: true });
    fireEvent.click(screen.getByText("idle"), { metaKey: true });
    fireEvent.click(screen.getByText("idle"), { shiftKey: true });
    fireEvent(screen.getByText("idle"), new MouseEvent("auxclick", { bubbles: true, button: 1 }));
    fireEvent.keyDown(row, { key: "Enter", ctrlKey: true });
    expect(opened).toEqual(Array(5).fill("tab /jobs/j"));
  });

  it("has its second line only where there is a text for it", () => {
    render(<Table noteOf={() => "The window did not open"} />);
    expect(screen.getAllByRole("cell").at(-1)?.textContent).toBe("The window did not open");
    cleanup();
    render(<Table noteOf={() => null} />);
    expect(screen.getAllByRole("cell")).toHaveLength(3);
  });

  it("leaves a click on another link to that link, and the right button to the browser", () => {
    render(<Table />);
    fireEvent.click(screen.getByText("/workflows/w"));
    expect(opened).toEqual(["/workflows/w"]);
    fireEvent(screen.getByText("/workflows/w"), new MouseEvent("auxclick", { bubbles: true, button: 1 }));
    fireEvent(screen.getByText("idle"), new MouseEvent("auxclick", { bubbles: true, button: 2 }));
    expect(opened).toEqual(["/workflows/w"]);
  });
});

function List() {
  const host = useRowKeys<HTMLUListElement>();
  return (
    <ul ref={host}>
      {["/jobs/a", "/jobs/b"].map((path) => (
        <li key={path} {...rowClicks}>
          <To path={`${path}/all`} />
          <To path={path} main />
        </li>
      ))}
    </ul>
  );
}

describe("a list", () => {
  it("moves between the main links of its rows with j and k, and stops at both ends", () => {
    render(<List />);
    const focused = () => document.activeElement?.textContent;
    const press = (key: string) => fireEvent.keyDown(document.body, { key });
    const seen = ["j", "j", "j", "k", "k"].map((key) => {
      press(key);
      return focused();
    });
    expect(seen).toEqual(["/jobs/a", "/jobs/b", "/jobs/b", "/jobs/a", "/jobs/a"]);
  });
});
