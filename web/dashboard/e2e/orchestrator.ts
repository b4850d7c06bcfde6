import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CASARE = join(ROOT, ".venv/bin/casare");
const START_MS = 30_000;

/** A cookie, as the browser of a test takes it. */
interface Cookie {
  name: string;
  value: string;
  domain: string;
  path: string;
  httpOnly: boolean;
  sameSite: "Strict";
}

/** A free port. Another process can take it before it is used. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A real orchestrator with its own data directory and real robots. It can be killed and started again. */
export class Orchestrator {
  readonly #robots: ChildProcess[] = [];
  #server: ChildProcess | null = null;

  private constructor(
    readonly folder: string,
    readonly port: number,
  ) {}

  /** @param settings variables of its environment, such as `CASARE_BASE_PATH` */
  static async start(settings: Record<string, string> = {}): Promise<Orchestrator> {
    const made = await Orchestrator.#create();
    await made.serve(settings);
    return made;
  }

  /** An orchestrator whose store has `robots` robots with keys and `jobs` jobs. */
  static async filled(robots: number, jobs: number): Promise<Orchestrator> {
    const made = await Orchestrator.#create();
    const filling = made.#busy(["fill", made.#data, String(robots), String(jobs)]);
    const [code] = await once(filling, "exit");
    if (code !== 0) throw new Error(`the store was not filled: exit code ${code}`);
    await made.serve();
    return made;
  }

  static async #create(): Promise<Orchestrator> {
    return new Orchestrator(mkdtempSync(join(tmpdir(), "casare-e2e-")), await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get password(): string {
    return readFileSync(join(this.folder, "data/admin_password"), "utf8").trim();
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  get workflows(): string {
    return join(this.folder, "workflows");
  }

  async serve(settings: Record<string, string> = {}): Promise<void> {
    this.#server = this.#run(["serve", "--port", String(this.port), "--data-dir", join(this.folder, "data")], settings);
    await this.until(async () => (await fetch(`${this.url}/health/ready`)).ok);
  }

  /** Kills the server with SIGKILL. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  /** Connects the robots of the store. 50 of them run jobs, with this many updates and log lines a second. */
  async work(robots: number, updates: number, lines: number): Promise<ChildProcess> {
    const fleet = this.#busy(["run", this.#data, ...[this.port, robots, updates, lines].map(String)]);
    this.#robots.push(fleet);
    await Promise.race([
      once(fleet.stdout ?? fleet, "data"),
      once(fleet, "exit").then(() => Promise.reject(new Error("the fleet has ended"))),
    ]);
    return fleet;
  }

  /** Creates a workflow from one Python file. */
  workflow(name: string, task: string): void {
    mkdirSync(join(this.workflows, name), { recursive: true });
    writeFileSync(join(this.workflows, name, "tasks.py"), task);
  }

  /** Creates a workflow from one command. */
  command(name: string, command: string[]): void {
    mkdirSync(join(this.workflows, name), { recursive: true });
    writeFileSync(
      join(this.workflows, name, "workflow.toml"),
      `kind = "command"\ncommand = ${JSON.stringify(command)}\n`,
    );
  }

  /** Starts a robot process. */
  robot(robotId: string, apiKey: string, workflows: string = this.workflows): void {
    const arguments_ = [
      "robot",
      "run",
      "--url",
      this.url.replace("http", "ws"),
      "--robot-id",
      robotId,
      "--workflows",
      workflows,
    ];
    this.#robots.push(this.#run(arguments_, { CASARE_API_KEY: apiKey }));
  }

  /** Creates a robot with a key and starts its process. */
  async addRobot(robotId: string, tags: string[] = []): Promise<void> {
    await this.post("/robots", { robot_id: robotId, tags });
    const { api_key: key } = (await this.post(`/robots/${robotId}/keys`)) as { api_key: string };
    this.robot(robotId, key);
  }

  /** Signs in as the first user; returns the token. */
  async login(): Promise<string> {
    const body = { username: "admin", password: this.password };
    const { access_token: token } = (await this.post("/auth/login", body)) as { access_token: string };
    return token;
  }

  /** Signs in as the first user; returns the cookie of the session. Another sign-in does not end it. */
  async cookie(): Promise<Cookie> {
    const body = { username: "admin", password: this.password };
    const [text = ""] = (await this.#send("POST", "/auth/login", body)).headers.getSetCookie();
    const [name = "", value = ""] = text.split(";", 1)[0]?.split("=") ?? [];
    return { name, value, domain: "127.0.0.1", path: "/", httpOnly: true, sameSite: "Strict" };
  }

  /** Ends all sessions, as an admin can. */
  async endSessions(): Promise<void> {
    const { items } = (await this.get("/sessions")) as { items: { session_id: string }[] };
    for (const { session_id: id } of items) await this.#send("DELETE", `/sessions/${id}`);
  }

  async post(path: string, body?: unknown): Promise<unknown> {
    return this.#ask("POST", path, body);
  }

  async get(path: string): Promise<unknown> {
    return this.#ask("GET", path);
  }

  async submit(workflow: string, more: Record<string, unknown> = {}): Promise<string> {
    const job = (await this.post("/jobs", { workflow_id: workflow, ...more })) as { job_id: string };
    return job.job_id;
  }

  /** Waits until `holds` returns true; an exception counts as false. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      if (await holds().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`not within ${START_MS} ms: ${holds}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    const all = [...this.#robots, ...(this.#server === null ? [] : [this.#server])].filter(
      (one) => one.exitCode === null,
    );
    await Promise.all(
      all.map(async (one) => {
        const gone = once(one, "exit");
        one.kill("SIGKILL");
        if (one.signalCode === null && one.exitCode === null) await gone;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An address that signs a browser in once. */
  async signInLink(): Promise<string> {
    const { code } = (await this.#ask("POST", "/auth/links")) as { code: string };
    return `${this.url}/#link=${code}`;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    return (await this.#send(method, path, body)).json();
  }

  async #send(method: string, path: string, body?: unknown): Promise<Response> {
    const secret = readFileSync(join(this.folder, "data/api_secret"), "utf8").trim();
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { "X-API-Secret": secret, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  #busy(arguments_: string[]): ChildProcess {
    return spawn(join(ROOT, ".venv/bin/python"), ["-m", "bench.dashboard.busy", ...arguments_], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", process.env.CASARE_E2E_VERBOSE ? "inherit" : "ignore"],
    });
  }

  #run(arguments_: string[], environment: Record<string, string>): ChildProcess {
    return spawn(CASARE, arguments_, {
      cwd: this.folder,
      env: {
        ...process.env,
        CASARE_DATA_DIR: join(this.folder, "data"),
        CASARE_MAX_CONNECTIONS_PER_ADDRESS: "1000", // all robots of a test have one address
        CASARE_RATE_LIMIT_ROBOT_LINES: "off", // a test writes 100,000 lines at once
        CASARE_RATE_LIMIT_ROBOT_BYTES: "off",
        ...environment,
      },
      stdio: process.env.CASARE_E2E_VERBOSE ? "inherit" : "ignore",
    });
  }
}
