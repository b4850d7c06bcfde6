"""A job queue under load: one turn of it, with the jobs and steps counted in the store of the queue."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import jobs
from bench.figures import Figures
from bench.fleet import WAIT_SECONDS, background
from bench.machine import Busy

WARM_SECONDS = 1.0
COUNTED = (
    "SELECT (SELECT count(*) FROM jobs WHERE status = 'completed') AS ended, "
    "(SELECT count(*) FROM job_events) AS recorded"
)
"""The ended jobs and the rows of history of the product, read at one moment."""


class Counted(NamedTuple):
    """The numbers in a store at one moment."""

    ended: int
    recorded: int | None = None
    """Recorded steps of jobs, of a queue with a row for each."""
    flushes: int | None = None
    """Flushes of the journal of the robot process."""


Count = Callable[[], Awaitable[Counted]]


@dataclass(frozen=True)
class Queue:
    """One running system: begins and ends the load, and counts in its store."""

    begin: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[int]]
    """Ends the submits, waits for the jobs, and returns the number of all submitted jobs so far."""
    count: Count


class Turn(NamedTuple):
    """The rates of one turn, and the load generator's share of a core."""

    rate: float
    """Ended jobs per second in the store."""
    busy: float
    recorded: float | None = None
    """Recorded steps per second in the store."""
    flushes: float | None = None
    """Flushes of the journal per ended job."""


async def turn(
    queue: Queue, seconds: float, *, warm_seconds: float = WARM_SECONDS, wait_seconds: float = WAIT_SECONDS
) -> Turn:
    """Begin the load, count after a while and again at the end, and end it. Fails if a job is lost or runs twice."""
    await queue.begin()
    await asyncio.sleep(warm_seconds)
    began, busy = time.monotonic(), Busy()
    before = await queue.count()
    await asyncio.sleep(seconds)
    took, share = time.monotonic() - began, busy.share
    after = await queue.count()
    submitted = await queue.stop()
    async with asyncio.timeout(wait_seconds):
        while (ended := (await queue.count()).ended) < submitted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if ended != submitted:
        raise RuntimeError(f"{submitted} jobs were submitted, and {ended} are in the store as ended")
    jobs_ended = after.ended - before.ended
    recorded = None if before.recorded is None or after.recorded is None else after.recorded - before.recorded
    flushes = None if before.flushes is None or after.flushes is None else after.flushes - before.flushes
    return Turn(
        jobs_ended / took,
        share,
        None if recorded is None else recorded / took,
        None if flushes is None or not jobs_ended else flushes / jobs_ended,
    )


def counted_in(data: Path) -> Count:
    """A function that counts in the file of the product."""

    def count() -> Counted:
        with contextlib.closing(sqlite3.connect(f"file:{data / 'casare.db'}?mode=ro", uri=True)) as connection:
            return Counted(*connection.execute(COUNTED).fetchone())

    return partial(asyncio.to_thread, count)


def of_flow(flow: jobs.Flow, port: int, count: Count, batch: int = jobs.BATCH) -> Queue:
    """Jobs over HTTP to robots over WebSocket."""
    submitters: list[asyncio.Task[None]] = []

    async def begin() -> None:
        flow.going = True
        submitters[:] = [background(flow.submit(port, batch)) for _ in range(jobs.BATCH_SUBMITTERS)]

    async def stop() -> int:
        flow.going = False
        await asyncio.gather(*submitters)
        return flow.submitted

    return Queue(begin, stop, count)


async def add_turns(figures: Figures, queues: Mapping[str, Queue], turns: int, seconds: float, *, pinned: bool) -> None:
    """Jobs per second of these queues in turns. The keys are the names of the figures."""
    for _ in range(turns):
        for name, queue in queues.items():
            of = await turn(queue, seconds)
            figures.add(name, "jobs/s", of.rate, pinned=pinned, busy=of.busy)
