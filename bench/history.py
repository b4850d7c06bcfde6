"""The hot path on a store with many ended jobs while retention deletes some of them, beside an empty store."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import inbound, jobs, servers, targets
from bench.figures import Figures, percentile
from bench.fleet import Robot, fleet, report, running_jobs, until
from bench.history_fill import SHOWN_A_JOB, History, check_space, fill_history, free_bytes
from bench.store import fill

JOBS = 10_000_000
WORKING = 200
IDLE = 1_000
SENDING = 50
KIND = "mix with logs"
SECONDS = 2.0
BEGIN_SECONDS = 900.0
"""The first round of retention begins within ten minutes of the start. It counts the jobs, which takes time too."""
SETTLE_SECONDS = 2.0
EMPTY = "an empty store"
KEEP_ALL = {
    "CASARE_RETENTION_JOBS": "1000000000",
    "CASARE_RETENTION_JOBS_DAYS": "3650",
    "CASARE_RETENTION_LOG_LINES": "1000000000",
    "CASARE_RETENTION_LOG_DAYS": "3650",
    "CASARE_RETENTION_LOG_BYTES": "1000000000000",
}
"""Settings with which retention deletes nothing, also if it begins during the measurement."""
Values = dict[str, tuple[str, float]]
"""The unit and the value of each figure."""


async def measure(figures: Figures, *, pinned: bool, ended: int, turns: int) -> None:
    """The figures on both stores in turns: first while retention deletes nothing, then while it deletes jobs."""
    check_space(ended, free_bytes())
    history = History(ended)
    with servers.folder() as full, servers.folder() as empty:
        await asyncio.to_thread(fill_history, full, IDLE, history)
        fill(empty, IDLE)
        for deletes in (False, True):
            settings = history.settings if deletes else KEEP_ALL
            async with (
                servers.casare(full, pinned, **settings) as large,
                servers.casare(empty, pinned, **settings) as small,
            ):
                if deletes:
                    with stopped(small.process_id):
                        await _begun(full)
                for _ in range(turns):
                    with stopped(large.process_id):
                        of_empty = await _values(small.port)
                    with stopped(small.process_id):
                        before, began = deleted_number(full), time.monotonic()
                        of_full = await _values(large.port)
                        deleted, took = (deleted_number(full) - before) / SHOWN_A_JOB, time.monotonic() - began
                    add(figures, ended, of_empty, of_full, pinned=pinned, deleted=deleted / took if deletes else None)


def add(
    figures: Figures, ended: int, empty: Values, full: Values, *, pinned: bool, deleted: float | None = None
) -> None:
    """The figures of one turn; `deleted` is the rate of retention, if it must delete jobs. Fails if it did not."""
    if deleted == 0:
        raise RuntimeError("retention deleted nothing during a turn: measure more ended jobs, with JOBS=10000000")
    store = f"history: {ended:,} ended jobs" + ("" if deleted else ", nothing to delete")
    for name, (unit, value) in full.items():
        other = empty[name][1]
        figures.add(f"{store}, {name}", unit, value, pinned=pinned)
        figures.add(f"{store}, {name}", unit, other, server=EMPTY, pinned=pinned)
        worse = other / value if unit.endswith("/s") else value / other
        target = targets.HISTORY if deleted else None
        figures.add(f"{store}, {name}, cost of one", f"× {EMPTY}", worse, pinned=pinned, target=target)
    if deleted:
        figures.add(f"{store}, jobs deleted by retention", "jobs/s", deleted, pinned=pinned)


@contextlib.contextmanager
def stopped(process_id: int) -> Iterator[None]:
    """Stop a process for a while, so that it takes no time of the core of the other."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def deleted_number(folder: Path) -> int:
    """The greatest number of a change that retention has deleted; 0 before the first."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'casare.db'}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT last FROM numbers WHERE name = 'deleted:jobs'").fetchone()
        return 0 if row is None else int(row[0])


async def _begun(folder: Path) -> None:
    """Wait until retention deletes jobs."""
    print("waiting until retention begins, which it does within ten minutes", file=sys.stderr, flush=True)
    async with asyncio.timeout(BEGIN_SECONDS):
        while not deleted_number(folder):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def _values(port: int) -> Values:
    """The figures of one server, one after the other, each with robots of its own."""
    flow = jobs.Flow()
    crew = await fleet(port, WORKING)
    for robot in crew:
        robot.assigned, robot.acked = flow.take_at_once, flow.end
    rate, _ = await jobs.run_flow(flow, [port], jobs.BATCH, SECONDS)
    await _leave(crew)

    crew = await fleet(port, IDLE)
    await asyncio.sleep(SETTLE_SECONDS)  # until the wait for a hello of new connections is over
    took = await jobs.assignments(crew, port, 100)
    await _leave(crew)

    crew = await fleet(port, SENDING)
    await running_jobs(port, crew, 1)
    received, _, _ = await inbound.rate(crew, inbound.blocks(crew, inbound.KINDS[KIND]), SECONDS)
    await _end_jobs(crew)
    await _leave(crew)
    return {
        f"jobs, {WORKING} robots": ("jobs/s", rate),
        f"submit to job_assign, {IDLE} idle robots, p50": ("ms", percentile(took, 0.5)),
        f"inbound, {KIND}, {SENDING} robots": ("messages/s", received),
    }


async def _end_jobs(crew: list[Robot]) -> None:
    """End the running job of each robot."""
    ended = 0

    def count(_robot: Robot, _payload: bytes) -> None:
        nonlocal ended
        ended += 1

    for robot in crew:
        robot.acked = count
        robot.peer.send(report(robot.jobs[0], "completed", 100, "end"))
    await until(lambda: ended == len(crew))


async def _leave(crew: list[Robot]) -> None:
    """Disconnect all robots, and wait until the server has their ends."""
    for robot in crew:
        robot.peer.close()
    await asyncio.sleep(SETTLE_SECONDS / 2)
