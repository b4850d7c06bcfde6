// BullMQ on the Redis whose port is the argument: one worker that runs 50 jobs at once. It keeps the ended jobs.
import { Queue, Worker } from "bullmq";
import { end, serve } from "./closed_loop.mjs";

const QUEUE = "nothing";
const connection = { host: "127.0.0.1", port: Number(process.argv[2]), maxRetriesPerRequest: null };
const queue = new Queue(QUEUE, { connection });
const worker = new Worker(QUEUE, async () => end(), { connection, concurrency: 50 });
worker.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
await serve((batch) => queue.addBulk(batch.map((data) => ({ name: QUEUE, data }))));
