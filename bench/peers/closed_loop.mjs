// The load of the job queues for Node, the same as closed_loop.py: four submitters insert 50 jobs at once, one batch after
// the other, and pause while more than 600 jobs are unfinished. The benchmarks count the ends in the store.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const SUBMITTERS = 4;
const BATCH = 50;
const WAITING = 600;
const JOB = { invoice: "R-1042" };

let submitted = 0;
let ended = 0;
let going = false;

/** Counts a job whose function has ended. Only the pauses of the submitters depend on it. */
export function end(jobs = 1) {
  ended += jobs;
}

async function submit(insert) {
  const batch = Array(BATCH).fill(JOB);
  while (going) {
    if (submitted - ended > WAITING) {
      await sleep(2);
      continue;
    }
    submitted += BATCH;
    await insert(batch);
  }
}

/** Obeys the lines `go` and `stop`; the answer to `stop` is the number of all jobs so far, when all have ended. */
export async function serve(insert) {
  console.log(JSON.stringify({ ready: true }));
  let submitters = [];
  for await (const line of createInterface({ input: process.stdin })) {
    going = line === "go";
    if (going) {
      submitters = Array.from({ length: SUBMITTERS }, () => submit(insert));
      // a submit that fails ends the program, and with it the measurement
      for (const one of submitters) {
        one.catch((error) => {
          console.error(error);
          process.exit(1);
        });
      }
    } else {
      await Promise.all(submitters);
      while (ended < submitted) await sleep(5);
      console.log(JSON.stringify({ submitted }));
    }
  }
  process.exit(0);
}
