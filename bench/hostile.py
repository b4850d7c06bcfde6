"""The time of an acknowledgement for ordinary robots while hostile peers send as much as the server accepts.

The limits of the server are at their defaults. Turns without and with an attack alternate, so that the ratio of both is
independent of the machine. The hostile peers are processes that run while a core is idle, so that the time is that of
the server and not that of the load generator.

A 99th percentile needs many times: one turn has four beyond it, of which a single slow flush of the disk decides. All
turns of an attack together are therefore compared with all quiet turns of the run. The median is compared with that of
the quiet turns between those of the attack, because it changes during a run: in its first two minutes an
acknowledgement takes nearly twice the time, with and without an attack, for a reason that is not known.

The same turns without an attack show how much the ratio varies by itself, and the server's share of a core shows that
there was an attack: on a busy machine the hostile peers do not run.
"""

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
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
BURST_SECONDS = 4.0
"""Until the bursts that the limits allow are used, also on a machine with a quarter of the speed of the reference."""
NO_ATTACK = "no attack"
ALL = "all attacks"
DEFAULTS = {
    "CASARE_RATE_LIMIT_ROBOT": "100:200",
    "CASARE_RATE_LIMIT_ROBOT_BYTES": "262144:4194304",
    "CASARE_RATE_LIMIT_ROBOT_LINES": "1000:10000",
    "CASARE_RATE_LIMIT_MONITORING": "50:100",
    "CASARE_RATE_LIMIT_CONNECTIONS": "50:1000",
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
            attacked: dict[str, _Turns] = {}
            for what, attacks in {NO_ATTACK: (), **{one: (one,) for one in ATTACKS}, ALL: tuple(ATTACKS)}.items():
                attacked[what] = await _turns(asked, server, attacks, pinned=pinned, seconds=seconds)
            quiet = [one for turns in attacked.values() for one in turns.quiet]
            for what, turns in attacked.items():
                _add(figures, what, turns, quiet, pinned=pinned)


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
        await asyncio.sleep(BURST_SECONDS)
        yield
        if process.returncode is not None:
            raise RuntimeError(f"an attack ended early: {attacks}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@dataclass(frozen=True)
class _Turns:
    """The times of acknowledgements in ms, between and during the turns of an attack; the server's share of a core."""

    quiet: list[float]
    took: list[float]
    shares: list[float]


async def _turns(asked: Asked, server: Running, attacks: Sequence[str], *, pinned: bool, seconds: float) -> _Turns:
    """Alternate turns without and with the attacks."""
    turns = _Turns([], [], [])
    for _ in range(ROUNDS):
        turns.quiet.extend((await _acknowledged(asked, server, seconds))[0])
        async with _attacked(server.port, attacks, pinned=pinned) if attacks else contextlib.nullcontext():
            took, share = await _acknowledged(asked, server, seconds)
        turns.took.extend(took)
        turns.shares.append(share)
        await asyncio.sleep(0.5)
    return turns


def _add(figures: Figures, what: str, turns: _Turns, quiet: list[float], *, pinned: bool) -> None:
    for name, share, limit, alone in (("p50", 0.5, 1.2, turns.quiet), ("p99", 0.99, 2.0, quiet)):
        before, after = percentile(alone, share), percentile(turns.took, share)
        # Unpinned, robots and hostile peers share the cores of the server, so its time includes theirs.
        judged = pinned and what != NO_ATTACK
        target = Target("hostile", limit, at_least=False, scales=False) if judged else None
        figures.add(f"hostile: {name} of an ack, {what}", "ms", after, pinned=pinned)
        figures.add(f"hostile: {name} of an ack, {what}, × quiet", "×", after / before, pinned=pinned, target=target)
    used = statistics.median(turns.shares)
    figures.add(f"hostile: share of a core, {what}", "of a core", used, pinned=pinned)


async def _acknowledged(asked: Asked, server: Running, seconds: float) -> tuple[list[float], float]:
    """The times of the acknowledgements of one turn, in ms, and the server's share of a core."""
    asked.took.clear()
    began, used = time.monotonic(), cpu_seconds(server.process_id)
    await asked.talk(seconds)
    lasted = time.monotonic() - began
    if len(asked.took) < VICTIMS * int(seconds) * 0.9:
        raise RuntimeError(f"only {len(asked.took)} acknowledgements in {lasted:.1f} s")
    return [*asked.took], (cpu_seconds(server.process_id) - used) / lasted
