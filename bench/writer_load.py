"""Measures the writer of the store that is installed: CPU time of its thread for each change of a job.

`bench/writer.py` runs it with the Python of each version, so it uses only what both have. It prints one JSON object:
microseconds by kind of change.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.robots import Profile
from casare_rpa.domain.selection import Slot, Slots

try:
    from casare_rpa.domain.job_records import Change, JobToAdd
    from casare_rpa.domain.robot_sessions import Connecting
    from casare_rpa.domain.vocabulary import ReportStatus
    from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
except ImportError:  # 1ca23e8
    from casare_rpa.domain.protocol import ReportStatus  # type: ignore[attr-defined, no-redef]
    from casare_rpa.infrastructure.orchestrator.ports import Change  # type: ignore[attr-defined, no-redef]
    from casare_rpa.infrastructure.orchestrator.ports import NewJob as JobToAdd  # type: ignore[attr-defined, no-redef]
    from casare_rpa.infrastructure.orchestrator.storage.sqlite import (  # type: ignore[attr-defined, no-redef]
        SqliteStore,
    )

    Connecting = None  # type: ignore[assignment, misc]

ROBOTS = 100
SLOTS = 10
JOBS = ROBOTS * SLOTS
BATCH = 100
"""Changes in one call, as under load."""
START = 1_766_413_800_000_000


class Thread:
    """The CPU time of the writer's thread."""

    def __init__(self) -> None:
        (writer,) = (one for one in threading.enumerate() if one.name == "store writer")
        assert writer.ident is not None
        self._clock = time.pthread_getcpuclockid(writer.ident)
        self.seconds: dict[str, float] = {}

    async def measure(self, kind: str, calls: list[Awaitable[Any]]) -> list[Any]:
        """Await the calls one after the other, and add their CPU time to that of this kind of change."""
        answers = []
        for call in calls:
            began = time.clock_gettime(self._clock)
            answers.append(await call)
            self.seconds[kind] = self.seconds.get(kind, 0.0) + time.clock_gettime(self._clock) - began
        return answers


def in_batches(items: list[Any]) -> list[list[Any]]:
    return [items[first : first + BATCH] for first in range(0, len(items), BATCH)]


async def run(folder: Path, rounds: int) -> dict[str, float]:
    """Microseconds for each change, by kind. Each round takes `JOBS` jobs from submit to end.

    `folder` has a database with the robots: see `bench/store.py`.
    """
    store = await SqliteStore.open(folder / "casare.db")
    profile = Profile("default", frozenset())
    slots = []
    for number in range(ROBOTS):
        robot_id, session_id = f"robot-{number:05}", f"ses-{number:05}"
        if Connecting is not None:
            await store.connect(Connecting(robot_id, session_id, "instance", Instant(START)))
        slots.append(Slot(robot_id, session_id, profile, SLOTS, SLOTS, claim_ack=True))
    thread = Thread()
    for turn in range(rounds + 1):
        if turn == 1:
            thread.seconds.clear()  # the first round fills the caches
        at = Instant(START + turn * 10_000_000)
        jobs = [
            JobToAdd(Job(job_id=f"job-{turn:04}{n:06}", tenant_id="default", workflow_id="w", submitted_at=at))
            for n in range(JOBS)
        ]
        await thread.measure("submitted", [store.add_jobs(batch) for batch in in_batches(jobs)])
        offered: list[Job] = []
        while len(offered) < JOBS:
            taken: dict[str, int] = {}
            for job in offered:
                taken[str(job.robot_id)] = taken.get(str(job.robot_id), 0) + 1
            free = [
                Slot(one.robot_id, one.session_id, profile, left, SLOTS, claim_ack=True)
                for one in slots
                if (left := SLOTS - taken.get(one.robot_id, 0))
            ]
            (some,) = await thread.measure("offered", [store.claim(Slots(free), at)])
            assert some
            offered += some
        for status in ("claimed", "running", "completed"):
            reports = [
                Change(
                    job.job_id, Report(str(job.robot_id), str(job.session_id), job.attempt, ReportStatus(status)), at
                )
                for job in offered
            ]
            applied = await thread.measure(status, [store.apply(batch) for batch in in_batches(reports)])
            assert all(type(one.answer).__name__ == "Step" for batch in applied for one in batch)
    await store.close()
    return {kind: seconds / rounds / JOBS * 1e6 for kind, seconds in thread.seconds.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))))
