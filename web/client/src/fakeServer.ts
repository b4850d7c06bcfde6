import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

/** The server side of one WebSocket connection. */
export class FakeConnection {
  readonly received: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(
    /** Path and query of the request. */
    readonly address: URL,
    private readonly socket: WebSocket,
  ) {
    socket.on("message", (data) => {
      this.received.push(String(data));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  send(...frames: unknown[]): void {
    for (const frame of frames) this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  close(code: number): void {
    this.socket.close(code);
  }

  /** Cuts the connection without a close frame, after all sent messages have left. */
  async cut(): Promise<void> {
    await new Promise((gone) => this.socket.ping(undefined, undefined, gone));
    this.socket.terminate();
  }

  /** Waits for `count` messages; returns all that have arrived. */
  async messages(count: number): Promise<{ type: string; id?: string; payload: Record<string, unknown> }[]> {
    while (this.received.length < count) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.received.map((text) => JSON.parse(text));
  }
}

/** An orchestrator for tests, with real HTTP and WebSocket connections and scripted answers. */
export class FakeServer {
  /** The requests so far, such as `POST /api/v1/ws-tickets`. */
  readonly requests: string[] = [];
  /** Answers by path; they replace the default answers. */
  readonly answers = new Map<string, { status: number; body: unknown }>();
  #tickets = 0;
  #connections: FakeConnection[] = [];
  #waiting: (() => void)[] = [];

  private constructor(
    private readonly http: Server,
    private readonly sockets: WebSocketServer,
  ) {
    http.on("request", (request, response) => void this.#answer(request, response));
    sockets.on("connection", (socket, request) => {
      this.#connections.push(new FakeConnection(new URL(request.url ?? "/", this.url), socket));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async start(): Promise<FakeServer> {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return new FakeServer(http, sockets);
  }

  get url(): string {
    const address = this.http.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Waits for the connection with this number; the first is 1. */
  async connection(number: number): Promise<FakeConnection> {
    for (;;) {
      const found = this.#connections[number - 1];
      if (found !== undefined) return found;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", this.url).pathname;
    this.requests.push(`${request.method} ${path}`);
    const { status, body } = this.answers.get(path) ?? this.#defaultAnswer(path);
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  }

  #defaultAnswer(path: string): { status: number; body: unknown } {
    if (path === "/api/v1/ws-tickets") {
      this.#tickets += 1;
      return { status: 201, body: { ticket: `tkt_${this.#tickets}`, expires_at: "2026-03-02T08:15:30.000Z" } };
    }
    if (path.startsWith("/api/v1/auth/")) {
      return {
        status: 200,
        body: {
          access_token: `token-${this.requests.length}`,
          token_type: "bearer",
          expires_in: 900,
          username: "admin",
          role: "admin",
        },
      };
    }
    return { status: 404, body: { type: "error", payload: { code: "INVALID_MESSAGE", message: "not found" } } };
  }
}
