"""Retention: rows over the age or number limit are deleted, oldest first; open jobs are kept."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.job import Job
from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES, Level, LogLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.maintenance.queue_sampler import QueueSampler
from casare_rpa.infrastructure.orchestrator.maintenance.retention import (
    BATCH,
    DAY_SECONDS,
    LARGE_LINES_BATCH,
    LONGEST_PAUSE_SECONDS,
    PAUSE_PER_WRITE,
    SHORTEST_PAUSE_SECONDS,
    TALLY_DAYS,
    Retention,
)
from casare_rpa.infrastructure.orchestrator.settings import MIB, Settings
from orchestrator.slices import ADMIN, Instance, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


def retention(plane: Instance, **limits: int) -> Retention:
    return Retention(plane.store, plane.clock, Settings(**limits))  # type: ignore[arg-type]


async def swept(plane: Instance, sweeper: Retention) -> None:
    """One whole round, with its pauses."""
    round_ = asyncio.create_task(sweeper.delete_expired())
    while not round_.done():
        if plane.clock.sleeping:
            plane.clock.advance(SHORTEST_PAUSE_SECONDS)
        await asyncio.sleep(0)
    await round_


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, SHORTEST_PAUSE_SECONDS), (0.03, 0.03 * PAUSE_PER_WRITE), (120.0, LONGEST_PAUSE_SECONDS)]
)
async def test_pause_after_a_write_is_in_proportion_to_its_time(plane: Instance, took: float, pause: float) -> None:
    async def slowly(write: Any, *_: Any) -> Any:
        plane.clock.advance(took)
        return await write()

    for _ in range(2):
        await ended(plane)
    plane.store.interceptors["delete_oldest"] = slowly
    sweeping = asyncio.create_task(retention(plane, retention_jobs=1).delete_expired())
    async with asyncio.timeout(10):
        while not plane.clock.sleeping:
            await asyncio.sleep(0.001)
    assert plane.clock.sleeping == pytest.approx([pause])
    sweeping.cancel()


async def ended(plane: Instance, **wishes: object) -> Job:
    job = await plane.job(**wishes)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "over")
    return job


async def line(plane: Instance, text: str, job: Job | None = None) -> None:
    now = plane.clock.now()
    await plane.store.append_logs(
        [LogLine("default", "robot-1", Level.INFO, text, now, now, job.job_id if job else None)]
    )


def rows(tmp_path: Path, table: str) -> int:
    connection = sqlite3.connect(tmp_path / "casare.db")
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


async def test_job_over_the_age_limit_is_deleted_with_its_history_and_lines(plane: Instance, tmp_path: Path) -> None:
    old = await ended(plane, idempotency_key="once")
    await line(plane, "old", old)
    await line(plane, "newest: its id must not be given again", old)
    waiting = await plane.job()
    plane.clock.advance(2 * DAY_SECONDS)
    young = await ended(plane)
    sweeper = retention(plane, retention_jobs_days=1)
    await swept(plane, sweeper)
    assert await plane.store.job(old.job_id) is None
    assert (await plane.stored(young)).status is JobStatus.FAILED
    assert (await plane.stored(waiting)).status is JobStatus.PENDING
    assert await plane.store.job_history(old.job_id, 1000) == []
    assert [rows(tmp_path, table) for table in ("jobs", "job_logs", "idempotency_keys")] == [2, 1, 0]
    assert sweeper.deleted[RetainedKind.JOBS] == 1


async def test_jobs_over_the_number_limit_are_deleted_oldest_first(plane: Instance) -> None:
    jobs = []
    for _ in range(5):
        jobs.append(await ended(plane))
        plane.clock.advance(1)
    await swept(plane, retention(plane, retention_jobs=2))
    assert [await plane.store.job(job.job_id) is not None for job in jobs] == [False, False, False, True, True]


async def test_lines_are_deleted_by_age_and_by_number(plane: Instance, tmp_path: Path) -> None:
    for _ in range(3):
        await line(plane, "old")
    plane.clock.advance(2 * DAY_SECONDS)
    for _ in range(BATCH + 10):
        await line(plane, "young")
    await swept(plane, retention(plane, retention_log_days=1))
    assert rows(tmp_path, "job_logs") == BATCH + 10
    await swept(plane, retention(plane, retention_log_lines=7))
    assert rows(tmp_path, "job_logs") == 7


async def test_audit_entries_are_deleted_by_age_and_by_number(plane: Instance, tmp_path: Path) -> None:
    await plane.commands.queues.resume(ADMIN, "*")
    plane.clock.advance(2 * DAY_SECONDS)
    for _ in range(3):
        await plane.commands.queues.resume(ADMIN, "*")
    await swept(plane, retention(plane, retention_audit_days=1, retention_audit_entries=2))
    assert rows(tmp_path, "audit") == 2


async def test_counts_of_ended_jobs_are_deleted_after_eight_days_and_others_kept(
    plane: Instance, tmp_path: Path
) -> None:
    await ended(plane)
    await plane.job()
    plane.clock.advance((TALLY_DAYS + 1) * DAY_SECONDS)
    await swept(plane, retention(plane))
    assert (await plane.store.counts(None, plane.clock.now())).pending == 1
    assert rows(tmp_path, "tallies") <= 2


async def test_samples_of_queues_are_kept_for_eight_days(plane: Instance, tmp_path: Path) -> None:
    sampler = QueueSampler(plane.store, plane.clock)
    await sampler.sample()
    plane.clock.advance(DAY_SECONDS * TALLY_DAYS)
    await sampler.sample()
    await swept(plane, retention(plane))
    assert rows(tmp_path, "queue_samples") == 2
    plane.clock.advance(60)
    await swept(plane, retention(plane))
    assert rows(tmp_path, "queue_samples") == 1


async def lines_of(plane: Instance, robot_id: str, number: int, text: str = "x" * 1_000) -> None:
    now = plane.clock.now()
    await plane.store.append_logs([LogLine("default", robot_id, Level.INFO, text, now, now) for _ in range(number)])


async def test_lines_of_a_robot_over_its_size_are_deleted_and_those_of_others_kept(
    plane: Instance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await lines_of(plane, "quiet", 5)
    await lines_of(plane, "loud", 1_200)
    await lines_of(plane, "quiet", 5)
    sweeper = retention(plane, retention_robot_log_bytes=MIB)
    await swept(plane, sweeper)
    volumes = await plane.store.log_volumes()
    assert volumes["quiet"] == 10 * (1_000 + LINE_OVERHEAD_BYTES)
    assert MIB - LARGE_LINES_BATCH * 1_256 < volumes["loud"] <= MIB
    assert "of loud deleted" in caplog.text
    deleted = 1_210 - rows(tmp_path, "job_logs")
    assert sweeper.deleted[RetainedKind.LOGS] == deleted > 0
    assert sweeper.stored_log_bytes == sum(volumes.values())


async def test_lines_over_the_common_size_are_deleted_oldest_first(plane: Instance) -> None:
    for robot_id in ("first", "second", "third"):
        await lines_of(plane, robot_id, 500)
    await swept(plane, retention(plane, retention_log_bytes=MIB))
    volumes = await plane.store.log_volumes()
    assert sum(volumes.values()) <= MIB
    assert "first" not in volumes
    assert volumes["third"] == 500 * 1_256


async def test_size_is_counted_whichever_way_lines_are_added_and_deleted(plane: Instance, tmp_path: Path) -> None:
    old = await ended(plane)
    for text in ("short", "Größe €", "x" * 70_000):
        await line(plane, text, old)
    await lines_of(plane, "robot-1", 3)
    assert (await plane.store.log_volumes())["robot-1"] == measured(tmp_path)
    plane.clock.advance(2 * DAY_SECONDS)
    await line(plane, "newest")
    await swept(plane, retention(plane, retention_jobs_days=1))
    assert rows(tmp_path, "job_logs") == 4
    assert (await plane.store.log_volumes())["robot-1"] == measured(tmp_path)
    await swept(plane, retention(plane, retention_log_days=1))
    assert (await plane.store.log_volumes())["robot-1"] == measured(tmp_path) == len("newest") + LINE_OVERHEAD_BYTES


def measured(tmp_path: Path) -> int:
    """The size of all stored lines, measured in the database."""
    connection = sqlite3.connect(tmp_path / "casare.db")
    try:
        size = connection.execute("SELECT sum(length(CAST(message AS BLOB)) + ?) FROM job_logs", (LINE_OVERHEAD_BYTES,))
        return int(size.fetchone()[0])
    finally:
        connection.close()
