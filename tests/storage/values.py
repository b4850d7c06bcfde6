"""Jobs, robots and slots for the tests of the store."""

from itertools import count
from typing import Any

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Applied, Change, JobToAdd
from casare_rpa.domain.robots import Profile, Robot
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store

START = Instant(1_766_413_800 * MICROSECONDS_PER_SECOND)
SECOND = MICROSECONDS_PER_SECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_numbers = count(1)


def at(seconds: float) -> Instant:
    return Instant(START + round(seconds * SECOND))


def a_job(**wishes: Any) -> Job:
    fields: dict[str, Any] = {
        "job_id": f"job-{next(_numbers):06d}",
        "tenant_id": "default",
        "workflow_id": "invoices",
        "submitted_at": START,
    }
    return Job(**{**fields, **wishes})


def a_robot(robot_id: str = "robot-1", **wishes: Any) -> Robot:
    fields: dict[str, Any] = {"tenant_id": "default", "name": "", "tags": (), "max_concurrent_jobs": None}
    return Robot(robot_id=robot_id, created_at=START, **{**fields, **wishes})


def a_slot(robot_id: str = "robot-1", *tags: str, capacity: int = 1, tenant_id: str = "default", **more: Any) -> Slot:
    profile = Profile(tenant_id, frozenset(tags))
    return Slot(robot_id, f"ses-{robot_id}", profile, free=capacity, capacity=capacity, **more)


def a_report(status: str, robot_id: str = "robot-1", attempt: int | None = 1, **more: Any) -> Report:
    return Report(robot_id, f"ses-{robot_id}", attempt, ReportStatus(status), **more)


async def add(store: Store, *jobs: Job) -> None:
    added = await store.add_jobs([JobToAdd(job) for job in jobs])
    assert all(one is not None and one.created for one in added)


async def tell(store: Store, job_id: str, event: Any, seconds: float = 10) -> Applied:
    return (await store.apply([Change(job_id, event, at(seconds))]))[0]


async def running(store: Store, robot_id: str = "robot-1", **wishes: Any) -> Job:
    """A new job that this robot runs."""
    job = a_job(**wishes)
    await add(store, job)
    claimed = await store.claim(Slots([a_slot(robot_id)]), at(1))
    assert [one.job_id for one in claimed] == [job.job_id]
    await tell(store, job.job_id, a_report("running", robot_id), 2)
    stored = await store.job(job.job_id)
    assert stored is not None
    return stored
