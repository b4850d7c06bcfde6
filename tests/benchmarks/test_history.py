"""The store with many ended jobs is as the product writes it, and a turn is judged beside an empty store."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench import history
from bench.figures import Figures, verdict
from bench.history_fill import EVENTS_A_JOB, KEPT_DAYS, SHOWN_A_JOB, History, check_space, fill_history
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore

JOBS = 400
ROBOTS = 7
DUE = 200


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """The product on a filled file."""
    fill_history(tmp_path, ROBOTS, History(JOBS), chunk=150)
    opened = await SqliteStore.open(tmp_path / "casare.db")
    yield opened
    await opened.close()


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "casare.db")
    found = connection.execute(statement).fetchall()
    connection.close()
    return found


async def test_filled_store_has_its_jobs_with_their_history(store: SqliteStore) -> None:
    assert await store.count_kept(RetainedKind.JOBS) == JOBS
    assert await store.count_kept(RetainedKind.LOGS) == JOBS
    listed = await store.jobs(JobFilter(), JOBS, None)
    assert len(listed) == JOBS
    assert {job.status for job in listed} == {JobStatus.COMPLETED, JobStatus.FAILED}
    assert await store.open_jobs(None, 10, None) == []
    for job in listed[:20]:
        entries = await store.job_history(job.job_id, 10)
        assert [entry.number for entry in entries] == ["T1", "T2", "T3", "T6", "T10"]
        assert entries[-1].at == job.finished_at
        assert entries[-1].status is job.status
        assert len(await store.job_logs(job.job_id, 10, 0)) == 1


async def test_failed_jobs_have_the_fingerprint_that_the_product_computes(store: SqliteStore, tmp_path: Path) -> None:
    failed = [job for job in await store.jobs(JobFilter(), JOBS, None) if job.status is JobStatus.FAILED]
    assert len(failed) == JOBS // 10
    stored = dict(rows(tmp_path, "SELECT job_id, fingerprint FROM jobs WHERE status = 'failed'"))
    assert stored == {job.job_id: fingerprint(job) for job in failed}


async def test_changes_are_numbered_without_a_gap_for_viewers(store: SqliteStore) -> None:
    shown = JOBS * SHOWN_A_JOB
    for tenant_id in (None, "default"):
        changes = await store.changes_after(tenant_id, 0, shown)
        assert changes.last == shown
        assert changes.deleted == 0
        assert [change.seq for change in changes.changes] == list(range(1, shown + 1))
    assert (await store.stream()).last == shown


async def test_counts_are_those_of_the_rows(store: SqliteStore, tmp_path: Path) -> None:
    by_minute = "SELECT status, finished_at / 60000000, count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1, 2"
    assert rows(tmp_path, "SELECT status, minute, number FROM tallies WHERE minute ORDER BY 1, 2") == rows(
        tmp_path, by_minute
    )
    day = after(Instant(time.time_ns() // 1000), -24 * 3600)
    counts = await store.counts(None, Instant(time.time_ns() // 1000))
    recent = [job for job in await store.jobs(JobFilter(), JOBS, None) if job.finished_at and job.finished_at > day]
    assert counts.completed_24h + counts.failed_24h == pytest.approx(len(recent), abs=1)
    of_lines = "SELECT robot_id, sum(length(message) + 256) FROM job_logs GROUP BY 1"
    assert dict(rows(tmp_path, of_lines)) == await store.log_volumes()


async def test_retention_deletes_the_due_jobs_with_their_rows(store: SqliteStore, tmp_path: Path) -> None:
    before = after(Instant(time.time_ns() // 1000), -KEPT_DAYS * 24 * 3600)
    assert await store.count_older(RetainedKind.JOBS, before) == DUE
    assert history.deleted_number(tmp_path) == 0
    assert await store.delete_oldest(RetainedKind.JOBS, before, JOBS) == DUE
    assert history.deleted_number(tmp_path) == DUE * SHOWN_A_JOB
    assert rows(tmp_path, "SELECT count(*) FROM job_events") == [((JOBS - DUE) * EVENTS_A_JOB,)]
    assert (
        sum((await store.log_volumes()).values())
        == rows(tmp_path, "SELECT sum(length(message) + 256) FROM job_logs")[0][0]
    )


def test_filled_store_is_sound_and_has_the_shown_fields_of_the_schema(tmp_path: Path) -> None:
    fill_history(tmp_path, ROBOTS, History(JOBS), chunk=150)
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
    [(shown,)] = rows(tmp_path, "SELECT shown FROM job_events WHERE kind = 'failed' LIMIT 1")
    assert json.loads(str(shown)) == ["robot-00003", "error", 40.0, None, False, None, 4]


@pytest.mark.parametrize(
    ("jobs", "due"), [(10_000_000, 1_000_000), (1_000_000, 400_000), (200_000, 100_000), (400, DUE)]
)
def test_enough_jobs_are_due_for_the_whole_measurement(jobs: int, due: int) -> None:
    assert History(jobs).due == due
    assert History(jobs).settings == {"CASARE_RETENTION_JOBS": str(jobs - due)}


def test_full_disk_is_reported_before_the_store_is_filled() -> None:
    check_space(10_000_000, 40_000_000_000)
    with pytest.raises(
        RuntimeError, match=r"10,000,000 ended jobs needs about 32 GB .* 20\.0 GB are free.*JOBS=6000000"
    ):
        check_space(10_000_000, 20_000_000_000)
    with pytest.raises(RuntimeError, match="at most 0 with"):
        check_space(1_000_000, 1_000)


def test_turn_is_judged_by_the_cost_beside_the_empty_store() -> None:
    figures = Figures()
    empty = {"jobs": ("jobs/s", 1_000.0), "submit": ("ms", 1.0)}
    history.add(figures, 500, empty, {"jobs": ("jobs/s", 800.0), "submit": ("ms", 1.4)}, pinned=True, deleted=2_000.0)
    rate = figures.get("history: 500 ended jobs, jobs, cost of one", pinned=True)
    time_of_submit = figures.get("history: 500 ended jobs, submit, cost of one", pinned=True)
    assert rate is not None
    assert time_of_submit is not None
    assert rate.runs == [1.25]
    assert verdict(rate) == "history ≤ 1.3: met"
    assert verdict(time_of_submit) == "history ≤ 1.3: MISSED"


def test_turn_without_retention_has_no_target() -> None:
    figures = Figures()
    history.add(figures, 500, {"jobs": ("jobs/s", 9.0)}, {"jobs": ("jobs/s", 3.0)}, pinned=True)
    cost = figures.get("history: 500 ended jobs, nothing to delete, jobs, cost of one", pinned=True)
    assert cost is not None
    assert cost.runs == [3.0]
    assert cost.target is None


def test_turn_in_which_retention_deleted_nothing_fails() -> None:
    with pytest.raises(RuntimeError, match="retention deleted nothing during a turn"):
        history.add(Figures(), 500, {}, {}, pinned=True, deleted=0.0)


def test_stopped_process_continues_afterwards() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with history.stopped(process.pid):
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            assert os.WSTOPSIG(status) == signal.SIGSTOP
        _, status = os.waitpid(process.pid, os.WCONTINUED)
        assert os.WIFCONTINUED(status)
    finally:
        process.kill()
        process.wait()
