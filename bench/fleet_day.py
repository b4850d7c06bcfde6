"""A whole fleet: 10,000 robots with one message a second each, 500 dashboards, 20 viewers of robots."""

import asyncio
import time

from bench import servers, targets
from bench.figures import Figures, percentile
from bench.fleet import Robot, background, dashboards, fleet, heartbeat, log, report, running_jobs
from bench.machine import Busy, cpu_seconds
from bench.peer import Peer, connect, post, requests, sent_at, stamp
from bench.servers import ADMIN, HOST
from bench.store import fill

DASHBOARDS = 500
WATCHERS = 20
STEPS = 100
"""Parts of a second. In each, a hundredth of the robots sends."""
JOBS_A_SECOND = 50
"""Each is pending, claimed, running, completed: 200 changes of status a second."""
WARM_SECONDS = 5.0
TEMPORARY = 100
"""The robots that complete these jobs; the others keep theirs for the whole run."""


class Day:
    """The messages that the dashboards received."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.seen = 0
        self.timed: set[Peer] = set()

    def see(self, peer: Peer, data: bytes) -> None:
        """Count all messages; time the changes of status on one dashboard in fifty, because parsing is expensive."""
        self.seen += data.count(b'"job_update"')
        if peer not in self.timed:
            return
        now = time.monotonic_ns()
        for payload in peer.frames.of(data):
            sent = sent_at(payload)
            if sent is not None:
                self.late.append((now - sent) / 1e6)


async def measure(figures: Figures, *, pinned: bool, robots: int, turns: int, seconds: float) -> None:
    """The share of a core, and the delay of changes at the dashboards."""
    with servers.folder() as data:
        fill(data, robots + TEMPORARY)
        async with servers.casare(data, pinned) as server:
            day = Day()
            crew = await fleet(server.port, robots)
            await running_jobs(server.port, crew, 1)
            temporary = await fleet(server.port, TEMPORARY, first=robots)
            for robot in temporary:
                robot.assigned = _work
            watching = await dashboards(server.port, DASHBOARDS, day.see, ("jobs", "queue"))
            day.timed = set(watching[::50])
            for _ in range(WATCHERS):
                await connect(HOST, server.port, "/ws/monitoring/robot-status", lambda _peer, _data: None, ADMIN)
            tasks = [background(_talk(crew)), background(_submit(server.port))]
            await asyncio.sleep(WARM_SECONDS)
            for _ in range(turns):
                await _watch(figures, day, server.process_id, robots, seconds, pinned)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome


async def _watch(figures: Figures, day: Day, process_id: int, robots: int, seconds: float, pinned: bool) -> None:
    """Run it for a number of seconds."""
    day.late.clear()
    seen, busy = day.seen, Busy()
    used, began = cpu_seconds(process_id), time.monotonic()
    await asyncio.sleep(seconds)
    wall = time.monotonic() - began
    cores, share = (cpu_seconds(process_id) - used) / wall, busy.share
    whole = robots == 10_000
    name = f"fleet: {robots} robots, {DASHBOARDS} dashboards"
    target = targets.Q10 if whole else None
    figures.add(f"{name}, share of a core", "cores", cores, pinned=pinned, target=target, busy=share)
    target = targets.Q10_LATE if whole else None
    figures.add(f"{name}, p99 to a dashboard", "ms", percentile(day.late, 0.99), pinned=pinned, target=target)
    figures.add(f"{name}, deliveries", "deliveries/s", (day.seen - seen) / wall, pinned=pinned)


def _work(robot: Robot, job_id: str) -> None:
    robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0, None, stamp()))
    asyncio.get_running_loop().call_later(1.0, _end, robot, job_id)


def _end(robot: Robot, job_id: str) -> None:
    if not robot.peer.lost.is_set():
        robot.peer.send(report(job_id, "completed", 100, None, stamp()))


async def _talk(crew: list[Robot]) -> None:
    """Every robot sends one message a second: of ten, seven are progress, two log lines, one a heartbeat."""
    began, step = time.monotonic(), 0
    while True:
        for number in range(step % STEPS, len(crew), STEPS):
            robot = crew[number]
            turn = (step // STEPS + number) % 10
            if turn < 7:
                line = report(robot.jobs[0], "running", step // STEPS % 100, None, "entering the invoices")
            elif turn < 9:
                line = log(robot.robot_id, robot.jobs[0], "the invoice was entered")
            else:
                line = heartbeat(robot.robot_id)
            robot.peer.send(line)
        step += 1
        await asyncio.sleep(max(0.0, began + step / STEPS - time.monotonic()))


async def _submit(port: int) -> None:
    client = await requests(HOST, port)
    request = post("/api/v1/jobs/batch", {"jobs": [{"workflow_id": "bench"}] * (JOBS_A_SECOND // 10)}, ADMIN)
    began, step = time.monotonic(), 0
    while True:
        await client.send(request)
        step += 1
        await asyncio.sleep(max(0.0, began + step / 10 - time.monotonic()))
