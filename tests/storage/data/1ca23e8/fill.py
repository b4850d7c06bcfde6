"""Writes a filled data directory and a robot's journal with the program of commit 1ca23e8.

It imports modules of that commit, so it runs on its source tree only; `README.md` beside this folder has the commands.
The process ends with SIGKILL, so that the write-ahead logs of both databases still hold commits.
"""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from casare_rpa.domain.credentials import RobotKey, digest, make_key
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import (
    Cancel,
    CancelReceived,
    CancelSent,
    LeaseOver,
    QueueExpired,
    Rejected,
    Report,
    SocketLost,
)
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.protocol import JobError, JobReport, JobStatus, ReportStatus, RobotLog, RobotStatus
from casare_rpa.domain.robots import Profile, Robot
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.infrastructure.orchestrator.ports import (
    Beat,
    Change,
    JobFilter,
    LogFilter,
    NewJob,
    PausedQueue,
    Queue,
    Tenant,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite import SqliteStore
from casare_rpa.robot.journal import Journal

START = 1_766_413_800 * MICROSECONDS_PER_SECOND
FAR_FUTURE = 4_102_444_800.0
SECRETS = {
    "api_secret": "an-api-secret-of-the-tests-only",
    "jwt_secret": "a-jwt-secret-of-the-tests-only-32",
    "admin_password": "a-password-of-the-tests-only",
}
KEY = make_key("upgrade001", "k" * 43)


def at(seconds: float) -> Instant:
    return Instant(START + round(seconds * MICROSECONDS_PER_SECOND))


def a_job(name: str, **fields: Any) -> Job:
    return Job(
        **{"job_id": f"job-{name}", "tenant_id": "default", "workflow_id": "invoices", "submitted_at": START, **fields}
    )


def a_report(robot_id: str, status: str, **fields: Any) -> Report:
    return Report(robot_id, f"ses-{robot_id}", 1, ReportStatus(status), **fields)


async def add(store: SqliteStore, job: Job, **more: Any) -> None:
    added = await store.add_jobs([NewJob(job, **more)])
    assert added[0] is not None
    assert added[0].created


async def apply(store: SqliteStore, name: str, event: Any, seconds: float) -> None:
    await store.apply([Change(f"job-{name}", event, at(seconds))])


async def offered(store: SqliteStore, name: str, seconds: float = 1, **fields: Any) -> str:
    """Add a job that one robot of its own takes; answers the robot's id."""
    robot_id = f"robot-{name}"
    await store.add_robot(Robot(robot_id=robot_id, tenant_id="default", name=f"Robot {name}", tags=("excel", name),
                                max_concurrent_jobs=2, created_at=START))  # fmt: skip
    await add(store, a_job(name, tags=(name,), **fields))
    slot = Slot(robot_id, f"ses-{robot_id}", Profile("default", frozenset({"excel", name})), free=1, capacity=1)
    jobs = await store.claim(Slots([slot]), at(seconds))
    assert [job.job_id for job in jobs] == [f"job-{name}"]
    return robot_id


async def running(store: SqliteStore, name: str, **fields: Any) -> str:
    robot_id = await offered(store, name, **fields)
    await apply(store, name, a_report(robot_id, "claimed"), 2)
    await apply(store, name, a_report(robot_id, "running", progress=40.0, message="reads invoices ✓"), 3)
    return robot_id


async def fill_jobs(store: SqliteStore) -> None:
    """A job in each state, and with each reason to fail. Waiting jobs come last, so that no robot takes them."""
    await offered(store, "offer")
    await apply(store, "claimed", a_report(await offered(store, "claimed"), "claimed"), 2)
    await running(store, "running")
    robot_id = await running(store, "lost")
    await apply(store, "lost", SocketLost(f"ses-{robot_id}"), 10)
    robot_id = await running(store, "completed")
    await apply(store, "completed", a_report(robot_id, "completed", progress=100.0, result='{"total": 3}'), 20)
    robot_id = await running(store, "error")
    await apply(
        store, "error",
        a_report(robot_id, "failed", error='{"type":"business","message":"no invoice 17"}', error_type="business"), 21,
    )  # fmt: skip
    robot_id = await running(store, "retried", max_attempts=2)
    await apply(
        store, "retried",
        a_report(robot_id, "failed", error='{"type":"system","message":"timeout"}', error_type="system", jitter=0.5),
        22,
    )  # fmt: skip
    await apply(store, "timeout", a_report(await running(store, "timeout"), "failed", error_type="timeout"), 23)
    await add(store, a_job("expired", target_robot_id="robot-acme", queue_ttl_seconds=60, queue_expires_at=at(60)))
    await apply(store, "expired", QueueExpired(), 61)
    await running(store, "robot-lost")
    await apply(store, "robot-lost", LeaseOver(), 500)
    robot_id = await offered(store, "rejected")
    await apply(store, "rejected", Rejected(robot_id, f"ses-{robot_id}", 1, "unknown workflow"), 5)
    robot_id = await running(store, "cancelling")
    await apply(store, "cancelling", Cancel("stop it", "ana"), 30)
    await apply(store, "cancelling", CancelSent(robot_id, f"ses-{robot_id}"), 31)
    await apply(store, "cancelling", CancelReceived(robot_id, f"ses-{robot_id}", 1), 32)
    await add(store, a_job("pending", priority=9, parameters='{"amount": 12.5, "name": "Zoë"}'))
    await add(store, a_job("delayed", not_before=at(90_000), queue="nightly"))
    await add(store, a_job("limited", queue="nightly", queue_ttl_seconds=3600, queue_expires_at=at(3600)))
    await add(store, a_job("targeted", target_robot_id="robot-idle", tags=("sap", "excel")))
    await add(store, a_job("acme", tenant_id="acme", workflow_id="orders"))
    await add(store, a_job("once"), idempotency_key="invoice-4711", body_digest="digest-of-the-body")
    await add(store, a_job("cancelled"))
    await apply(store, "cancelled", Cancel("not needed", "ana"), 6)
    await add(store, a_job("repeat", retry_of="job-error", submitted_at=at(60)))


async def fill_fleet(store: SqliteStore) -> None:
    await store.add_tenant(Tenant("acme", "Acme", START))
    for robot_id, tenant_id in (("robot-idle", "default"), ("robot-draining", "default"), ("robot-acme", "acme")):
        await store.add_robot(Robot(robot_id=robot_id, tenant_id=tenant_id, name=robot_id.title(), tags=("sap",),
                                    max_concurrent_jobs=None, created_at=START))  # fmt: skip
    await store.introduce("robot-idle", "instance-1")
    await store.request_restart("robot-idle", "cmd-1", at(50))
    await store.drain_robot("robot-draining", at(51), "ana", "Windows update")
    await store.beat(
        [Beat("robot-idle", at(70), True, (), RobotStatus.IDLE, 12.5, 256.0, at(69), 0.25),
         Beat("robot-running", at(70), True, (), RobotStatus.BUSY, 80.0, 512.0, at(69), -0.5)], at(160),
    )  # fmt: skip
    await store.add_key(RobotKey("upgrade001", "robot-idle", "default", digest(KEY), START))
    await store.add_key(RobotKey("upgrade002", "robot-acme", "acme", digest("another"), START))
    await store.revoke_key("robot-acme", "upgrade002", at(52))
    await store.add_queue(Queue("nightly", START, "ana"))
    await store.add_queue(Queue("month-end", at(1), "ben"))
    await store.pause_queue(PausedQueue("nightly", at(53), "ana", "audit"))
    for number, action in enumerate(("drain_robot", "pause_queue", "cancel_job", "create_key")):
        await store.record(at(53 + number), "ana", action, f"target-{number}", "why not")


async def fill_logs(store: SqliteStore) -> None:
    await store.open_journal("robot-running", "journal-before")
    lines = [
        LogLine("default", "robot-running", level, f"{level} line {number} – Überweisung", at(number), at(number + 0.1),
                "job-running" if number % 2 else None, f"node-{number}" if number % 3 else None, number == 7,
                number + 1)
        for number, level in enumerate([*Level, *Level, *Level])
    ]  # fmt: skip
    await store.append_logs(lines)
    await store.append_logs([LogLine("acme", "robot-acme", Level.INFO, "of Acme", at(15), at(15.5))])
    await store.sample_queues(at(60))


async def last_commits(store: SqliteStore) -> None:
    """Written after the database was closed once, so they stand in the write-ahead log only."""
    await add(store, a_job("newest", submitted_at=at(100)))
    await store.record(at(100), "ben", "submit_job", "job-newest", "")


def plain(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


async def contents(store: SqliteStore) -> dict[str, Any]:
    """What the program that wrote it reads from it."""
    jobs = sorted(await store.jobs(JobFilter(), 1000, None), key=lambda job: job.job_id)
    found = await store.search_logs(LogFilter(), 1000, None)
    return {
        "jobs": plain(jobs),
        "history": {job.job_id: plain(await store.job_history(job.job_id)) for job in jobs},
        "logs": plain(found.lines),
        "audit": plain(await store.audit(None, (), 1000, None)),
        "tenants": plain(await store.tenants()),
        "robots": plain(await store.robots(None)),
        "keys": {name: plain(await store.keys(name)) for name in ("robot-idle", "robot-acme")},
        "queues": plain(await store.queues()),
        "paused": plain(await store.paused_queues()),
        "depths": await store.queue_depths(None),
        "samples": plain(await store.queue_samples(START)),
        "counts": plain(asdict(await store.counts(None, at(600)))),
        "ended": plain(await store.ended(None, START)),
        "failures": plain(await store.failures(None, START, 100)),
    }


async def fill_server(folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True)
    for name, secret in SECRETS.items():
        (folder / name).write_text(secret)
    store = await SqliteStore.open(folder / "casare.db")
    await fill_jobs(store)
    await fill_fleet(store)
    await fill_logs(store)
    await store.close()
    store = await SqliteStore.open(folder / "casare.db")
    await last_commits(store)
    found = await contents(store)
    found["key"] = KEY
    return found


def fill_robot(folder: Path) -> dict[str, Any]:
    time.time = lambda: FAR_FUTURE  # a journal deletes starts after 30 days, the tests read them for longer
    journal = Journal(folder / "journal.db")
    for name in ("completed", "error", "running"):
        assert journal.start(f"job-{name}", 1)
    moment = datetime.fromtimestamp(START / MICROSECONDS_PER_SECOND, UTC)
    ends = [
        JobReport(job_id="job-completed", status=ReportStatus.COMPLETED, timestamp=moment, attempt=1,
                  result=msgspec.Raw(b'{"total":3}'), progress=100.0),
        JobReport(job_id="job-error", status=ReportStatus.FAILED, timestamp=moment, attempt=1,
                  error=JobError(type="business", message="no invoice 17")),
    ]  # fmt: skip
    for end in ends:
        journal.end(end)
    lines = [
        journal.log(
            RobotLog(robot_id="robot-running", level=str(Level.DEBUG if number % 2 else Level.INFO),
                     message=f"line {number} – Überweisung", timestamp=moment, job_id="job-running")
        )
        for number in range(10)
    ]  # fmt: skip
    journal.lines_answered(4)
    journal.sync()
    return {"journal_id": journal.journal_id, "ends": plain(ends), "lines": plain(lines[4:])}


def main() -> None:
    target = Path(sys.argv[1])
    found = asyncio.run(fill_server(target / "server"))
    assert {job["status"] for job in found["jobs"]} == {status.value for status in JobStatus}
    found["journal"] = fill_robot(target / "robot")
    (target / "expected.json").write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


main()
