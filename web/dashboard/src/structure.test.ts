import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";
import { accessTexts } from "./texts/access";
import { common } from "./texts/common";
import { failureTexts } from "./texts/failures";
import { instanceTexts } from "./texts/instances";
import { comparisonTexts, jobTexts, jobTextsOne, presetTexts, runTexts } from "./texts/jobs";
import { logTexts } from "./texts/logs";
import { newsTexts } from "./texts/news";
import { notFound } from "./texts/notFound";
import { overviewTexts } from "./texts/overview";
import { palette } from "./texts/palette";
import { queueTexts } from "./texts/queues";
import { addRobotTexts, laneTexts, robotTexts, robotTextsOne } from "./texts/robots";
import { session } from "./texts/session";
import { workflowTexts } from "./texts/workflows";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !/\.(?:test|d)\.tsx?$/.test(path))
  .map((path) => ({ path, source: readFileSync(join(ROOT, path), "utf8") }));

/** Layers in order: a module imports only from its own and from earlier layers. */
const LAYERS = [
  /^css|^version/,
  /^texts\//,
  /^theme/,
  /^address\//,
  /^session\/session/,
  /^api\//,
  /^live\//,
  /^ui\//,
  /^session\/(?:SignIn|PasswordForm|PasswordAgain)/,
  /^pages\//,
  /^shell\//,
  /^router/,
  /^App/,
  /^main/,
];
const layerOf = (path: string) => LAYERS.findIndex((pattern) => pattern.test(path));

const ALIAS = /^const (\w+) = (\w+(?:\.\w+)+);/gm;

/** Paths of the texts that the modules read: `jobTexts.columns.job`; a dynamic index ends the path: `common.status`. */
function textsRead(): Set<string> {
  const read = new Set<string>();
  for (const { source } of files.filter((file) => !file.path.startsWith("texts/"))) {
    const names = new Map<string, string>();
    for (const [, list = ""] of source.matchAll(/import \{([^}]*)\} from "[./]*texts\/\w+";/g)) {
      for (const one of list.split(",")) {
        const [exported = "", local = exported] = one.trim().split(" as ");
        names.set(local, exported);
      }
    }
    for (const [, local = "", from = ""] of source.matchAll(ALIAS)) {
      const [head = "", ...rest] = from.split(".");
      const known = names.get(head);
      if (known !== undefined) names.set(local, [known, ...rest].join("."));
    }
    const uses = source.replaceAll(ALIAS, "");
    for (const [local, exported] of names) {
      for (const [, keys = ""] of uses.matchAll(new RegExp(`(?<![.\\w])${local}((?:\\.\\w+)+)`, "g"))) {
        read.add(exported + keys);
      }
    }
  }
  return read;
}

function leavesOf(texts: object, path: string): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "object" ? leavesOf(value, `${path}.${key}`) : [`${path}.${key}`],
  );
}

const sheets = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".css"))
  .map((path) => ({ path, source: readFileSync(join(ROOT, path), "utf8") }));

