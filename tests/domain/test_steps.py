"""The steps of a job, as they are taken from a message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import from_datetime
from casare_rpa.domain.steps import MAX_STORED_STEPS, JobStep, report_of
from casare_rpa.domain.vocabulary import StepStatus

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_step(step_id: int, **more: Any) -> JobStep:
    fields: dict[str, Any] = {"name": f"step {step_id}", "status": StepStatus.RUNNING, "started_at": NOON}
    return JobStep(id=step_id, **{**fields, **more})


def ended(step_id: int, seconds: float = 3, **more: Any) -> JobStep:
    return a_step(step_id, status=StepStatus.PASSED, ended_at=NOON + timedelta(seconds=seconds), **more)


def test_fields_are_taken_over() -> None:
    (step,) = report_of("r", "j", 2, [ended(7, parent=3, kind="keyword")]).steps
    assert (step.step_id, step.parent, step.name, step.kind) == (7, 3, "step 7", "keyword")
    assert (step.status, step.started_at) == (StepStatus.PASSED, from_datetime(NOON))
    assert step.ended_at == from_datetime(NOON + timedelta(seconds=3))


def test_steps_are_sorted_and_the_later_of_one_id_counts() -> None:
    report = report_of("r", "j", None, [a_step(2), a_step(1), ended(2)])
    assert [(step.step_id, step.status) for step in report.steps] == [(1, StepStatus.RUNNING), (2, StepStatus.PASSED)]
    assert report.last_id == 2


def test_steps_over_the_limit_are_counted_only() -> None:
    report = report_of("r", "j", 1, [a_step(MAX_STORED_STEPS), a_step(MAX_STORED_STEPS + 1)])
    assert [step.step_id for step in report.steps] == [MAX_STORED_STEPS]
    assert report.last_id == MAX_STORED_STEPS + 1


def test_message_without_steps() -> None:
    assert report_of("r", "j", 1, []).last_id == 0


def test_end_before_the_start_is_the_start() -> None:
    (step,) = report_of("r", "j", 1, [ended(1, seconds=-60)]).steps
    assert step.ended_at == step.started_at


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (a_step(2, parent=2), "steps[1].parent: expected the id of a step that started earlier, which is less than 2"),
        (a_step(2, parent=3), "steps[1].parent: expected the id of a step that started earlier, which is less than 2"),
        (
            a_step(2, ended_at=NOON),
            "steps[1].ended_at: expected no time while status is running, and a time otherwise",
        ),
        (
            a_step(2, status=StepStatus.FAILED),
            "steps[1].ended_at: expected no time while status is running, and a time otherwise",
        ),
    ],
)
def test_impossible_step_is_refused(step: JobStep, sentence: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        report_of("r", "j", 1, [a_step(1), step])
    assert str(caught.value) == sentence
