"""The comparison of memory with the store."""

import pytest
from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.stored_state import ChangedJob, StoredHeldJob, StoredProfile, held_by_robot
from casare_rpa.domain.vocabulary import JobStatus

ROBOT = Robot(
    robot_id="robot-1",
    tenant_id="default",
    name="The first",
    tags=("sap",),
    max_concurrent_jobs=2,
    created_at=Instant(0),
    instance_id="process-1",
    restart_command_id=None,
    draining_at=Instant(7),
)
PROFILE = StoredProfile("robot-1", "The first", ("sap",), 2, "process-1", None, Instant(7))
JOB = Job(
    job_id="job-1",
    tenant_id="default",
    workflow_id="w",
    submitted_at=Instant(0),
    status=JobStatus.RUNNING,
    attempt=1,
    robot_id="robot-1",
    revision=3,
)
CHANGED = ChangedJob("job-1", 3, JobStatus.RUNNING, 1, "robot-1", None, contact_lost=False, cancel_requested=False)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"tags": ()},
        {"max_concurrent_jobs": None},
        {"instance_id": "process-2"},
        {"restart_command_id": "cmd"},
        {"draining_at": None},
    ],
)
def test_profile_with_one_different_column_does_not_match(change: dict[str, object]) -> None:
    assert PROFILE.matches(ROBOT)
    assert not replace(PROFILE, **change).matches(ROBOT)


@pytest.mark.parametrize(
    "change",
    [
        {"status": JobStatus.COMPLETED},
        {"attempt": 2},
        {"robot_id": "robot-2"},
        {"reason": Reason.ERROR},
        {"contact_lost": True},
        {"cancel_requested": True},
    ],
)
def test_visible_change_does_not_look_like_the_old_state(change: dict[str, object]) -> None:
    assert CHANGED.looks_like(JOB)
    assert not replace(CHANGED, **change).looks_like(JOB)


def test_offered_job_looks_like_a_pending_job() -> None:
    pending = replace(JOB, status=JobStatus.PENDING, robot_id=None, attempt=0)
    assert replace(CHANGED, status=JobStatus.PENDING, contact_lost=True).looks_like(pending)
    assert not replace(CHANGED, status=JobStatus.PENDING).looks_like(JOB)


def test_held_jobs_are_grouped_by_robot() -> None:
    held = [
        StoredHeldJob("robot-1", "job-1", JobStatus.RUNNING, None),
        StoredHeldJob("robot-2", "job-2", JobStatus.PENDING, None),
        StoredHeldJob("robot-1", "job-3", JobStatus.CLAIMED, Instant(1)),
    ]
    assert held_by_robot(held) == {
        "robot-1": {"job-1": JobStatus.RUNNING, "job-3": JobStatus.CLAIMED},
        "robot-2": {"job-2": JobStatus.PENDING},
    }
