"""The product and other job queues in turns, under the same load, with the ended jobs counted in the store of each."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from bench import jobs, postgres, servers
from bench.figures import Figures
from bench.fleet import WAIT_SECONDS, dashboards
from bench.machine import Busy, pin_children
from bench.peer import get, requests
from bench.plan import Plan
from bench.servers import ADMIN, BENCH_NODE, BENCH_PYTHON, HOST, LOAD_CORE, MODULES
from bench.store import fill, key_of, robot_id

ROBOTS = 200
NAME = f"queues: {jobs.BATCH} at once"
WARM_SECONDS = 1.0
SECONDS = 2.0
OBAN = Path(".tools/oban/bin/python")
SLOTS = 50
OURS_ON_POSTGRES = f"casare{jobs.ON_POSTGRES}"
OURS_WITH_DASHBOARDS = f"casare, {jobs.DASHBOARDS} dashboards"
OURS_WITH_AGENT = "casare, one real robot"
ENDED = "SELECT count(*) FROM jobs WHERE status = 'completed'"


@dataclass(frozen=True)
class Queue:
    """One running system: begins and ends the load, and counts the ended jobs in its store."""

    begin: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[int]]
    """Ends the submits, waits for the jobs, and returns the number of all submitted jobs so far."""
    ended: Callable[[], Awaitable[int]]


Opened = AbstractAsyncContextManager[Queue]
Count = Callable[[], Awaitable[int]]


async def rate(
    queue: Queue, seconds: float, *, warm_seconds: float = WARM_SECONDS, wait_seconds: float = WAIT_SECONDS
) -> tuple[float, float]:
    """Ended jobs per second in the store, and this process's share of a core. Fails if a job is lost or runs twice."""
    await queue.begin()
    await asyncio.sleep(warm_seconds)
    began, busy = time.monotonic(), Busy()
    before = await queue.ended()
    await asyncio.sleep(seconds)
    took, share = time.monotonic() - began, busy.share
    value = (await queue.ended() - before) / took
    submitted = await queue.stop()
    async with asyncio.timeout(wait_seconds):
        while (ended := await queue.ended()) < submitted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if ended != submitted:
        raise RuntimeError(f"{submitted} jobs were submitted, and {ended} are in the store as ended")
    return value, share


async def measure(figures: Figures, *, pinned: bool, turns: int, fastest: int | None = None) -> None:
    """Jobs per second of the product and of other queues, in turns; `fastest` limits the number of the others."""
    others = {name: program for name, program in PROGRAMS.items() if program.is_here(name)}
    async with contextlib.AsyncExitStack() as stack:
        opened = {
            "casare": await stack.enter_async_context(on_sqlite(pinned)),
            OURS_WITH_DASHBOARDS: await stack.enter_async_context(on_sqlite(pinned, viewers=jobs.DASHBOARDS)),
            OURS_WITH_AGENT: await stack.enter_async_context(with_agent(pinned)),
            OURS_ON_POSTGRES: await stack.enter_async_context(on_postgres(pinned)),
        }
        for name in list(others)[:fastest]:
            opened[name] = await stack.enter_async_context(others[name].open(pinned))
        for _ in range(turns):
            for name, queue in opened.items():
                value, busy = await rate(queue, SECONDS)
                of_load = busy if name.startswith("casare") else None  # the others bring a load of their own
                figures.add(NAME, "jobs/s", value, server=name, pinned=pinned, busy=of_load)


async def measure_beside_oban(figures: Figures, *, pinned: bool, plan: Plan) -> None:
    """The product on PostgreSQL in turns with oban and with the product on SQLite."""
    here = PROGRAMS["oban"].is_here("oban")
    beside = {"oban": partial(_runs_of, PROGRAMS["oban"], plan.seconds)} if here else {}
    same = partial(jobs.measure, robots=ROBOTS, batch=jobs.BATCH, on_sqlite_too=True, on_postgres=True)
    await same(figures, pinned=pinned, plan=plan, beside=beside)


