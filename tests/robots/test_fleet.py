"""The fleet: one owner of each robot's live state, and indexes that every change invalidates."""

import random
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from casare_rpa.domain.instants import Instant, after, rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.protocol import Heartbeat, Hello
from casare_rpa.domain.robot_records import LastHeartbeat
from casare_rpa.domain.robots import Placement, Robot, status_of
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.domain.vocabulary import JobStatus, RobotStatus
from casare_rpa.domain.waiting import Availability
from casare_rpa.infrastructure.orchestrator.api.routers.robots import robot_view
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import (
    MISSED_OFFERS,
    SKIP_SECONDS,
    LiveRobot,
    RobotConnection,
)
from fake_clock import FakeClock
from hub.fake_peer import FakePeer

ANYWHERE = Placement("default", "default", None, (), "w")
START = Instant(0)


def a_robot(robot_id: str = "robot-1", **wishes: object) -> Robot:
    fields: dict[str, object] = {"tenant_id": "default", "name": "", "tags": (), "max_concurrent_jobs": None}
    return Robot(robot_id=robot_id, created_at=START, **{**fields, **wishes})  # type: ignore[arg-type]


def a_connection(robot_id: str = "robot-1") -> RobotConnection:
    session = FakePeer(FakeClock(), robot_id=robot_id).session
    return RobotConnection(robot_id, "default", session, connected_at=START, offers_after=0.0)


def a_heartbeat(status: RobotStatus, robot_id: str = "robot-1") -> Heartbeat:
    return Heartbeat(
        robot_id=robot_id, status=status, cpu_percent=1, memory_mb=2, timestamp=datetime.fromtimestamp(0, UTC)
    )


def a_job(status: JobStatus, robot_id: str | None, **wishes: object) -> Job:
    fields: dict[str, object] = {"tenant_id": "default", "workflow_id": "w", "submitted_at": START}
    return Job(job_id="job-1", status=status, robot_id=robot_id, **{**fields, **wishes})  # type: ignore[arg-type]


def a_session_elsewhere(reported: RobotStatus | None) -> StoredSession:
    return StoredSession("robot-1", "other", "ses-2", reported, 1.0, 2.0, after(START, 1), after(START, 1), None)


def states(live: LiveRobot, now: float) -> list[Callable[[], object]]:
    """Every way to change the live state of a robot."""
    return [
        lambda: live.set_profile(a_robot(live.robot.robot_id, tags=("sap",))),
        lambda: live.set_profile(a_robot(live.robot.robot_id, draining_at=START)),
        lambda: live.set_profile(a_robot(live.robot.robot_id, max_concurrent_jobs=2)),
        lambda: live.expect_return(RobotStatus.IDLE),
        live.stop_expecting_return,
        lambda: live.follow_elsewhere(a_session_elsewhere(RobotStatus.BUSY)),
        lambda: live.follow_elsewhere(a_session_elsewhere(None)),
        lambda: live.follow_elsewhere(None),
        lambda: live.connect(a_connection(live.robot.robot_id), {}, now),
        lambda: live.disconnect(START),
        lambda: live.introduce(Hello(instance_id="p", tags=["web"], max_concurrent_jobs=3), now),
        lambda: live.introduce(Hello(instance_id="p", workflows=["w", "v"]), now),
        lambda: live.introduce(Hello(instance_id="p", workflows=[]), now),
        lambda: live.set_profile(a_robot(live.robot.robot_id, workflows=("w",))),
        lambda: live.refuse_workflow("w"),
        lambda: live.accept_offers(now + 1),
        lambda: live.accept_offers(0.0),
        lambda: live.take_heartbeat(a_heartbeat(RobotStatus.BUSY), START, None),
        lambda: live.take_heartbeat(a_heartbeat(RobotStatus.IDLE), START, None),
        lambda: live.set_reported_status(RobotStatus.OFFLINE),
        lambda: live.set_reported_status(None),
        lambda: live.become_idle(now),
        lambda: live.hold({"job-1": JobStatus.RUNNING}),
        lambda: live.hold({}),
        lambda: live.follow_jobs([a_job(JobStatus.RUNNING, live.robot.robot_id)], now),
        lambda: live.follow_jobs([a_job(JobStatus.FAILED, live.robot.robot_id, unconfirmed=True)], now),
        lambda: [live.miss_offer("job-1", attempt, now) for attempt in range(MISSED_OFFERS)],
        live.stop_skipping,
    ]


