"""The product and other job queues in turns, under the same load, with the ended jobs counted in the store of each."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from bench import agents, jobs, postgres, servers, targets
from bench.figures import Figures, Target
from bench.fleet import WAIT_SECONDS
from bench.machine import pin_children
from bench.plan import Plan
from bench.servers import BENCH_NODE, BENCH_PYTHON, HOST, LOAD_CORE, MODULES
from bench.store import fill
from bench.turns import Count, Counted, Queue, Turn, add_turns, counted_in, of_flow, turn

ROBOTS = 200
GROWN = (ROBOTS // 10, ROBOTS)
NAME = f"queues: {jobs.BATCH} at once"
RECORDED = f"{NAME}, recorded steps"
FLUSHES = f"{NAME}, one real robot, flushes of its journal"
COMPARED = {NAME: "ended jobs", RECORDED: "recorded steps"}
"""The figures of all queues, and their headings in one table."""
SECONDS = 2.0
OBAN = Path(".tools/oban/bin/python")
OURS_ON_POSTGRES = f"casare{jobs.ON_POSTGRES}"
OURS_WITH_DASHBOARDS = f"casare, {jobs.DASHBOARDS} dashboards"
OURS_WITH_AGENT = "casare, one real robot"
ENDED_ON_POSTGRES = "SELECT count(*) FROM jobs WHERE status = 'completed'"
RATE_TARGETS = {"casare": targets.Q1, OURS_WITH_AGENT: targets.Q4}
RATIOS: tuple[tuple[str, str, dict[str, Target]], ...] = (
    (NAME, "casare", targets.Q1_TO),
    (RECORDED, "casare", targets.Q2_TO),
    (NAME, OURS_ON_POSTGRES, targets.Q3_TO),
)
"""The figure and the row of the product, and the queues to which it is compared in each turn."""

Opened = AbstractAsyncContextManager[Queue]


async def measure(figures: Figures, *, pinned: bool, turns: int, fastest: int | None = None) -> None:
    """Jobs per second of the product and of other queues, in turns; `fastest` limits the number of the others."""
    here = [name for name, program in PROGRAMS.items() if program.is_here(name)][:fastest]
    async with contextlib.AsyncExitStack() as stack:
        opened = {
            "casare": await stack.enter_async_context(on_sqlite(pinned)),
            OURS_WITH_DASHBOARDS: await stack.enter_async_context(on_sqlite(pinned, viewers=jobs.DASHBOARDS)),
            OURS_WITH_AGENT: await stack.enter_async_context(agents.of_agent(pinned)),
            OURS_ON_POSTGRES: await stack.enter_async_context(on_postgres(pinned)),
        }
        for name in here:
            opened[name] = await stack.enter_async_context(PROGRAMS[name].open(pinned))
        for _ in range(turns):
            for name, queue in opened.items():
                _add(figures, name, await turn(queue, SECONDS), pinned)
            for figure, server, others in RATIOS:
                for other, target in others.items():
                    figures.add_ratio(figure, other, server=server, pinned=pinned, target=target)


def _add(figures: Figures, name: str, of: Turn, pinned: bool) -> None:
    """The figures of one turn of a queue."""
    busy = of.busy if name.startswith("casare") else None  # the others bring a load of their own
    target = RATE_TARGETS.get(name)
    figures.add(NAME, "jobs/s", of.rate, server=name, pinned=pinned, target=target, busy=busy)
    if of.recorded is not None:
        target = targets.Q2 if name == "casare" else None
        figures.add(RECORDED, "steps/s", of.recorded, server=name, pinned=pinned, target=target)
    if of.flushes is not None:
        figures.add(FLUSHES, "a job", of.flushes, pinned=pinned, target=targets.Q5)


async def measure_growth(figures: Figures, *, pinned: bool, turns: int) -> None:
    """Jobs per second of a tenth of the robots, and of all, in turns."""
    async with contextlib.AsyncExitStack() as stack:
        opened = {
            f"{NAME}, {robots} robots": await stack.enter_async_context(on_sqlite(pinned, robots=robots))
            for robots in GROWN
        }
        await add_turns(figures, opened, turns, SECONDS, pinned=pinned)


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
            return (await turn(queue, seconds)).rate

        yield run


@contextlib.asynccontextmanager
async def on_sqlite(pinned: bool, *, robots: int = ROBOTS, viewers: int = 0) -> AsyncIterator[Queue]:
    """The product on a file; pinned, its server has core 0. The other queues have no viewers."""
    with servers.folder() as data:
        fill(data, robots)
        async with servers.casare(data, pinned) as server:
            flow = await jobs.working(server.port, robots, 1, viewers=viewers, at_once=True)
            yield of_flow(flow, server.port, counted_in(data))


@contextlib.asynccontextmanager
async def on_postgres(pinned: bool) -> AsyncIterator[Queue]:
    """The product on PostgreSQL; pinned, PostgreSQL has core 0."""
    async with postgres.cluster(1, ROBOTS, 1, pinned) as cluster, counted(cluster.url, ENDED_ON_POSTGRES) as count:
        port = cluster.instances[0].port
        yield of_flow(await jobs.working(port, ROBOTS, 1, viewers=0, at_once=True), port, count)


@contextlib.asynccontextmanager
async def counted(url: str, sql: str) -> AsyncIterator[Count]:
    """A function that returns the numbers that the statement selects, in the order of `Counted`."""
    connection = await asyncpg.connect(url)

    async def count() -> Counted:
        return Counted(*map(int, await connection.fetchrow(sql)))

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

        async def count() -> Counted:
            writer.write(f"{request}\r\n".encode())
            return Counted(int((await reader.readline()).removeprefix(b":")))

        async with _program([*command, str(server.port)], count, pinned) as queue:
            yield queue
        writer.close()


@dataclass(frozen=True)
class Program:
    """Another job queue: its program, and the request for the numbers of ended jobs and recorded steps in its store."""

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
        (BENCH_PYTHON, "pgqueuer_jobs.py"),
        "SELECT count(*) FILTER (WHERE status = 'successful'), count(*) FROM pgqueuer_log",
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
        (BENCH_PYTHON, "procrastinate_jobs.py"),
        "SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'), "
        "(SELECT count(*) FROM procrastinate_events)",
    ),
}
