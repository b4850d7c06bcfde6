import { describe, expect, it } from "vitest";
import { createHttpClient, data } from "./http.js";
import { parseJson, printJson } from "./json.js";

const NUMBERS = [
  "9007199254740993",
  "-12345678901234567890",
  "1.0",
  "1e400",
  "-0",
  "0.1",
  "5",
  "3.1415926535897932384",
];

describe("JSON without a loss", () => {
  it.each(NUMBERS)("keeps the number %s", (digits) => {
    const text = `{"n":${digits},"list":[${digits}]}`;
    expect(printJson(parseJson(text))).toBe(text);
  });

  it("keeps texts, names and nesting, and prints as JSON.stringify does", () => {
    const value = { "ü\n": ['a"b', null, true, { __proto: 1 }], empty: {}, none: [] };
    expect(printJson(parseJson(JSON.stringify(value)), 2)).toBe(JSON.stringify(value, null, 2));
    expect(printJson({ left: undefined, kept: 1 })).toBe('{"kept":1}');
  });

  it("is sent by every request", async () => {
    let sent = "";
    const http = createHttpClient({
      baseUrl: "http://casare.example",
      fetch: async (request) => {
        sent = await request.text();
        return Response.json({}, { status: 201 });
      },
    });
    const parameters = parseJson('{"ticket":9007199254740993}') as Record<string, unknown>;
    await data(http.POST("/api/v1/jobs", { body: { workflow_id: "w", parameters } as never }));
    expect(sent).toBe('{"workflow_id":"w","parameters":{"ticket":9007199254740993}}');
  });
});
