"""The examples run as they are."""

from pathlib import Path

import pytest

from workflow_folders import Recorder, task

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_python_task_counts_its_orders_and_rejects_one_line(tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = await recorder.run(task(EXAMPLES / "python-task", tmp_path / "out"))
    report = tmp_path / "out" / "orders.txt"
    assert outcome.error is None
    assert outcome.result == {
        "files": 2,
        "ordered": {"chair": 5, "desk": 2},
        "rejected": ["tuesday.csv:3"],
        "report": str(report),
    }
    assert report.read_text() == "chair: 5\ndesk: 2\n"
    assert [step.percent for step in recorder.progress] == [50, 100]
    assert recorder.logged("is rejected")[0].node_id == "tasks.py:35 count_orders"


async def test_python_task_without_orders_is_a_business_error(tmp_path: Path) -> None:
    outcome = await Recorder().run(task(EXAMPLES / "python-task", tmp_path / "out", folder=str(tmp_path)))
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("business", f"{tmp_path} contains no orders (.csv)")


async def test_command_reports_the_disk_usage(tmp_path: Path) -> None:
    """Whether it is too full depends on the machine: both ends are the example's own."""
    recorder = Recorder()
    outcome = await recorder.run(task(EXAMPLES / "command", tmp_path / "out"))
    assert recorder.progress[0].message == "looking"
    line = recorder.logged("the disk is ")[0].message
    if outcome.error is None:
        assert isinstance(outcome.result, dict)
        assert line == f"the disk is {outcome.result['used_percent']} % full"
    else:
        assert (outcome.error.type, outcome.error.message) == ("business", line)


@pytest.mark.slow
async def test_slow_example_reports_progress_every_second(tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = await recorder.run(task(EXAMPLES / "slow", tmp_path / "out", seconds="2"))
    assert outcome.result == {"seconds": 2}
    assert [step.message for step in recorder.progress] == ["second 1 of 2", "second 2 of 2"]


async def test_broken_example_fails_with_the_place_in_its_code(tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = await recorder.run(task(EXAMPLES / "broken", tmp_path / "out"))
    assert outcome.error is not None
    assert outcome.error.message == "KeyError: 'pieces'"
    assert outcome.error.node_id == "tasks.py:14 main"
    assert 'pieces += order["pieces"]' in (outcome.error.traceback or "")
    assert recorder.logged("order 3")
