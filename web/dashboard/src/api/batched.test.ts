import { expect, it } from "vitest";
import { Batched } from "./batched";

function recorded(most?: number) {
  const sent: string[][] = [];
  const planned: (() => void)[] = [];
  const load = async (keys: string[]) => {
    sent.push(keys);
    if (keys.includes("bad")) throw new Error("refused");
    return new Map(keys.filter((key) => key !== "none").map((key) => [key, key.toUpperCase()]));
  };
  const batched = new Batched(load, "missing", most, (run) => void planned.push(run));
  const run = () => {
    for (const one of planned.splice(0)) one();
  };
  return { batched, sent, run };
}

it("requests that are made together are sent together, each key once", async () => {
  const { batched, sent, run } = recorded();
  const answers = [batched.get("a"), batched.get("b"), batched.get("a"), batched.get("none")];
  run();
  expect(await Promise.all(answers)).toEqual(["A", "B", "A", "missing"]);
  expect(sent).toEqual([["a", "b", "none"]]);
  const later = batched.get("a");
  run();
  expect(await later).toBe("A");
  expect(sent).toHaveLength(2);
});

it("many keys are several requests, and a failure concerns only the keys of its request", async () => {
  const { batched, sent, run } = recorded(2);
  const answers = ["a", "b", "bad", "c", "d"].map((key) => batched.get(key));
  run();
  const results = await Promise.allSettled(answers);
  expect(sent).toEqual([["a", "b"], ["bad", "c"], ["d"]]);
  expect(results.map((one) => one.status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected", "fulfilled"]);
});
