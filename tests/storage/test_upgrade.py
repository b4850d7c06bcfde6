"""Upgrades: this version reads all data of earlier versions. `data/README.md` describes how the data was created."""

import json
import lzma
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.failure_groups import FailureSpan
from casare_rpa.domain.instants import FOREVER
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change, JobFilter, JobToAdd
from casare_rpa.domain.logs import Level, LogFilter, LogLine
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.vocabulary import JobStatus, ReportStatus
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import Settings, with_secrets
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.robot.journal import Journal
from fake_clock import FakeClock
from storage.values import START, a_job, a_slot, at

DATA = Path(__file__).with_name("data")
COMMITS = sorted(folder.name for folder in DATA.iterdir() if folder.is_dir())
ALL = 1000


class Copy:
    """An unpacked copy of the data of one commit, and the results of reading it with that commit."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.expected: dict[str, Any] = json.loads((DATA / commit / "expected.json").read_text())
        self.server = folder / "server"
        self.robot = folder / "robot"
        with lzma.open(DATA / commit / "data.tar.xz") as packed, tarfile.open(fileobj=packed) as files:
            # Python 3.11.4 has the filter; the data is our own.
            files.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


@pytest.fixture(params=COMMITS)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    return Copy(request.param, tmp_path)


@pytest.fixture
async def store(copy: Copy) -> AsyncIterator[Store]:
    opened = await SqliteStore.open(copy.server / "casare.db")
    yield opened
    await opened.close()


def kept(now: Any, before: Any) -> Any:
    """`now` without the fields that `before` does not have."""
    if isinstance(before, dict):
        assert isinstance(now, dict)
        return {name: kept(now[name], value) for name, value in before.items() if name in now}
    if isinstance(before, list):
        assert isinstance(now, list)
        return [kept(*pair) for pair in zip(now, before, strict=True)] if len(now) == len(before) else now
    return now


def assert_kept(now: Any, before: Any) -> None:
    plain = json.loads(msgspec.json.encode(now))
    assert kept(plain, before) == before


def test_copy_has_commits_in_both_write_ahead_logs(copy: Copy) -> None:
    assert (copy.server / "casare.db-wal").stat().st_size > 0
    assert (copy.robot / "journal.db-wal").stat().st_size > 0


def test_copy_has_a_job_in_every_state(copy: Copy) -> None:
    jobs = copy.expected["jobs"]
    assert {job["status"] for job in jobs} == {status.value for status in JobStatus}
    assert any(job["status"] == "pending" and job["offer_expires_at"] for job in jobs)
    assert any(job["cancel_received_at"] for job in jobs)
    assert any(job["contact_lost_at"] for job in jobs)


async def test_jobs_and_their_history_survive(copy: Copy, store: Store) -> None:
    jobs = sorted(await store.jobs(JobFilter(), ALL, None), key=lambda job: job.job_id)
    assert_kept(jobs, copy.expected["jobs"])
    for job_id, history in copy.expected["history"].items():
        assert_kept(await store.job_history(job_id, 1000), history)
        found = await store.job(job_id)
        assert found is not None


async def test_log_lines_survive(copy: Copy, store: Store) -> None:
    assert_kept((await store.search_logs(LogFilter(), ALL, None)).lines, copy.expected["logs"])


async def test_audit_trail_survives(copy: Copy, store: Store) -> None:
    assert_kept(await store.audit(None, (), ALL, None), copy.expected["audit"])


async def test_tenants_robots_and_keys_survive(copy: Copy, store: Store) -> None:
    assert_kept(await store.tenants(), copy.expected["tenants"])
    last = {one.robot_id: msgspec.to_builtins(one) for one in await store.last_heartbeats()}
    said = [{"said": last[robot.robot_id]["reported_status"]} for robot in await store.robots(None)]
    profiles = json.loads(msgspec.json.encode(await store.robots(None)))
    robots = [{**profile, **last[profile["robot_id"]], **name} for profile, name in zip(profiles, said, strict=True)]
    assert_kept(robots, copy.expected["robots"])
    for robot_id, keys in copy.expected["keys"].items():
        assert_kept(await store.keys(robot_id), keys)


async def test_queues_pauses_and_depths_survive(copy: Copy, store: Store) -> None:
    assert_kept(await store.queues(), copy.expected["queues"])
    assert_kept(await store.paused_queues(), copy.expected["paused"])
    assert await store.queue_depths(None) == copy.expected["depths"]


async def test_statistics_survive(copy: Copy, store: Store) -> None:
    assert_kept(asdict(await store.counts(None, at(600))), copy.expected["counts"])
    assert_kept(await store.ended(None, START), copy.expected["ended"])
    failures = copy.expected["failures"]
    groups = [{**group, "key": {"fingerprint": group["fingerprint"]}} for group in failures["groups"]]
    for group in groups:
        del group["fingerprint"]
    found = await store.failures(None, FailureSpan(START, FOREVER, at(600)), ALL)
    assert_kept(found, {**failures, "groups": groups})
    assert_kept(await store.queue_samples(START), copy.expected["samples"])


async def test_keys_and_secrets_are_valid_after_the_upgrade(copy: Copy, store: Store) -> None:
    settings = with_secrets(Settings(data_dir=copy.server))
    authenticator = Authenticator(store, settings, FakeClock())
    principal = await authenticator.robot(copy.expected["key"], "robot-idle")
    assert (principal.name, principal.tenant_id) == ("robot robot-idle", "default")
    assert authenticator.admin((copy.server / "api_secret").read_text()).tenant_id is None


async def test_idempotency_key_still_returns_its_job(copy: Copy, store: Store) -> None:
    (added,) = await store.add_jobs([JobToAdd(a_job(), "invoice-4711", "digest-of-the-body")])
    assert added is not None
    assert (added.job.job_id, added.created) == ("job-once", False)
    assert await store.add_jobs([JobToAdd(a_job(), "invoice-4711", "digest-of-another")]) == [None]


async def test_waiting_jobs_are_offered_and_running_ones_end(copy: Copy, store: Store) -> None:
    slot = a_slot("robot-idle", "sap", "excel", capacity=9)
    offered = {job.job_id for job in await store.claim(Slots([slot]), at(700))}
    assert {"job-pending", "job-targeted", "job-once", "job-newest"} <= offered
    assert "job-limited" not in offered  # its queue is paused
    end = Report("robot-running", "ses-robot-running", 1, ReportStatus.COMPLETED, result="{}")
    await store.apply([Change("job-running", end, at(701))])
    job = await store.job("job-running")
    assert job is not None
    assert job.status is JobStatus.COMPLETED


async def test_new_entries_get_greater_numbers_than_kept_ones(copy: Copy, store: Store) -> None:
    newest_line = max(stored["log_id"] for stored in copy.expected["logs"])
    line = LogLine("default", "robot-running", Level.INFO, "after the upgrade", at(700), at(700))
    (stored,) = await store.append_logs([line])
    assert stored is not None
    assert stored.log_id > newest_line
    assert stored.line.seq > max(
        one["line"]["seq"] for one in copy.expected["logs"] if one["line"]["robot_id"] == "robot-running"
    )
    await store.resume_queue("nightly", audit=AN_ENTRY)
    newest_entry = max(entry["audit_id"] for entry in copy.expected["audit"])
    assert (await store.audit(None, (), 1, None))[0].audit_id > newest_entry


async def test_older_changes_have_no_numbers_and_new_ones_begin_an_epoch(copy: Copy, store: Store) -> None:
    """Earlier versions numbered in memory, so a viewer of them has a position of another epoch."""
    state = await store.stream()
    assert (len(state.epoch), state.last, state.by_tenant) == (16, 0, {})
    assert (await store.changes_after(None, 0, ALL)).changes == []
    (added,) = await store.add_jobs([JobToAdd(a_job())])
    assert added is not None
    assert added.numbers is not None
    assert (added.numbers.seq, added.numbers.tenant_seq) == (1, 1)
    assert [one.job_id for one in (await store.changes_after("default", 0, ALL)).changes] == [added.job.job_id]


async def test_upgraded_database_passes_the_integrity_check(copy: Copy) -> None:
    await (await SqliteStore.open(copy.server / "casare.db")).close()
    connection = sqlite3.connect(copy.server / "casare.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_journal_of_a_robot_yields_its_starts_ends_and_lines(copy: Copy) -> None:
    expected = copy.expected["journal"]
    journal = Journal(copy.robot / "journal.db")
    assert journal.journal_id == expected["journal_id"]
    assert_kept(journal.pending_ends(), expected["ends"])
    assert_kept(journal.lines_after(0, ALL), expected["lines"])
    assert not journal.record_start("job-running", 1)
    assert journal.record_start("job-running", 2)
    journal.close()
    assert sorted(path.name for path in copy.robot.iterdir()) == ["journal.db"]
