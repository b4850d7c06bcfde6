"""The comparison of memory with the store."""

import pytest
from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.stored_state import StoredHeldJob, StoredProfile, held_by_robot
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


def test_held_jobs_are_grouped_by_robot() -> None:
    held = [
        StoredHeldJob("robot-1", "job-1", JobStatus.RUNNING),
        StoredHeldJob("robot-2", "job-2", JobStatus.PENDING),
        StoredHeldJob("robot-1", "job-3", JobStatus.CLAIMED),
    ]
    assert held_by_robot(held) == {
        "robot-1": {"job-1": JobStatus.RUNNING, "job-3": JobStatus.CLAIMED},
        "robot-2": {"job-2": JobStatus.PENDING},
    }
