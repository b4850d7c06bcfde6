"""The reasons why a job is pending: each state of robots, queues and positions has a message."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain.robots import Placement, Profile
from casare_rpa.domain.waiting import (
    POSITION_LIMIT,
    SHOWN_ROBOTS,
    Availability,
    AvailabilityGroup,
    PendingJob,
    ReasonCode,
    why_pending,
    would_fit,
)
from domain.table import START, at

JOB = PendingJob(Placement("default", "default", None, ("sap",), "w"), None, 1)
SAP = Profile("default", frozenset({"sap", "excel"}))


def robots(number: int, state: Availability = Availability.IDLE, profile: Profile = SAP) -> AvailabilityGroup:
    return AvailabilityGroup(profile, state, tuple(f"{state}-{index:02}" for index in reversed(range(number))))


def said(job: PendingJob, *groups: AvailabilityGroup, paused: tuple[str, ...] = ()) -> list[tuple[ReasonCode, str]]:
    return [(reason.code, reason.message) for reason in why_pending(job, groups, paused, START)]


def test_next_job_has_the_reason_next() -> None:
    assert said(JOB, robots(2)) == [(ReasonCode.NEXT, "next: a matching robot is free")]


def test_matching_robots_are_counted_by_availability() -> None:
    groups = [robots(1, Availability.DRAINING), robots(2, Availability.BUSY)]
    assert said(replace(JOB, position=7), *groups, paused=("default",)) == [
        (ReasonCode.QUEUE_PAUSED, "queue default is paused; resume to assign jobs"),
        (ReasonCode.ROBOTS_UNAVAILABLE, "3 matching robots: 2 busy, 1 draining"),
        (ReasonCode.JOBS_AHEAD, "position 7 among jobs with the same requirements"),
    ]


def test_one_matching_robot_is_named_in_the_singular() -> None:
    offline = robots(1, Availability.OFFLINE)
    assert said(JOB, offline) == [(ReasonCode.ROBOTS_UNAVAILABLE, "1 matching robot: 1 offline")]


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        (Placement("default", "default", None, ("tax", "vpn"), "w"), "the job requires the tags tax, vpn"),
        (Placement("default", "default", "robot-9", (), "w"), "the job requires robot robot-9"),
        (Placement("other", "default", None, (), "w"), "tenant other has no robots; add one with `casare robot add`"),
    ],
)
def test_reason_without_a_matching_robot_names_the_requirements(placement: Placement, words: str) -> None:
    [(code, message)] = said(replace(JOB, placement=placement), *(() if placement.robot_id else (robots(1),)))
    assert code is ReasonCode.NO_ROBOT
    assert words in message


def test_delayed_job_names_its_time_and_a_past_delay_does_not_count() -> None:
    assert said(replace(JOB, not_before=at(60)), robots(1)) == [
        (ReasonCode.NOT_BEFORE, "not before 2025-12-22T14:31:00.000Z")
    ]
    assert said(replace(JOB, not_before=START), robots(1))[0][0] is ReasonCode.NEXT


def test_pause_of_all_queues_has_its_own_message() -> None:
    assert said(JOB, robots(1), paused=("*",)) == [
        (ReasonCode.QUEUE_PAUSED, "all queues are paused; resume to assign jobs")
    ]


def test_offered_job_has_one_reason_with_its_robot() -> None:
    assert said(replace(JOB, offered_to="a"), paused=("*",)) == [(ReasonCode.OFFERED, "offered to a, not claimed yet")]


def test_position_is_shown_up_to_its_limit() -> None:
    assert said(replace(JOB, position=POSITION_LIMIT + 1), robots(1)) == [
        (ReasonCode.JOBS_AHEAD, "position over 10000 among jobs with the same requirements")
    ]


def test_at_most_ten_matching_robots_are_shown_free_ones_first() -> None:
    groups = [robots(20, Availability.OFFLINE), robots(1), robots(5, profile=Profile("default", frozenset()))]
    shown = would_fit(JOB.placement, groups)
    assert shown[:2] == [("idle-00", Availability.IDLE), ("offline-00", Availability.OFFLINE)]
    assert len(shown) == SHOWN_ROBOTS


@given(
    st.lists(st.sampled_from(Availability), max_size=4),
    st.sampled_from([(), ("default",), ("*",), ("other",)]),
    st.one_of(st.none(), st.integers(1, 20_000)),
    st.sampled_from([None, START, at(5)]),
)
def test_every_pending_job_has_a_reason(
    states: list[Availability], paused: tuple[str, ...], position: int | None, not_before: object
) -> None:
    groups = [robots(1, state) for state in states]
    asked = replace(JOB, position=position, not_before=not_before)  # type: ignore[arg-type]
    assert why_pending(asked, groups, paused, START)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (1, "no robot has the workflow 'w'; 1 robot matches otherwise: robot-0"),
        (4, "no robot has the workflow 'w'; 4 robots match otherwise: robot-0, robot-1, robot-2, …"),
    ],
)
def test_job_whose_workflow_no_robot_has_names_the_robots_that_match_otherwise(number: int, sentence: str) -> None:
    without = Profile("default", frozenset({"sap"}), frozenset({"v"}))
    names = tuple(f"robot-{n}" for n in reversed(range(number)))
    groups = [
        AvailabilityGroup(without, Availability.IDLE, names),
        AvailabilityGroup(Profile("default", frozenset(), frozenset({"w"})), Availability.IDLE, ("untagged",)),
    ]
    assert said(JOB, *groups) == [(ReasonCode.NO_WORKFLOW, sentence)]


def test_robot_has_the_workflows_that_it_lists_without_those_it_refused() -> None:
    assert Profile("t", frozenset()).has_workflow("w")
    assert not Profile("t", frozenset(), None, frozenset({"w"})).has_workflow("w")
    assert Profile("t", frozenset(), frozenset({"w"})).has_workflow("w")
    assert not Profile("t", frozenset(), frozenset()).has_workflow("w")


def test_robot_that_reports_the_tags_without_permission_is_named_with_the_command() -> None:
    kiosk = Profile("default", frozenset({"excel"}), not_allowed=frozenset({"sap", "payroll"}))
    ((code, message),) = said(JOB, robots(2, Availability.IDLE, kiosk))
    assert code is ReasonCode.NO_ROBOT
    assert message.endswith("; tags sap of idle-00 and 1 more are not allowed: casare robot allow-tags idle-00 sap")
    ((_, message),) = said(JOB, robots(1, Availability.IDLE, kiosk))
    assert message.endswith("; tags sap of idle-00 are not allowed: casare robot allow-tags idle-00 sap")


def test_robot_that_lacks_tags_even_with_its_own_is_not_named() -> None:
    other = Profile("default", frozenset(), not_allowed=frozenset({"payroll"}))
    foreign = Profile("other", frozenset(), not_allowed=frozenset({"sap"}))
    ((_, message),) = said(JOB, robots(1, Availability.IDLE, other), robots(1, Availability.IDLE, foreign))
    assert "not allowed" not in message
