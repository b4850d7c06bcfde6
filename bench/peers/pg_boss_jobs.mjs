// pg-boss on the database whose URL is the argument. One worker fetches 100 jobs at once, and fetches again without a pause
// while the batches are full; notifications wake it.
import { PgBoss } from "pg-boss";
import { end, serve } from "./closed_loop.mjs";

const QUEUE = "nothing";
const boss = new PgBoss({ connectionString: process.argv[2], useListenNotify: true });
boss.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await boss.start();
await boss.createQueue(QUEUE, { notify: true });
const options = { batchSize: 100, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
await boss.work(QUEUE, options, async (jobs) => end(jobs.length));
await serve((batch) => boss.insert(QUEUE, batch.map((data) => ({ data }))));
