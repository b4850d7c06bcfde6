"""Jobs from end to end: submitted, offered, claimed, running, completed; each step durable before it is told."""

import asyncio
import json
import subprocess
import time
from pathlib import Path

from bench import servers
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, dashboards, fleet, report, until
from bench.machine import pin
from bench.peer import Peer, post, requests
from bench.servers import ADMIN, HOST, LOAD_CORE
from bench.store import fill

SUBMITTERS = 32
BATCH = 50
BATCH_SUBMITTERS = 4
WAITING = 600
"""Jobs that may be on their way: submitting stops above, so that the whole is measured and not its first step."""
DASHBOARDS = 20
NEEDLE = b'"job_update"'


class Flow:
    """Jobs through the server; counts those whose end was acknowledged."""

    def __init__(self) -> None:
        self.submitted = 0
        self.ended = 0
        self.seen = 0
        self.going = True

    def take(self, robot: Robot, job_id: str) -> None:
        robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0))
        robot.peer.send(report(job_id, "completed", 100, "end"))

    def end(self, _robot: Robot, _payload: bytes) -> None:
        self.ended += 1

    def see(self, peer: Peer, data: bytes) -> None:
        self.seen += (peer.tail + data).count(NEEDLE)
        peer.tail = data[1 - len(NEEDLE) :]

    async def submit(self, port: int, batch: int) -> None:
        """One after the other on one connection, as long as not too many are on their way."""
        client = await requests(HOST, port)
        job = {"workflow_id": "bench", "parameters": {"invoice": "R-1042"}}
        one = post("/api/v1/jobs", job, ADMIN)
        many = post("/api/v1/jobs/batch", {"jobs": [job] * batch}, ADMIN)
        while self.going:
            if self.submitted - self.ended > WAITING:
                await asyncio.sleep(0.002)
                continue
            self.submitted += batch
            await client.send(one if batch == 1 else many)
        client.transport.close()


async def measure(figures: Figures, *, pinned: bool, robots: int, batch: int, seconds: float) -> None:
    """Jobs a second that were submitted, taken and completed, with 20 dashboards watching."""
    slots = 1 if robots > 1 else 50
    with servers.folder() as data:
        fill(data, robots, slots)
        async with servers.casare(data, pinned) as server:
            flow = Flow()
            crew = await fleet(server.port, robots, slots)
            for robot in crew:
                robot.assigned, robot.acked = flow.take, flow.end
            await dashboards(server.port, DASHBOARDS, flow.see)
            number = SUBMITTERS if batch == 1 else BATCH_SUBMITTERS
            submitters = [asyncio.create_task(flow.submit(server.port, batch)) for _ in range(number)]
            await asyncio.sleep(1.0)
            began, before = time.monotonic(), flow.ended
            await asyncio.sleep(seconds)
            rate = (flow.ended - before) / (time.monotonic() - began)
            flow.going = False
            await asyncio.gather(*submitters)
            await until(lambda: flow.ended >= flow.submitted)  # none is lost
    how = "singly" if batch == 1 else f"{batch} at once"
    target = Target("P5", 2_500) if robots == 200 and batch > 1 else None
    figures.add(f"jobs: {how}, {robots} robots", "jobs/s", rate, pinned=pinned, target=target)


async def measure_assign(
    figures: Figures, *, pinned: bool, robots: int, pending: int, number: int, wide: bool = False
) -> None:
    """From the first byte of a submit to the `job_assign` at a robot, one job at a time."""
    with servers.folder() as data:
        fill(data, robots, 1, pending)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, robots)
            took = await _assignments(crew, server.port, number)
    name = f"submit to job_assign: {robots} idle robots" + (f", {pending:,} jobs wait" if pending else "")
    factor = 1.5 if wide else 1.0
    asked = robots == 1000
    p50 = Target("P6", 3 * factor, at_least=False) if asked else None
    p99 = Target("P6", 15 * factor, at_least=False) if asked else None
    figures.add(f"{name}, p50", "ms", percentile(took, 0.5), pinned=pinned, target=p50)
    figures.add(f"{name}, p99", "ms", percentile(took, 0.99), pinned=pinned, target=p99)


async def _assignments(crew: list[Robot], port: int, number: int) -> list[float]:
    assigned = asyncio.Event()
    ended = asyncio.Event()
    at = 0.0

    def take(robot: Robot, job_id: str) -> None:
        nonlocal at
        at = time.monotonic()
        assigned.set()
        robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0))
        robot.peer.send(report(job_id, "completed", 100, "end"))

    for robot in crew:
        robot.assigned = take
        robot.acked = lambda _robot, _payload: ended.set()
    client = await requests(HOST, port)
    request = post("/api/v1/jobs", {"workflow_id": "bench"}, ADMIN)
    await asyncio.sleep(2.0)  # until newcomers had their moment for a hello
    took: list[float] = []
    for _ in range(number + 20):
        assigned.clear()
        ended.clear()
        began = time.monotonic()
        async with asyncio.timeout(60):
            await client.send(request)
            await assigned.wait()
            await ended.wait()
        took.append((at - began) * 1000)
        await asyncio.sleep(0.005)
    return took[20:]


PROCRASTINATE_JOBS = 3_000


async def measure_procrastinate(figures: Figures, *, pinned: bool, number: int = PROCRASTINATE_JOBS) -> None:
    """The same in procrastinate on PostgreSQL: jobs that do nothing, deferred in batches, 20 at once in one worker."""
    command = [".tools/bench/bin/python", str(Path(__file__).parent / "peers" / "procrastinate_jobs.py"), str(number)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    pin(process.pid, LOAD_CORE if pinned else None)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("procrastinate_jobs.py failed; its output is above")
    name = f"jobs: {BATCH} at once, 200 robots"
    figures.add(name, "jobs/s", json.loads(output)["rate"], server="procrastinate", pinned=pinned)
