"""The time of an acknowledgement for ordinary robots while hostile peers send as much as the server accepts.

The limits of the server are at their defaults. Each round measures the same robots first alone and then under attack,
so that the ratio of both is independent of the machine. The hostile peers are processes that run
while a core is idle, so that the time is that of the server and not that of the load generator.

The medians of several rounds are compared, because other work on the machine changes single rounds. The same rounds
without an attack show how much the ratio varies by itself, and the server's share of a core shows that there was an
attack: on a busy machine the hostile peers do not run.
"""

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import servers
from bench.attackers import ATTACKS, FIRST_HOSTILE, HOSTILE_ROBOTS
from bench.fairness import Asked
from bench.figures import Figures, Target, percentile
from bench.fleet import fleet, running_jobs
from bench.machine import cpu_seconds
from bench.servers import LOAD_CORE, Running
from bench.store import fill
from casare_rpa.infrastructure.orchestrator.storage.sqlite.numbers import SAVE_LOGS

VICTIMS = FIRST_HOSTILE
OPEN_JOBS = 20_000
LARGE_LINES = 2_000
ROUNDS = 5
NO_ATTACK = "no attack"
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
            await _acknowledged(asked, server, seconds)  # what the first reports import and cache
            compare = partial(_compare, figures, asked, server, pinned=pinned, seconds=seconds)
            await compare(NO_ATTACK, ())
            for attack in ATTACKS:
                await compare(attack, (attack,))
            await compare("all attacks", tuple(ATTACKS))


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
    figures: Figures,
    asked: Asked,
    server: Running,
    what: str,
    attacks: Sequence[str],
    *,
    pinned: bool,
    seconds: float,
) -> None:
    quiet: list[_Round] = []
    attacked: list[_Round] = []
    for _ in range(ROUNDS):
        quiet.append(await _acknowledged(asked, server, seconds))
        async with _attacked(server.port, attacks, pinned=pinned) if attacks else contextlib.nullcontext():
            attacked.append(await _acknowledged(asked, server, seconds))
        await asyncio.sleep(0.5)
    for name, limit in (("p50", 1.2), ("p99", 2.0)):
        before = statistics.median(getattr(one, name) for one in quiet)
        after = statistics.median(getattr(one, name) for one in attacked)
        target = Target("hostile", limit, at_least=False, scales=False) if attacks else None
        figures.add(f"hostile: {name} of an ack, {what}", "ms", after, pinned=pinned)
        figures.add(f"hostile: {name} of an ack, {what}, × quiet", "×", after / before, pinned=pinned, target=target)
    share = statistics.median(one.share for one in attacked)
    figures.add(f"hostile: share of a core, {what}", "of a core", share, pinned=pinned)


@dataclass(frozen=True)
class _Round:
    """Median and 99th percentile of the time of an acknowledgement, in ms, and the server's share of a core."""

    p50: float
    p99: float
    share: float


async def _acknowledged(asked: Asked, server: Running, seconds: float) -> _Round:
    asked.took.clear()
    began, used = time.monotonic(), cpu_seconds(server.process_id)
    await asked.talk(seconds)
    lasted = time.monotonic() - began
    if len(asked.took) < VICTIMS * int(seconds) * 0.9:
        raise RuntimeError(f"only {len(asked.took)} acknowledgements in {lasted:.1f} s")
    share = (cpu_seconds(server.process_id) - used) / lasted
    return _Round(statistics.median(asked.took), percentile(asked.took, 0.99), share)
