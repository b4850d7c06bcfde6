"""Jobs from end to end: submitted, offered, claimed, running, completed; each step is durable before it is sent."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import zip_longest
from types import MappingProxyType

from bench import postgres, servers, targets
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, background, dashboards, fleet, report, reports, until
from bench.machine import Busy, Spent
from bench.peer import Peer, post, requests
from bench.plan import Plan
from bench.servers import ADMIN, HOST, LOAD_CORE
from bench.store import fill

SUBMITTERS = 32
BATCH = 50
BATCH_SUBMITTERS = 4
WAITING = 600
"""The largest number of unfinished jobs. Submits pause above it, so that all steps are measured."""
DASHBOARDS = 20
NEEDLE = b'"job_update"'
ENDED = b'"status":"completed"'
FREED = 100
WARM_JOBS = 10
ON_POSTGRES = ", PostgreSQL"
Run = Callable[[], Awaitable[float]]
"""Runs a system for a turn and returns its jobs per second."""
Opens = Callable[[bool], AbstractAsyncContextManager[Run]]
Limits = Sequence[tuple[float, float]]
P6: Limits = ((3, 2), (15, 10))
P6_ON_POSTGRES: Limits = ((5, 3), (25, 12))


class Flow:
    """Jobs through the server; counts those whose end was acknowledged."""

    def __init__(self, waiting: int = WAITING) -> None:
        """`waiting` is the largest number of unfinished jobs at which submits continue."""
        self._waiting = waiting
        self.submitted = 0
        self.ended = 0
        self.seen = 0
        self.going = True

    def take(self, robot: Robot, job_id: str) -> None:
        robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0))
        robot.peer.send(report(job_id, "completed", 100, "end"))

    def take_at_once(self, robot: Robot, job_id: str) -> None:
        """As a robot of contract 1.1, which has one message for several reports."""
        robot.peer.send(reports(job_id, "end"))

    def end(self, _robot: Robot, _payload: bytes) -> None:
        self.ended += 1

    def see(self, peer: Peer, data: bytes) -> None:
        self.seen += (peer.tail + data).count(NEEDLE)
        peer.tail = data[1 - len(NEEDLE) :]

    def see_end(self, peer: Peer, data: bytes) -> None:
        """Count the ended jobs as one dashboard sees them, for robots that this process does not simulate."""
        self.ended += (peer.tail + data).count(ENDED)
        peer.tail = data[1 - len(ENDED) :]

    async def submit(self, port: int, batch: int) -> None:
        """Submit jobs one after the other on one connection, while not too many are unfinished."""
        client = await requests(HOST, port)
        job = {"workflow_id": "bench", "parameters": {"invoice": "R-1042"}}
        one = post("/api/v1/jobs", job, ADMIN)
        many = post("/api/v1/jobs/batch", {"jobs": [job] * batch}, ADMIN)
        while self.going:
            if self.submitted - self.ended > self._waiting:
                await asyncio.sleep(0.002)
                continue
            self.submitted += batch
            await client.send(one if batch == 1 else many)
        client.transport.close()


async def measure(
    figures: Figures,
    *,
    pinned: bool,
    robots: int,
    batch: int,
    plan: Plan,
    on_sqlite_too: bool = False,
    on_postgres: bool = False,
    beside: Mapping[str, Opens] = MappingProxyType({}),
) -> None:
    """Jobs per second that were submitted, claimed and completed, with 20 dashboards.

    `on_sqlite_too`: in turns with the product on SQLite, on the core of the load. `beside`: in turns with these others.
    """
    slots = 1 if robots > 1 else 50
    how = "singly" if batch == 1 else f"{batch} at once"
    name = f"jobs: {how}, {robots} robots{ON_POSTGRES if on_postgres else ''}"
    p5 = (Target("P5", 2_000, 3_500) if on_postgres else Target("P5", 2_500, 4_000)) if robots == 200 else None
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(product(robots, slots, pinned, on_postgres=on_postgres))
        flow = await working(running.port, robots, slots)
        others = {other: await stack.enter_async_context(opens(pinned)) for other, opens in beside.items()}
        if on_sqlite_too:
            others["SQLite"] = await stack.enter_async_context(_on_sqlite(robots, slots, batch, pinned, plan.seconds))
        for _ in range(plan.turns):
            spent = Spent(running.process_id, running.database_id) if running.database_id else None
            ended = flow.ended
            rate, busy = await run_flow(flow, [running.port], batch, plan.seconds)
            figures.add(name, "jobs/s", rate, pinned=pinned, target=p5 if batch > 1 else None, busy=busy)
            if spent is not None:
                add_spent(figures, name, "job", spent.each(flow.ended - ended), pinned)
            for other, run in others.items():
                figures.add(name, "jobs/s", await run(), server=other, pinned=pinned)


def add_spent(figures: Figures, name: str, unit: str, each: tuple[float, float], pinned: bool) -> None:
    """The processor time of one job or message."""
    for what, value in zip(("the instance", "PostgreSQL"), each, strict=True):
        figures.add(f"{name}, processor time of {what}", f"µs a {unit}", value, pinned=pinned)


async def working(port: int, robots: int, slots: int, *, viewers: int = DASHBOARDS, at_once: bool = False) -> Flow:
    """Robots that run jobs, and dashboards. `at_once`: the reports of a job are one message of contract 1.1."""
    flow = Flow()
    for robot in await fleet(port, robots, slots):
        robot.assigned, robot.acked = flow.take_at_once if at_once else flow.take, flow.end
    if viewers:
        await dashboards(port, viewers, flow.see)
    return flow


@contextlib.asynccontextmanager
async def _on_sqlite(robots: int, slots: int, batch: int, pinned: bool, seconds: float) -> AsyncIterator[Run]:
    """A function that returns jobs per second of the product on SQLite, on the core of the load when pinned."""
    with servers.folder() as data:
        fill(data, robots, slots)
        async with servers.casare(data, pinned, LOAD_CORE) as server:
            flow = await working(server.port, robots, slots)

            async def run() -> float:
                return (await run_flow(flow, [server.port], batch, seconds))[0]

            yield run


@contextlib.asynccontextmanager
async def product(
    robots: int, slots: int, pinned: bool, *, pending: int = 0, on_postgres: bool = False
) -> AsyncIterator[servers.Running]:
    """The product with these robots, on a file or on PostgreSQL."""
    if on_postgres:
        async with postgres.casare(robots, slots, pinned, pending) as running:
            yield running
        return
    with servers.folder() as data:
        fill(data, robots, slots, pending)
        async with servers.casare(data, pinned) as running:
            yield running


async def run_flow(flow: Flow, ports: Sequence[int], batch: int, seconds: float) -> tuple[float, float]:
    """Jobs per second of these instances together, and the load generator's share of a core."""
    flow.going = True
    number = SUBMITTERS if batch == 1 else BATCH_SUBMITTERS
    submitters = [background(flow.submit(ports[n % len(ports)], batch)) for n in range(number)]
    await asyncio.sleep(1.0)
    began, before, busy = time.monotonic(), flow.ended, Busy()
    await asyncio.sleep(seconds)
    rate, share = (flow.ended - before) / (time.monotonic() - began), busy.share
    flow.going = False
    await asyncio.gather(*submitters)
    await until(lambda: flow.ended >= flow.submitted)  # none is lost
    return rate, share


