// A robot for contract 1.0 with the `ws` package: node robot.mjs ws://127.0.0.1:8000 robot-1
import WebSocket from "ws";

const [address, robotId] = process.argv.slice(2);
const outbox = []; // keeps messages while there is no connection
const jobs = new Map(); // the timer of each running job
let delaySeconds = 1;
let socket;

function send(type, payload) {
  if (payload) outbox.push(JSON.stringify({ type, payload: { ...payload, timestamp: new Date().toISOString() } }));
  while (outbox.length > 0 && socket?.readyState === WebSocket.OPEN) socket.send(outbox.shift());
}

function heartbeat() {
  const status = jobs.size > 0 ? "busy" : "idle";
  send("heartbeat", { robot_id: robotId, status, cpu_percent: 0, memory_mb: 0 });
}

function work(job_id, { steps = 3, seconds = 1 }, step = 0) {
  if (step === steps) return end(job_id, "completed", "done");
  const message = `step ${step + 1} of ${steps}`;
  send("job_status", { job_id, status: "running", progress: Math.floor((100 * step) / steps), message });
  send("log", { robot_id: robotId, level: "INFO", message, job_id });
  jobs.set(job_id, setTimeout(() => work(job_id, { steps, seconds }, step + 1), 1000 * seconds));
}

function end(job_id, status, message) {
  clearTimeout(jobs.get(job_id));
  jobs.delete(job_id);
  send("job_status", { job_id, status, progress: 100, message });
  heartbeat();
}

function receive({ type, payload }) {
  if (type === "connected") {
    delaySeconds = 1;
    heartbeat();
  } else if (type === "job_assign" && !jobs.has(payload.job_id)) {
    send("job_status", { job_id: payload.job_id, status: "claimed", progress: 0, message: "claimed" });
    work(payload.job_id, payload.parameters);
    heartbeat();
  } else if (type === "job_cancel" && jobs.has(payload.job_id)) end(payload.job_id, "failed", "cancelled");
  else if (type === "error") console.error(`refused: ${payload.code} ${payload.message}`);
}

function connect() {
  socket = new WebSocket(`${address}/ws/robot/${robotId}?api_key=${process.env.CASARE_API_KEY}`);
  socket.on("open", send).on("message", (text) => receive(JSON.parse(text)));
  socket.on("error", (error) => console.error(error.message)).on("close", () => {
    setTimeout(connect, 1000 * delaySeconds * (0.5 + Math.random()));
    delaySeconds = Math.min(60, 2 * delaySeconds);
  });
}
setInterval(heartbeat, 30_000);
connect();
