// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { addressBelowBase } from "./base";

const at = (address: string) => new URL(address, "http://casare.example") as unknown as Location;

describe("a page of a dashboard with a base path", () => {
  it.each([
    ["/", "/casare/"],
    ["/jobs?status=failed#x", "/casare/jobs?status=failed#x"],
    ["/casarexyz", "/casare/casarexyz"],
    ["/casare", null],
    ["/casare/jobs", null],
  ])("moves from %s to %s", (from, to) => {
    expect(addressBelowBase("/casare", at(from))).toBe(to);
  });

  it("stays where it is without a base path", () => {
    expect(addressBelowBase("", at("/jobs"))).toBeNull();
  });
});
