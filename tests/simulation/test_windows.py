"""The checker excuses two simultaneous runs of a job only for windows of contract 1.0, never for a 1.1 robot."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.simulation.evidence import Entry, Evidence
from tests.simulation.history import Run
from tests.simulation.windows import mistaken, released


def a_run(robot_id: str, started_at: float, *, ours: bool, offer: int = 1) -> Run:
    return Run("job", offer if ours else None, robot_id, ours, started_at, offer, ended_at=started_at + 100)


def an_entry(kind: str, at: float, robot_id: str = "a", **more: Any) -> Entry:
    fields: dict[str, Any] = {"number": "T4", "status": "pending", "attempt": 1, "note": ""}
    return Entry(event_id=1, job_id="job", kind=kind, at=at, robot_id=robot_id, **{**fields, **more})


EXPIRED = an_entry("offer_expired", 50)
LOST = an_entry("robot_lost", 50)
MISTAKEN = an_entry("retry", 50, attempt=2, note="a 1")


@pytest.mark.parametrize(
    ("entry", "of_an_old_robot", "of_ours"),
    [(EXPIRED, "window 1", ""), (MISTAKEN, "window 2", ""), (LOST, "given up", "given up")],
)
def test_windows_excuse_only_1_0_robots(entry: Entry, of_an_old_robot: str, of_ours: str) -> None:
    later = a_run("b", 60, ours=True, offer=2)
    assert released(a_run("a", 10, ours=False), later, [entry], [MISTAKEN]) == of_an_old_robot
    assert released(a_run("a", 10, ours=True), later, [entry], [MISTAKEN]) == of_ours


def test_run_of_a_1_0_robot_on_an_expired_offer_is_window_1() -> None:
    ours = a_run("b", 60, ours=True, offer=2)
    assert released(ours, a_run("a", 70, ours=False), [EXPIRED], []) == "window 1"
    assert released(ours, a_run("a", 70, ours=True), [EXPIRED], []) == ""


@pytest.mark.parametrize(
    "entry",
    [
        an_entry("offer_expired", 61),
        an_entry("offer_expired", 50, attempt=3),
        an_entry("offer_expired", 50, "c"),
        an_entry("retry", 50, note="a 1"),
        an_entry("robot_lost", 61),
    ],
    ids=["too late", "another offer", "another robot", "an end of its own", "lost too late"],
)
def test_other_overlaps_are_not_excused(entry: Entry) -> None:
    assert released(a_run("a", 10, ours=False), a_run("b", 60, ours=True, offer=2), [entry], []) == ""


@pytest.mark.parametrize(
    ("runs", "ours", "late"),
    [
        ([(0, 30), (40, 140)], False, True),
        ([(0, 30), (40, 140)], True, False),
        ([(0, 30)], False, False),
        ([(0, 100)], False, False),
        ([(0, 30), (60, 140)], False, False),
    ],
    ids=["runs again", "ours", "one run that ended", "one run", "runs again later"],
)
def test_end_of_an_earlier_run_of_the_attempt_is_window_2(
    runs: list[tuple[float, float]], ours: bool, late: bool
) -> None:
    """The end waited in an instance that stood still, and another instance offered the attempt again."""
    made = [replace(a_run("a", began, ours=ours), ended_at=ended) for began, ended in runs]
    evidence = SimpleNamespace(
        outcome=SimpleNamespace(robots={"a": None}), ours=lambda _robot_id: ours, runs={"job": made}
    )
    assert mistaken(an_entry("retry", 50, note="a 1"), cast(Evidence, evidence)) is late
