"""The time of an acknowledgement for ordinary robots while hostile peers send as much as the server accepts.

The limits of the server are at their defaults. Each round measures the same robots first alone and then under attack,
so that the ratio of both is independent of the machine. The hostile peers are processes that run
while a core is idle, so that the time is that of the server and not that of the load generator.
"""

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bench import servers
from bench.attackers import ATTACKS, FIRST_HOSTILE, HOSTILE_ROBOTS
from bench.fairness import Asked
from bench.figures import Figures, Target, percentile
from bench.fleet import fleet, running_jobs
from bench.servers import LOAD_CORE
from bench.store import fill
from casare_rpa.infrastructure.orchestrator.storage.sqlite.numbers import SAVE_LOGS

VICTIMS = FIRST_HOSTILE
OPEN_JOBS = 20_000
LARGE_LINES = 2_000
ROUNDS = 5
DEFAULTS = {
    "CASARE_RATE_LIMIT_ROBOT": "100:200",
    "CASARE_RATE_LIMIT_ROBOT_BYTES": "262144:4194304",
    "CASARE_RATE_LIMIT_ROBOT_LINES": "1000:10000",
    "CASARE_RATE_LIMIT_MONITORING": "50:100",
}
LINES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO job_logs (tenant_id, robot_id, level, message, logged_at, received_at, truncated)
SELECT 'default', 'robot-00000', 'INFO', ?, 0, i, 0 FROM n
"""


def _fill_logs(folder: Path) -> None:
    connection = sqlite3.connect(folder / "casare.db")
    with connection:
        connection.execute(LINES, (LARGE_LINES, "the robot reads an invoice " * 2_200))
        connection.execute(SAVE_LOGS, (LARGE_LINES,))  # otherwise the server gives these numbers to new lines
    connection.close()


async def measure(figures: Figures, *, pinned: bool, seconds: float) -> None:
    """Median and 99th percentile of the victims' acknowledgements for each attack, and for all of them at once."""
    with servers.folder() as data:
        fill(data, VICTIMS + HOSTILE_ROBOTS, pending=OPEN_JOBS)
        _fill_logs(data)
        async with servers.casare(data, pinned, **DEFAULTS) as server:
            crew = await fleet(server.port, VICTIMS)
            await running_jobs(server.port, crew, 1)
            asked = Asked(crew)
            for attack in ATTACKS:
                await _compare(figures, asked, server.port, (attack,), pinned=pinned, seconds=seconds)
            await _compare(figures, asked, server.port, tuple(ATTACKS), pinned=pinned, seconds=seconds)


@contextlib.asynccontextmanager
async def _attacked(port: int, attacks: Sequence[str], *, pinned: bool) -> AsyncIterator[None]:
    """Hostile peers attack the server. Raises RuntimeError when an attack ended early."""
    core = str(LOAD_CORE) if pinned else "any"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.attackers", str(port), core, *attacks, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(1.0)  # until the bursts that the limits allow are used
        yield
        if process.returncode is not None:
            raise RuntimeError(f"an attack ended early: {attacks}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _compare(
    figures: Figures, asked: Asked, port: int, attacks: Sequence[str], *, pinned: bool, seconds: float
) -> None:
    quiet: list[tuple[float, float]] = []
    attacked: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        quiet.append(await _acknowledged(asked, seconds))
        async with _attacked(port, attacks, pinned=pinned):
            attacked.append(await _acknowledged(asked, seconds))
        await asyncio.sleep(0.5)
    what = "all attacks" if len(attacks) > 1 else attacks[0]
    for place, name, limit in ((0, "p50", 1.2), (1, "p99", 2.0)):
        # Other work on the machine only adds to a time, and a single pause changes a 99th percentile.
        before = min(one[place] for one in quiet)
        after = min(one[place] for one in attacked)
        figures.add(f"hostile: {name} of an ack, {what}", "ms", after, pinned=pinned)
        target = Target("hostile", limit, at_least=False, scales=False)
        figures.add(f"hostile: {name} of an ack, {what}, × quiet", "×", after / before, pinned=pinned, target=target)


async def _acknowledged(asked: Asked, seconds: float) -> tuple[float, float]:
    """Median and 99th percentile of the time of an acknowledgement, in ms."""
    asked.took.clear()
    began = time.monotonic()
    await asked.talk(seconds)
    if len(asked.took) < VICTIMS * int(seconds) * 0.9:
        raise RuntimeError(f"only {len(asked.took)} acknowledgements in {time.monotonic() - began:.1f} s")
    return statistics.median(asked.took), percentile(asked.took, 0.99)
