"""Jobs, and the messages to robots and viewers about them."""

import pytest
from msgspec.structs import replace

from casare_rpa.domain import codec
from casare_rpa.domain.instants import rfc3339, seconds_between
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_events import CancelOrder, Event, FrameReceived, SocketLost
from casare_rpa.domain.job_messages import (
    assign_message,
    cancel_message,
    held_message,
    live_message,
    looks_the_same,
    update_message,
)
from casare_rpa.domain.protocol import RobotCommand
from casare_rpa.domain.restarts import restart_message
from casare_rpa.domain.robots import Placement, Profile, Robot, RobotStatus, may_run, state_of, status_of
from domain.table import ROBOT, SESSION, START, at, claimed, completed, failed, offered, pending, report, running, step


def test_one_step_of_priority_equals_ten_minutes_of_waiting() -> None:
    low, high = pending(priority=0), pending(priority=1)
    assert seconds_between(high.rank, low.rank) == 600


def test_visible_robot_is_set_after_the_claim_only() -> None:
    assert [job.visible_robot_id for job in (pending(), offered())] == [None, None]
    assert {job.visible_robot_id for job in (claimed(), running(), completed(), failed())} == {"robot-1"}


@pytest.mark.parametrize(
    "event",
    [
        report("completed"),
        report("failed"),
        SocketLost(SESSION),
    ],
)
def test_viewers_see_a_change_of_state(event: Event) -> None:
    assert not looks_the_same(running(), step(running(), event, 5).job)


def test_viewers_see_another_robot_attempt_or_reason() -> None:
    before = running()
    for field, value in {"robot_id": "robot-2", "attempt": 2, "reason": Reason.ERROR}.items():
        assert not looks_the_same(before, replace(before, **{field: value})), field


def test_viewers_see_no_offer_and_no_progress() -> None:
    assert looks_the_same(pending(), offered())
    assert looks_the_same(offered(), step(offered(), SocketLost(SESSION), 5).job)
    assert looks_the_same(running(), step(running(), report("running", progress=5), 5).job)


@pytest.mark.parametrize("event", [report("running", progress=5), report("claimed"), FrameReceived(ROBOT)])
def test_contact_that_any_message_regains_has_a_history_entry(event: Event) -> None:
    """Each change that viewers see has an entry, which has its number."""
    away = step(running(), SocketLost(SESSION), 5).job
    answer = step(away, event, 6)
    assert not looks_the_same(away, answer.job)
    assert answer.kind == "contact_regained"
    assert step(answer.job, event, 7).kind is None


def test_repeated_assign_message_is_equal() -> None:
    job = offered(parameters='{"a":[1]}', timeout_seconds=60)
    text = codec.encode(assign_message(job))
    assert b'"parameters":{"a":[1]}' in text
    assert b'"deadline":"2025-12-22T14:32:30.000Z"' in text
    assert codec.encode(assign_message(step(job, SocketLost("ses-1"), 3).job)) == text
    assert assign_message(pending()).deadline is None


def test_cancel_message_has_force_only_when_forced() -> None:
    gentle = codec.encode(cancel_message(CancelOrder("job-1", "r", 2, "why", 30)))
    assert b'"attempt":2' in gentle
    assert b"force" not in gentle
    assert b'"force":true' in codec.encode(cancel_message(CancelOrder("job-1", "r", 2, "why", force=True)))


def test_update_message_has_only_fields_with_a_value() -> None:
    assert codec.encode(update_message(pending(), rfc3339(START))) == (
        b'{"type":"job_update","payload":{"job_id":"job-1","status":"pending","robot_id":null,"progress":0,'
        b'"timestamp":"2025-12-22T14:30:00.000Z","workflow_id":"w"}}'
    )
    lost = update_message(step(running(), SocketLost("ses-1"), 3).job, rfc3339(START))
    assert (lost.contact, lost.attempt, lost.robot_id) == ("lost", 1, "robot-1")
    assert update_message(failed(), rfc3339(START)).reason == "error"


def test_live_and_held_messages() -> None:
    assert codec.encode(live_message(running(), rfc3339(START))).startswith(b'{"type":"job_update","job_id":"job-1"')
    assert held_message(claimed()).attempt == 1


def robot(**more: object) -> Robot:
    return Robot(
        robot_id="r",
        tenant_id="t",
        name="",
        tags=(),
        max_concurrent_jobs=None,
        created_at=START,
        **more,  # type: ignore[arg-type]
    )


def test_restart_request_is_valid_for_ten_minutes() -> None:
    asked = robot(restart_command_id="cmd", restart_requested_at=START)
    assert isinstance(restart_message(asked, at(599)), RobotCommand)
    assert restart_message(asked, at(601)) is None
    assert restart_message(robot(), at(1)) is None


def test_connected_robot_that_is_drained_is_shown_as_draining() -> None:
    assert [state_of(status, draining=True) for status in RobotStatus] == ["draining", "draining", "offline"]
    assert [state_of(status, draining=False) for status in RobotStatus] == ["idle", "busy", "offline"]


def test_status_of_a_robot_is_computed() -> None:
    assert status_of(connected=False, reported=RobotStatus.IDLE, free_slots=1) is RobotStatus.OFFLINE
    assert status_of(connected=True, reported=RobotStatus.OFFLINE, free_slots=1) is RobotStatus.OFFLINE
    assert status_of(connected=True, reported=None, free_slots=1) is RobotStatus.IDLE
    assert status_of(connected=True, reported=RobotStatus.BUSY, free_slots=1) is RobotStatus.BUSY
    assert status_of(connected=True, reported=RobotStatus.IDLE, free_slots=0) is RobotStatus.BUSY


def test_may_run_requires_tenant_tags_and_target() -> None:
    profile = Profile("t", frozenset({"a", "b"}))
    assert may_run(profile, "r", Placement("t", "default", None, ("a",), "w"))
    assert may_run(profile, "r", Placement("t", "default", "r", (), "w"))
    assert not may_run(profile, "r", Placement("t", "default", "other", (), "w"))
    assert not may_run(profile, "r", Placement("other", "default", None, (), "w"))
    assert not may_run(profile, "r", Placement("t", "default", None, ("a", "c"), "w"))


def test_jobs_with_the_same_requirements_have_one_placement() -> None:
    assert pending(tags=("b", "a", "b")).placement == pending(tags=("a", "b")).placement
    assert pending(queue="payroll", target_robot_id="r").placement == Placement("default", "payroll", "r", (), "w")