/** The selectors of a style sheet, without those inside of a media query or another block. */
function selectorsOf(source: string): string[] {
  let depth = 0;
  const found: string[] = [];
  for (const [, head = "", brace] of source.replace(/\/\*.*?\*\//gs, "").matchAll(/([^{};]*)([{};])/g)) {
    if (brace === "{" && depth++ === 0) found.push(head.trim().replace(/\s+/g, " "));
    if (brace === "}") depth--;
  }
  return found;
}

interface Node {
  type: string;
  [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** The literal texts that an expression can result in, also as a part: `a ? "x" : b`, `` `${a} x` ``, `a && "x"`. */
function literalsOf(node: Node): string[] {
  if (node.type === "Literal" || node.type === "JSXText") return typeof node.value === "string" ? [node.value] : [];
  if (node.type === "TemplateElement") return [(node.value as { cooked: string }).cooked];
  if (node.type === "ConditionalExpression")
    return [node.consequent, node.alternate].filter(isNode).flatMap(literalsOf);
  const passed = ["JSXExpressionContainer", "TemplateLiteral", "LogicalExpression", "ParenthesizedExpression"];
  const sum = node.type === "BinaryExpression" && node.operator === "+";
  return sum || passed.includes(node.type) ? childrenOf(node).flatMap(literalsOf) : [];
}

/** Attributes whose text a person sees or hears. */
const SHOWN =
  /^(?:title|label|alt|placeholder|description|text|summary|empty|gone|axis|aria-(?:label|description|valuetext|roledescription))$/;

/** The texts that a module shows without a name from `texts/`. */
function textsInMarkup(path: string, source: string): string[] {
  const shown = (node: Node): string[] => {
    const name = node.type === "JSXAttribute" ? (node.name as { name: string }).name : "";
    const own =
      node.type === "JSXElement" || node.type === "JSXFragment"
        ? (node.children as Node[]).flatMap(literalsOf)
        : SHOWN.test(name) && isNode(node.value)
          ? literalsOf(node.value)
          : [];
    return [...own, ...childrenOf(node).flatMap(shown)];
  };
  return shown(parseSync(path, source).program as unknown as Node).filter((text) => /\p{L}{2}/u.test(text));
}

/** What a module offers to a read-only link although it changes something on the server.
 *
 * @param sending the functions that send a change
 */
function ungated(source: string, sending: readonly string[]): string[] {
  const uses = (text: string) => sending.some((name) => new RegExp(`\\b${name}\\(`).test(text));
  const imported = [...source.matchAll(/^import \{([^}]*)\} from "([^"]+)";/gm)];
  const names = imported.flatMap(([, list = ""]) => list.split(",").map((name) => name.trim().replace(/ as .*/, "")));
  const plainButton = imported.filter(([, list = "", from]) => from === "@mantine/core" && /\bButton\b/.test(list));
  const without = sending.filter((name) => names.includes(name) && !/<(?:OrderButton|Confirm)\b/.test(source));
  const opening = new Set(
    [...source.matchAll(/ (?:opened|order)=\{(\w+)/g)].map(
      ([, state = ""]) => `set${state[0]?.toUpperCase()}${state.slice(1)}(`,
    ),
  );
  const actions = [...source.matchAll(/const (\w+) = useAction\((.{0,300})/gs)].filter(([, , body = ""]) => uses(body));
  const views = [...source.matchAll(/<ViewButton\b(?:=>|[^>])*>/g)].map(([tag]) => tag);
  const ordering = views.filter(
    (tag) =>
      uses(tag) ||
      [...opening].some((setter) => tag.includes(setter)) ||
      actions.some(([, action]) => tag.includes(`${action}.run(`)),
  );
  const forms = [...source.matchAll(/<LinkButton\b(?:=>|[^>])*to="\/(?:jobs|robots)\/new"/g)].map(([tag]) => tag);
  return [...plainButton.map(() => "a Button of Mantine"), ...without, ...ordering, ...forms];
}

describe("the modules of the dashboard", () => {
  it("show texts of texts/ alone", () => {
    const page = files.filter((file) => !file.path.startsWith("texts/") && file.path.endsWith(".tsx"));
    expect(page.length).toBeGreaterThan(60);
    expect(page.flatMap(({ path, source }) => textsInMarkup(path, source).map((text) => `${path}: ${text}`))).toEqual(
      [],
    );
  });

  it("are searched for texts in every place that shows one", () => {
    const source =
      '<p className="wide" title="One">Two {a ? "Three" : b} {a && `Four`} {f("no")}<i alt={"Five" + a} /></p>';
    expect(textsInMarkup("a.tsx", source).map((text) => text.trim())).toEqual(["Two", "Three", "Four", "One", "Five"]);
  });

  it("declare each selector of a style sheet once", () => {
    expect(sheets.length).toBeGreaterThan(5);
    const repeated = sheets.flatMap(({ path, source }) => {
      const selectors = selectorsOf(source);
      return selectors
        .filter((selector, index) => !selector.startsWith("@") && selectors.indexOf(selector) !== index)
        .map((selector) => `${path}: ${selector}`);
    });
    expect(repeated).toEqual([]);
  });

  it("load data again by one function", () => {
    const callers = files.filter(({ source }) => /invalidateQueries|\.refetch\(/.test(source)).map(({ path }) => path);
    expect(callers).toEqual(["api/queries.ts"]);
  });

  it("use colours of the palette alone", () => {
    const own = ({ path }: { path: string }) => !["theme.ts", "styles.css"].includes(path);
    const found = [...files, ...sheets]
      .filter(own)
      .flatMap(({ path, source }) =>
        [...source.matchAll(/#[0-9a-f]{6}\b|\brgba?\(/gi)].map(([color]) => `${path}: ${color}`),
      );
    expect(found).toEqual([]);
  });

  it("have one colour per meaning, in both themes", () => {
    const palette = sheets.find(({ path }) => path === "styles.css")?.source ?? "";
    const [light = "", dark = ""] = palette.split('[data-mantine-color-scheme="dark"]');
    const tokens = [...light.matchAll(/^ {2}(--[\w-]+): #\w+;(?: \/\* (.+) \*\/)?$/gm)];
    expect(tokens.filter(([, , meaning]) => meaning === undefined).map(([, name]) => name)).toEqual([]);
    expect(new Set(tokens.map(([, , meaning]) => meaning)).size).toBe(tokens.length);
    expect([...dark.matchAll(/^ {2}(--[\w-]+): #\w+;$/gm)].map(([, name]) => name)).toEqual(
      tokens.map(([, name]) => name),
    );
  });

  it("draw one thing in one colour in all charts", () => {
    const meanings: Record<string, RegExp> = {
      "--pending": /\.(?:pending|depth)$/,
      "--completed": /\.completed$/,
      "--failed": /\.failed$/,
      "--measure": /\.(?:cpu|memory|median)$/,
      "--measure-2": /\.slow$/,
    };
    const drawn = files.flatMap(({ path, source }) =>
      [...source.matchAll(/label: ([\w.]+), color: "(--[\w-]+)"/g)].map(([, label = "", color = ""]) => ({
        path,
        label,
        color,
      })),
    );
    expect(drawn.length).toBeGreaterThan(6);
    expect(drawn.filter(({ label, color }) => meanings[color]?.test(label) !== true)).toEqual([]);
  });

  it("offer what changes something on the server only where a read-only link has no button for it", () => {
    const sending = files
      .filter(({ path }) => path.startsWith("api/"))
      .flatMap(({ source }) =>
        source
          .split(/^export /m)
          .filter((part) => /http\.(?:POST|PUT|PATCH|DELETE)\(/.test(part))
          .map((part) => /^(?:async )?(?:const|function) (\w+)/.exec(part)?.[1] ?? part),
      );
    expect(sending.length).toBeGreaterThan(20);
    const parts = files.filter(({ path }) => /^(?:pages|shell)\//.test(path));
    expect(parts.flatMap(({ path, source }) => ungated(source, sending).map((what) => `${path}: ${what}`))).toEqual([]);
  });

  it("are searched for every way around the buttons for orders", () => {
    const around = [
      'import { Button, Text } from "@mantine/core";',
      'import { cancelJob } from "../../api/jobs";',
      '<ViewButton size="sm" onClick={() => setAsked("x")}>x</ViewButton> <Confirm opened={asked !== null} />',
      '<LinkButton variant="default" to="/jobs/new">x</LinkButton>',
      "const make = useAction(async () => cancelJob(id)); <ViewButton onClick={() => void make.run()} />",
      "<ViewButton onClick={() => cancelJob(id)} />",
    ];
    expect(around.map((source) => ungated(source, ["cancelJob"]).length)).toEqual([1, 1, 1, 1, 1, 1]);
    const gated = '<OrderButton onClick={() => setAsked("x")}>x</OrderButton> <Confirm opened={asked !== null} />';
    expect(ungated(gated, ["cancelJob"])).toEqual([]);
  });

  it("say with one component that filters hide something, on every list with filters", () => {
    const router = files.find(({ path }) => path === "router.tsx")?.source ?? "";
    const lists = [...router.matchAll(/validateSearch: searchOf(\w+),\s+component: [^"]*"\.\/([^"]+)"/g)]
      .filter(([, search = ""]) => !["Charts", "Run"].includes(search))
      .map(([, , path]) => `${path}.tsx`);
    expect(lists.length).toBeGreaterThan(5);
    const silent = lists.filter((list) => {
      const source = files.find(({ path }) => path === list)?.source ?? "";
      return !/<FilterCount\b/.test(source) || !/<NothingShown\b/.test(source);
    });
    expect(silent).toEqual([]);
    expect(files.filter(({ source }) => source.includes('role="search"')).map(({ path }) => path)).toEqual([
      "ui/Filters.tsx",
    ]);
  });

  it("ask the server below its base path", () => {
    const atRoot = /\bfetch\(["`]\/|\b(?:src|href)="\/|new WebSocket\(["`]\//;
    expect(files.filter(({ source }) => atRoot.test(source)).map(({ path }) => path)).toEqual([]);
    expect(atRoot.test('fetch("/wheels/current.json")')).toBe(true);
  });

  it("never write HTML from a text", () => {
    const writing = files.filter(({ source }) =>
      /dangerouslySetInnerHTML|\.(?:inner|outer)HTML|insertAdjacentHTML/.test(source),
    );
    expect(writing.map(({ path }) => path)).toEqual([]);
  });

  it("belong to one layer each, and import only from lower layers", () => {
    expect(files.filter(({ path }) => layerOf(path) === -1).map(({ path }) => path)).toEqual([]);
    const upward = files.flatMap(({ path, source }) =>
      [...source.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)]
        .map(([, target = ""]) => relative(ROOT, join(ROOT, dirname(path), target)))
        .filter((target) => !target.endsWith(".css") && layerOf(target) > layerOf(path))
        .map((target) => `${path} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it("read the state of a request only through the component that shows it", () => {
    const raw = [
      /\bis(?:Pending|Error|Success|Loading|LoadingError|RefetchError)\b/,
      /\{[^{}]*\bdata\b[^{}]*\} = use(?:Infinite)?Query\(/,
      /\.data(?:\?\.\w+(?:\([^)]*\))?)* \?\? /,
      /<(?:Loader|Skeleton)\b(?! size="xs")/,
    ];
    const states = files.filter(({ path }) => /^(?:pages|shell|ui)\//.test(path) && path !== "ui/Loaded.tsx");
    const found = states.flatMap(({ path, source }) => {
      const uses = raw.map((pattern) => pattern.exec(source)?.[0]).filter((use) => use !== undefined);
      const unseen = /= use(?:Infinite)?Query\(/.test(source) && !/<Loaded\b|choicesOf\(|\.data\b/.test(source);
      return [...uses, ...(unseen ? ["a query without <Loaded>"] : [])].map((use) => `${path}: ${use}`);
    });
    expect(found).toEqual([]);
  });

  it("use every text", () => {
    const all = { addRobotTexts, common, jobTexts, jobTextsOne, logTexts, notFound, overviewTexts, palette };
    const more = {
      comparisonTexts,
      accessTexts,
      instanceTexts,
      failureTexts,
      laneTexts,
      newsTexts,
      presetTexts,
      queueTexts,
      robotTexts,
      robotTextsOne,
      runTexts,
      session,
      workflowTexts,
    };
    const read = [...textsRead()];
    const unused = Object.entries({ ...all, ...more })
      .flatMap(([name, texts]) => leavesOf(texts, name))
      .filter((leaf) => !read.some((path) => `${leaf}.`.startsWith(`${path}.`) || path.startsWith(`${leaf}.`)));
    expect(unused).toEqual([]);
  });
});
