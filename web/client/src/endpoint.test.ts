import { describe, expect, it } from "vitest";
import { secretEndpoints, ticketEndpoints } from "./endpoint.js";
import { createHttpClient } from "./http.js";

describe("a ticket for a robot", () => {
  it("names the path without percent-encoding; the address of the connection has it", async () => {
    const asked: unknown[] = [];
    const http = createHttpClient({
      baseUrl: "http://casare.example",
      fetch: async (request) => {
        asked.push(await request.json());
        return Response.json({ ticket: "tkt_1", expires_at: "" }, { status: 201 });
      },
    });
    const address = await ticketEndpoints(http, "http://casare.example").address("/ws/logs/site%3Adesk.7", {});
    expect(asked).toEqual([{ endpoint: "/ws/logs/site:desk.7" }]);
    expect(address).toBe("ws://casare.example/ws/logs/site%3Adesk.7?api_secret=tkt_1");
  });
});

describe("the address of a WebSocket", () => {
  it.each(["https://host.example/casare", "https://host.example/casare/"])("keeps the path of %s", async (base) => {
    const address = await secretEndpoints(base, "x").address("/ws/admin", {});
    expect(address).toBe("wss://host.example/casare/ws/admin?api_secret=x");
  });
});
