"""Differences between two runs."""

from typing import Any

import pytest

from casare_rpa.domain.comparison import (
    MAX_COMPARED,
    MAX_DEPTH,
    ParameterDifference,
    StepTime,
    comparable,
    first_difference,
    parameter_differences,
    step_differences,
)
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.steps import RunStep
from casare_rpa.domain.vocabulary import StepStatus

AT = 1_772_452_800 * MICROSECONDS_PER_SECOND


def a_step(number: int, name: str, seconds: float | None = 1.0, parent: int | None = None, **more: Any) -> RunStep:
    ended = None if seconds is None else Instant(AT + round(seconds * MICROSECONDS_PER_SECOND))
    fields: dict[str, Any] = {"kind": "keyword", "status": StepStatus.PASSED, **more}
    return RunStep(number, parent, name, fields["kind"], fields["status"], Instant(AT), ended)


def a_line(message: str, level: Level = Level.INFO) -> LogLine:
    return LogLine("default", "robot-1", level, message, Instant(AT), Instant(AT))


def test_parameters_that_differ_are_named_by_their_path() -> None:
    run = {"month": "03", "page": 1, "sap": {"host": "a", "port": 1}, "new": None}
    other = {"month": "02", "page": 1, "sap": {"host": "b", "port": 1}, "old": [1]}
    assert parameter_differences(run, other) == [
        ParameterDifference("month", '"03"', '"02"'),
        ParameterDifference("new", "null", None),
        ParameterDifference("old", None, "[1]"),
        ParameterDifference("sap.host", '"a"', '"b"'),
    ]


@pytest.mark.parametrize(("run", "other"), [({"a": 1}, {"a": 1.0}), ({"a": True}, {"a": 1}), ({"a": {}}, {"a": []})])
def test_values_of_other_types_differ(run: dict[str, Any], other: dict[str, Any]) -> None:
    assert [one.path for one in parameter_differences(run, other)] == ["a"]


def test_deep_parameters_are_compared_as_a_whole() -> None:
    def nested(value: int) -> dict[str, Any]:
        found: Any = value
        for _ in range(MAX_DEPTH + 2):
            found = {"a": found}
        return {"root": found}

    (only,) = parameter_differences(nested(1), nested(2))
    assert only.path == ".".join(["root", *("a" for _ in range(MAX_DEPTH - 1))])
    assert parameter_differences(nested(1), nested(1)) == []


def test_steps_with_another_end_come_before_slower_ones() -> None:
    run = [
        a_step(1, "Suite", 30),
        a_step(2, "Open", 9, parent=1),
        a_step(3, "Read", 3, parent=1),
        a_step(4, "Save", 1, parent=1, status=StepStatus.FAILED),
        a_step(5, "Mail", 1, parent=1),
    ]
    other = [
        a_step(1, "Suite", 31),
        a_step(2, "Open", 1, parent=1),
        a_step(3, "Read", 1, parent=1),
        a_step(4, "Save", 1, parent=1),
        a_step(5, "Mail", 1.4, parent=1),
        a_step(6, "Close", 1, parent=1),
    ]
    found = step_differences(run, other)
    assert [one.path for one in found] == [
        ("Suite", "Save"),
        ("Suite", "Close"),
        ("Suite", "Open"),
        ("Suite", "Read"),
    ]
    assert (found[0].run, found[0].other) == (StepTime(StepStatus.FAILED, 1.0), StepTime(StepStatus.PASSED, 1.0))
    assert (found[1].run, found[1].kind) == (None, "keyword")


def test_repeated_steps_are_compared_in_order() -> None:
    run = [a_step(1, "Row"), a_step(2, "Row", status=StepStatus.FAILED)]
    other = [a_step(1, "Row"), a_step(2, "Row"), a_step(3, "Row")]
    found = step_differences(run, other)
    assert [(one.run is None, one.other is None) for one in found] == [(False, False), (True, False)]


def test_step_without_an_end_differs_from_one_with_an_end() -> None:
    going_on = a_step(1, "Row", None, status=StepStatus.RUNNING)
    assert step_differences([going_on], [going_on]) == []
    (only,) = step_differences([a_step(1, "Row", None)], [a_step(1, "Row", 2)])
    assert (only.run, only.other) == (StepTime(StepStatus.PASSED, None), StepTime(StepStatus.PASSED, 2.0))
    (only,) = step_differences([a_step(1, "Row", 2)], [a_step(1, "Row", None)])
    assert only.other == StepTime(StepStatus.PASSED, None)


def test_step_with_an_unknown_parent_is_a_root() -> None:
    assert step_differences([a_step(2, "Row", parent=1)], [a_step(1, "Row")]) == []


def test_first_different_line_ignores_numbers_times_and_ids() -> None:
    run = [a_line("row 1 at 08:15"), a_line("saved job-1f"), a_line("window not found")]
    other = [a_line("row 2 at 09:20"), a_line("saved job-2e"), a_line("window open"), a_line("done")]
    assert first_difference(run, other) == 2
    assert first_difference(run[:2], other[:2]) is None
    assert first_difference(run[:2], other) == 2
    assert first_difference(run, other[:1]) == 1
    assert first_difference([], []) is None
    assert first_difference([a_line("a", Level.ERROR)], [a_line("a")]) == 0


def test_only_the_begin_of_a_message_is_compared() -> None:
    begin = "x" * MAX_COMPARED
    assert first_difference([a_line(begin + "a")], [a_line(begin + "b")]) is None
    assert first_difference([a_line(begin[1:] + "a")], [a_line(begin[1:] + "b")]) == 0


def test_long_words_take_linear_time() -> None:
    assert comparable("x" * 100_000) == "x" * 100_000
    assert comparable("x" * 100_000 + "1") == "#"