@contextlib.asynccontextmanager
async def _runs_of(program: "Program", seconds: float, pinned: bool) -> AsyncIterator[jobs.Run]:
    """A function that runs another queue for a turn and returns its jobs per second."""
    async with program.open(pinned) as queue:

        async def run() -> float:
            return (await rate(queue, seconds))[0]

        yield run


@contextlib.asynccontextmanager
async def on_sqlite(pinned: bool, viewers: int = 0) -> AsyncIterator[Queue]:
    """The product on a file; pinned, its server has core 0. The other queues have no viewers."""
    with servers.folder() as data:
        fill(data, ROBOTS)
        async with servers.casare(data, pinned) as server:
            flow = await jobs.working(server.port, ROBOTS, 1, viewers=viewers, at_once=True)
            yield _of_flow(flow, server.port, _counted_in(data))


@contextlib.asynccontextmanager
async def with_agent(pinned: bool) -> AsyncIterator[Queue]:
    """The product on a file with one robot process of 50 slots; pinned, its server has core 0."""
    with servers.folder() as data:
        fill(data, 1, SLOTS)
        async with servers.casare(data, pinned) as server:
            flow = jobs.Flow()
            await dashboards(server.port, 1, flow.see_end)
            async with _agent(server.port, data / "robot", pinned):
                yield _of_flow(flow, server.port, _counted_in(data))


