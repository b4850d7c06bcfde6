"""The steps that runs report: keywords and control structures of Robot Framework, `step` of Python tasks."""

from pathlib import Path

import pytest

from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.steps import MAX_STORED_STEPS, JobStep
from casare_rpa.domain.vocabulary import StepStatus
from casare_rpa.robot import tasks
from casare_rpa.robot.step_tracker import StepTracker
from workflow_folders import Recorder, task, workflow, workflow_of

SUITE = """
*** Test Cases ***
Good
    Log    hello
    FOR    ${i}    IN    1    2
        No Operation
    END
Bad
    Outer
*** Keywords ***
Outer
    Fail    the window did not open
    Log    never
"""


def ended(steps: list[JobStep]) -> list[tuple[int, int | None, str, str, str]]:
    """The last state of each step, by id."""
    last = {step.id: step for step in steps}
    assert all(step.ended_at is not None and step.ended_at >= step.started_at for step in last.values())
    return [(step.id, step.parent, step.kind, step.name, step.status) for _, step in sorted(last.items())]


async def test_keywords_tests_and_control_structures_are_nested_steps(tmp_path: Path) -> None:
    recorder = Recorder()
    await recorder.run(task(workflow(tmp_path, SUITE), tmp_path / "out"))
    found = ended(recorder.steps)
    assert [one[1:] for one in found[1:]] == [
        (1, "suite", "Suite", "failed"),
        (2, "test", "Good", "passed"),
        (3, "keyword", "Log", "passed"),
        (3, "control", "FOR", "passed"),
        (5, "control", "ITERATION", "passed"),
        (6, "keyword", "No Operation", "passed"),
        (5, "control", "ITERATION", "passed"),
        (8, "keyword", "No Operation", "passed"),
        (2, "test", "Bad", "failed"),
        (10, "keyword", "Outer", "failed"),
        (11, "keyword", "Fail", "failed"),
        (11, "keyword", "Log", "skipped"),
    ]
    assert [(step.id, step.status) for step in recorder.steps[:2]] == [(1, "running"), (2, "running")]


async def test_steps_of_a_python_task(tmp_path: Path) -> None:
    code = (
        "from casare_rpa.robot.tasks import *\n"
        "@task\ndef main():\n"
        "    with step('Read \\udc80'):\n        with step('Open'): pass\n"
        "    with step('Write'):\n        raise RuntimeError('no')\n"
    )
    recorder = Recorder()
    outcome = await recorder.run(task(workflow_of(tmp_path, {"tasks.py": code}), tmp_path / "out"))
    assert outcome.error is not None
    assert ended(recorder.steps) == [
        (1, None, "step", "Read ?", "passed"),
        (2, 1, "step", "Open", "passed"),
        (3, None, "step", "Write", "failed"),
    ]


def test_step_outside_of_a_robot_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="casare.task"), tasks.step("Read"):
        pass
    assert caplog.messages == ["step: Read"]


def test_of_steps_that_are_only_counted_every_thousandth_is_reported() -> None:
    reported: list[JobStep] = []
    tracker = StepTracker(reported.append)
    for _ in range(MAX_STORED_STEPS + 1500):
        tracker.begin("x" * 1000, "k" * 100)
        tracker.end(StepStatus.PASSED)
    over = [step.id for step in reported if step.id > MAX_STORED_STEPS]
    assert over == [MAX_STORED_STEPS + 1000] * 2
    assert len(reported[0].name) == WORKFLOW_TEXTS.node_id
    assert len(reported[0].kind) == 64
