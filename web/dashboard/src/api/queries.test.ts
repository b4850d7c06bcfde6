import { QueryObserver } from "@tanstack/react-query";
import { afterEach, expect, it } from "vitest";
import { queries, reload } from "./queries";

afterEach(() => queries.clear());

/** A query that a page shows. Each call of `answer` ends the oldest load with the value that it began with. */
function shown(key: string) {
  let stored = "old";
  const loads: (() => void)[] = [];
  const observer = new QueryObserver(queries, {
    queryKey: [key],
    queryFn: () => {
      const read = stored;
      return new Promise<string>((resolve) => loads.push(() => resolve(read)));
    },
  });
  const values: unknown[] = [];
  const end = observer.subscribe(({ data }) => values.at(-1) !== data && values.push(data));
  const answer = () => {
    const load = loads.shift();
    if (load === undefined) throw new Error("nothing is loading");
    load();
  };
  return { observer, values, loads, answer, end, change: () => (stored = "new") };
}

it("loads again after a change during the first load", async () => {
  const { observer, loads, answer, end, change } = shown("audit");
  change();
  const done = reload();
  answer();
  await expect.poll(() => loads.length).toBe(1);
  answer();
  await done;
  expect(observer.getCurrentResult().data).toBe("new");
  end();
});

it("replaces a later load that began before the change", async () => {
  const { observer, loads, answer, end, change } = shown("audit");
  answer();
  await expect.poll(() => observer.getCurrentResult().data).toBe("old");
  void reload({ queryKey: ["audit"] });
  await expect.poll(() => loads.length).toBe(1);
  change();
  const done = reload({ queryKey: ["audit"] });
  await expect.poll(() => loads.length).toBe(2);
  answer();
  answer();
  await done;
  expect(observer.getCurrentResult().data).toBe("new");
  end();
});

it("does not touch queries that the filters leave out", async () => {
  const { loads, answer, end } = shown("queues");
  answer();
  await expect.poll(() => queries.getQueryData(["queues"])).toBe("old");
  await reload({ queryKey: ["audit"] });
  expect(loads).toEqual([]);
  end();
});