@contextlib.asynccontextmanager
async def _agent(port: int, folder: Path, pinned: bool) -> AsyncIterator[None]:
    """The connected robot process of the product; pinned, on the core of the load."""
    program = str(servers.PEERS / "agent_robot.py")
    command = [sys.executable, program, f"http://{HOST}:{port}", robot_id(0), key_of(0), str(folder)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        pin_children(process.pid, LOAD_CORE if pinned else None)
        client = await requests(HOST, port)
        request = get("/api/v1/robots", ADMIN)
        async with asyncio.timeout(WAIT_SECONDS):
            while json.loads(await client.send(request))["items"][0]["status"] == "offline":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        client.transport.close()
        pin_children(process.pid, LOAD_CORE if pinned else None)  # with the threads that it has started
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def on_postgres(pinned: bool) -> AsyncIterator[Queue]:
    """The product on PostgreSQL; pinned, PostgreSQL has core 0."""
    async with postgres.cluster(1, ROBOTS, 1, pinned) as cluster, counted(cluster.url, ENDED) as count:
        port = cluster.instances[0].port
        yield _of_flow(await jobs.working(port, ROBOTS, 1, viewers=0, at_once=True), port, count)


def _counted_in(data: Path) -> Count:
    """A function that returns the number of completed jobs in the file of the product."""

    def count() -> int:
        with contextlib.closing(sqlite3.connect(f"file:{data / 'casare.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute(ENDED).fetchone()[0])

    return partial(asyncio.to_thread, count)


def _of_flow(flow: jobs.Flow, port: int, count: Count) -> Queue:
    """Jobs over HTTP to robots over WebSocket."""
    submitters: list[asyncio.Task[None]] = []

    async def begin() -> None:
        flow.going = True
        submitters[:] = [asyncio.create_task(flow.submit(port, jobs.BATCH)) for _ in range(jobs.BATCH_SUBMITTERS)]

    async def stop() -> int:
        flow.going = False
        await asyncio.gather(*submitters)
        return flow.submitted

    return Queue(begin, stop, count)


@contextlib.asynccontextmanager
async def counted(url: str, sql: str) -> AsyncIterator[Count]:
    """A function that returns the number that the statement selects."""
    connection = await asyncpg.connect(url)

    async def count() -> int:
        return int(await connection.fetchval(sql))

    try:
        yield count
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _program(command: list[str], count: Count, pinned: bool) -> AsyncIterator[Queue]:
    """A program of bench/peers with the load of closed_loop.py or closed_loop.mjs; pinned, on the core of the load."""
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    core = LOAD_CORE if pinned else None
    pin_children(process.pid, core)
    orders, answers = process.stdin, process.stdout
    assert orders is not None
    assert answers is not None

    async def answer(seconds: float) -> dict[str, int]:
        async with asyncio.timeout(seconds):
            line = await answers.readline()
        if not line:
            raise RuntimeError(f"{command[1]} failed; its output is above")
        return dict(json.loads(line))

    async def begin() -> None:
        orders.write(b"go\n")

    async def stop() -> int:
        orders.write(b"stop\n")
        return (await answer(WAIT_SECONDS))["submitted"]

    try:
        await answer(servers.START_SECONDS)
        pin_children(process.pid, core)  # with the threads that it has started
        yield Queue(begin, stop, count)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def _of_postgres(command: list[str], sql: str, pinned: bool) -> AsyncIterator[Queue]:
    """A program on a PostgreSQL of its own; pinned, PostgreSQL has core 0."""
    async with postgres.database(pinned) as (url, _):
        await postgres.when_up(url)
        async with counted(url, sql) as count, _program([*command, url], count, pinned) as queue:
            yield queue


@contextlib.asynccontextmanager
async def _of_redis(command: list[str], request: str, pinned: bool) -> AsyncIterator[Queue]:
    """A program on a Redis of its own that syncs each write; pinned, Redis has core 0."""
    async with servers.redis(pinned) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)

        async def count() -> int:
            writer.write(f"{request}\r\n".encode())
            return int((await reader.readline()).removeprefix(b":"))

        async with _program([*command, str(server.port)], count, pinned) as queue:
            yield queue
        writer.close()


@dataclass(frozen=True)
class Program:
    """Another job queue: its program, and the request for the number of ended jobs in its store."""

    program: tuple[Path, str]
    """The interpreter, and the file in bench/peers."""
    count: str
    opens: Callable[[list[str], str, bool], Opened] = _of_postgres
    needs: tuple[Path, ...] = ()

    def open(self, pinned: bool) -> Opened:
        """Start it with a store of its own."""
        interpreter, name = self.program
        return self.opens([str(interpreter), str(servers.PEERS / name)], self.count, pinned)

    def is_here(self, name: str) -> bool:
        """Whether make could install it; prints the missing files."""
        return servers.are_here(name, (self.program[0], *self.needs))


# The order is that of their figures when all were compared for the first time: QUICK=1 measures the first two.
PROGRAMS = {
    "pgqueuer": Program(
        (BENCH_PYTHON, "pgqueuer_jobs.py"), "SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'"
    ),
    "graphile-worker": Program(
        (BENCH_NODE, "graphile_worker_jobs.mjs"),
        # It deletes ended jobs, so they are counted as the numbers that were given, less the rows that are left.
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('graphile_worker._private_jobs', 'id')), 0)"
        " - (SELECT count(*) FROM graphile_worker._private_jobs)",
        needs=(MODULES / "graphile-worker",),
    ),
    "BullMQ": Program(
        (BENCH_NODE, "bullmq_jobs.mjs"),
        "ZCARD bull:nothing:completed",
        _of_redis,
        needs=(MODULES / "bullmq", servers.REDIS),
    ),
    "pg-boss": Program(
        (BENCH_NODE, "pg_boss_jobs.mjs"),
        "SELECT count(*) FROM pgboss.job WHERE name = 'nothing' AND state = 'completed'",
        needs=(MODULES / "pg-boss",),
    ),
    "oban": Program(
        (OBAN, "oban_jobs.py"),
        "SELECT count(*) FROM oban_jobs WHERE state = 'completed'",
        needs=(OBAN.parents[1] / ".stamp",),
    ),
    "procrastinate": Program(
        (BENCH_PYTHON, "procrastinate_jobs.py"), "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
    ),
}
