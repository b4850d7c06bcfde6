// graphile-worker on the database whose URL is the argument, with the settings of the page "Performance" of its documentation.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { end, serve } from "./closed_loop.mjs";

const connectionString = process.argv[2];
const logger = new Logger(() => () => {});
const preset = {
  worker: {
    connectionString,
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
await run({ preset, logger, noHandleSignals: true, taskList: { nothing: async () => end() } });
await serve((batch) => utils.addJobs(batch.map((payload) => ({ identifier: "nothing", payload }))));