@pytest.mark.parametrize("seed", range(40))
def test_indexes_agree_with_a_scan_of_all_robots(seed: int) -> None:
    """After any change, the indexes are current. A method that does not invalidate them fails here."""
    chance = random.Random(seed)
    fleet = Fleet()
    robots = [fleet.set_profile(a_robot(f"robot-{number}")) for number in range(3)]
    now = 0.0
    for _ in range(60):
        now += chance.choice((0.0, 0.5, SKIP_SECONDS))
        chance.choice(states(chance.choice(robots), now))()
        if chance.random() < 0.5:
            assert fleet.slots(now).by_id == {r.robot.robot_id: s for r in robots if (s := r.slot(now)) is not None}
        if chance.random() < 0.5:
            grouped = {robot_id: g for g in fleet.availability(ANYWHERE, now) for robot_id in g.robot_ids}
            assert {robot_id: (g.profile, g.availability) for robot_id, g in grouped.items()} == {
                r.robot.robot_id: (r.profile, r.availability(now)) for r in robots
            }


@pytest.mark.parametrize("seed", range(40))
def test_status_and_current_job_are_those_of_the_rest_of_the_state(seed: int) -> None:
    """After any change. A method that does not compute them again fails here."""
    chance = random.Random(seed)
    live = Fleet().set_profile(a_robot())
    for _ in range(60):
        chance.choice(states(live, 0.0))()
        connected, free_slots = live.connection is not None or live.returning or live.elsewhere, live.free_slots
        assert live.status is status_of(connected=connected, reported=live.reported_status, free_slots=free_slots)
        assert live.current_job == next((j for j, status in live.held.items() if status is not JobStatus.PENDING), None)


def test_repeated_status_in_a_heartbeat_invalidates_no_index() -> None:
    """Most heartbeats repeat the status. They must not cause a rebuild of an index entry."""
    fleet = Fleet()
    live = fleet.set_profile(a_robot())
    live.connect(a_connection(), {}, 0.0)
    live.take_heartbeat(a_heartbeat(RobotStatus.IDLE), START, None)
    fleet.slots(0.0)
    live.take_heartbeat(a_heartbeat(RobotStatus.IDLE), START, None)
    assert live.dirty.for_slots == set()
    live.take_heartbeat(a_heartbeat(RobotStatus.BUSY), START, None)
    assert live.dirty.for_slots == {"robot-1"}


def test_last_seen_is_never_older_than_the_last_heartbeat() -> None:
    live = Fleet().set_profile(a_robot())
    connection = a_connection()
    for at in (after(START, 5), after(START, 6)):
        live.connect(connection, {}, 0.0)
        live.take_heartbeat(a_heartbeat(RobotStatus.IDLE), at, None)
        assert live.last_seen_at == live.last_heartbeat_at == at
    live.disconnect(after(START, 7))
    assert live.last_seen_at == after(START, 7)


def test_live_state_exists_once() -> None:
    """The stored profile has no field of the live state; a restart begins with the last stored heartbeat."""
    profile, live = {field.name for field in fields(Robot)}, {field.name for field in fields(LiveRobot)}
    assert profile & live == set()
    assert set(LastHeartbeat.__struct_fields__) - {"robot_id"} <= live
    robot = Fleet().set_profile(a_robot())
    robot.restore(LastHeartbeat("robot-1", RobotStatus.BUSY, 12.5, 700.0, after(START, 4), after(START, 7), 42.0))
    assert (robot.cpu_percent, robot.memory_mb, robot.clock_skew_seconds) == (12.5, 700.0, 42.0)
    assert (robot.last_heartbeat_at, robot.last_seen_at) == (after(START, 4), after(START, 7))
    assert robot.status is RobotStatus.OFFLINE, "its status counts only if it is expected to return"


def test_view_of_a_robot_takes_each_field_from_one_place() -> None:
    robot = a_robot(tags=("sap",), workflows=("w",))
    live = Fleet().set_profile(robot)
    live.connect(a_connection(), {}, 0.0)
    hello = Hello(instance_id="p", version="1.2", capabilities=["excel"], tags=["sap", "web"], workflows=["v"])
    live.introduce(hello, 0.0)
    live.take_heartbeat(a_heartbeat(RobotStatus.BUSY), after(START, 5), None)
    view = robot_view(robot, live).model_dump(mode="json")
    assert (view["status"], view["version"], view["capabilities"], view["workflows"]) == (
        "busy",
        "1.2",
        ["excel"],
        ["v"],
    )
    assert (view["tags"], view["tags_not_allowed"], view["name"]) == (["sap"], ["web"], "")
    assert view["last_seen_at"] == view["last_heartbeat_at"] == rfc3339(after(START, 5))
    assert (view["connected_at"], view["draining"]) == (rfc3339(START), None)