async def measure_assign(
    figures: Figures,
    *,
    pinned: bool,
    robots: int,
    pending: int,
    turns: int,
    number: int = 100,
    on_postgres: bool = False,
) -> None:
    """The time from the first byte of a submit to the `job_assign` at a robot, one job at a time.

    The store also has `pending` jobs that no robot can run.
    """
    async with product(robots, 1, pinned, pending=pending, on_postgres=on_postgres) as running:
        crew = await fleet(running.port, robots)
        await asyncio.sleep(2.0)  # until the wait for a hello of new connections is over
        name = f"submit to job_assign: {robots} idle robots" + (f", {pending:,} jobs wait" if pending else "")
        for _ in range(turns):
            load = Busy()
            took = await assignments(crew, running.port, number)
            busy = load.share
            if on_postgres:
                factor = 1.5 if pending else 1.0
                _add(figures, f"{name}{ON_POSTGRES}", took, pinned, factor, limits_of=P6_ON_POSTGRES, busy=busy)
            else:
                first = targets.Q9 if robots == 1000 and not pending else None
                limits = P6 if robots == 1000 else ()
                _add(figures, name, took, pinned, 1.5 if pending else 1.0, limits_of=limits, first=first)


async def measure_freed(figures: Figures, *, pinned: bool, robots: int, pending: int) -> None:
    """The time from the end of a job to the next `job_assign`, one robot at a time.

    All other robots are busy, and `pending` jobs wait for any robot.
    """
    with servers.folder() as data:
        fill(data, robots, 1, pending, servable=True)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, robots)
            await until(lambda: all(robot.jobs for robot in crew))
            await asyncio.sleep(2.0)
            took = [await _next_job(robot) for robot in crew[:FREED]]
    _add(figures, f"end to next job_assign: {robots} busy robots, {pending:,} jobs wait", took, pinned, 1.5)


async def _next_job(robot: Robot) -> float:
    """The time from the end of its job to the next, in milliseconds."""
    assigned = asyncio.Event()

    def take(_robot: Robot, _job_id: str) -> None:
        assigned.set()

    robot.assigned = take
    began = time.monotonic()
    robot.peer.send(report(robot.jobs[0], "completed", 100))
    async with asyncio.timeout(60):
        await assigned.wait()
    took = (time.monotonic() - began) * 1000
    await asyncio.sleep(0.005)
    return took


def _add(
    figures: Figures,
    name: str,
    took: list[float],
    pinned: bool,
    factor: float,
    *,
    limits_of: Limits = (),
    first: Target | None = None,
    busy: float | None = None,
) -> None:
    """The median and the 99th percentile; `limits_of` has a required and a better value of each, or nothing.

    `first` is the target of the median, if it is another one.
    """
    for share, limits in zip_longest((0.5, 0.99), limits_of):
        p6 = Target("P6", limits[0] * factor, limits[1] * factor, at_least=False) if limits else None
        target = first if share == 0.5 and first is not None else p6
        figures.add(f"{name}, p{share * 100:g}", "ms", percentile(took, share), pinned=pinned, target=target, busy=busy)


async def assignments(crew: list[Robot], port: int, number: int) -> list[float]:
    """The milliseconds from a submit to its `job_assign`, one job after the other."""
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
    took: list[float] = []
    for _ in range(number + WARM_JOBS):
        assigned.clear()
        ended.clear()
        began = time.monotonic()
        async with asyncio.timeout(60):
            await client.send(request)
            await assigned.wait()
            await ended.wait()
        took.append((at - began) * 1000)
        await asyncio.sleep(0.005)
    client.transport.close()
    return took[WARM_JOBS:]