def test_missed_offer_counts_once() -> None:
    """The event of an expired offer may be repeated."""
    live = Fleet().set_profile(a_robot())
    live.connect(a_connection(), {}, 0.0)
    for attempt in range(1, MISSED_OFFERS):
        assert not live.miss_offer("job-1", attempt, 0.0)
        assert not live.miss_offer("job-1", attempt, 0.0)
    assert live.miss_offer("job-1", MISSED_OFFERS, 0.0)
    assert live.availability(0.0) is Availability.UNRESPONSIVE
    assert live.availability(SKIP_SECONDS) is Availability.IDLE


def test_answered_offer_resets_the_count_of_missed_offers() -> None:
    live = Fleet().set_profile(a_robot())
    for attempt in range(1, MISSED_OFFERS):
        live.miss_offer("job-1", attempt, 0.0)
    live.answer_offer()
    assert not live.miss_offer("job-2", 1, 0.0)


def test_tags_of_hello_do_not_count_unless_they_are_stored() -> None:
    fleet = Fleet()
    live = fleet.set_profile(a_robot(tags=("sap",)))
    live.connect(a_connection(), {}, 0.0)
    live.introduce(Hello(instance_id="p", tags=["web", "sap", "payroll"]), 0.0)
    assert (live.tags, live.tags_not_allowed) == (("sap",), ("payroll", "web"))
    assert live.profile.tags == {"sap"}
    live.set_profile(a_robot(tags=("payroll", "sap", "web")))
    assert (live.tags_not_allowed, live.profile.tags) == ((), {"payroll", "sap", "web"})
    live.disconnect(START)
    assert live.tags_not_allowed == ()


@pytest.mark.parametrize(
    ("stored", "said", "capacity"),
    [(None, None, 1), (None, 3, 3), (None, 1000, 16), (4, None, 4), (4, 2, 2), (4, 9, 4), (40, 30, 30)],
)
def test_reported_slots_are_limited_by_the_stored_number_or_by_sixteen(
    stored: int | None, said: int | None, capacity: int
) -> None:
    live = Fleet().set_profile(a_robot(max_concurrent_jobs=stored))
    live.connect(a_connection(), {}, 0.0)
    live.introduce(Hello(instance_id="p", max_concurrent_jobs=said), 0.0)
    assert live.capacity == capacity


def test_changes_of_one_commit_change_a_robot_once_or_not_at_all() -> None:
    fleet = Fleet()
    first, second = (fleet.set_profile(a_robot(robot_id)) for robot_id in ("robot-1", "robot-2"))
    for live in (first, second):
        live.connect(a_connection(live.robot.robot_id), {}, 0.0)
        live.set_reported_status(RobotStatus.IDLE)
    pending, offered = a_job(JobStatus.PENDING, None), a_job(JobStatus.PENDING, "robot-1", offer_expires_at=START)
    claimed, running = (a_job(status, "robot-1") for status in (JobStatus.CLAIMED, JobStatus.RUNNING))
    ended = a_job(JobStatus.COMPLETED, "robot-1", finished_at=START)
    assert fleet.jobs_changed([(offered, claimed), (claimed, running)], 1.0) == ["robot-1"]
    assert (first.status, first.current_job, first.changes) == (RobotStatus.BUSY, "job-1", 2)
    assert fleet.jobs_changed([(running, ended)], 2.0) == ["robot-1"]
    assert (first.status, first.held, first.idle_since) == (RobotStatus.IDLE, {}, 2.0)
    assert fleet.jobs_changed([(offered, claimed), (claimed, running), (running, ended)], 3.0) == []
    assert first.idle_since == 3.0
    fleet.jobs_changed([(None, running)], 4.0)
    moved = a_job(JobStatus.RUNNING, "robot-2")
    assert fleet.jobs_changed([(running, moved)], 5.0) == ["robot-2", "robot-1"]
    assert (first.held, second.held) == ({}, {"job-1": JobStatus.RUNNING})
    assert fleet.jobs_changed([(None, pending), (pending, a_job(JobStatus.PENDING, "robot-9"))], 6.0) == []
