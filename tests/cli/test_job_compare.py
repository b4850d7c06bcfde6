"""`casare job compare`."""

from typing import Any

import pytest

from casare_rpa.cli.job_comparison import print_comparison

LINE = {"log_id": 1, "robot_id": "desk-1", "level": "INFO", "timestamp": "2026-03-02T08:15:04.000Z", "node_id": None}


def a_run(job_id: str, status: str) -> dict[str, Any]:
    return {"job_id": job_id, "status": status, "robot_id": "desk-1", "waited_seconds": 1.25, "ran_seconds": None}


PASSED = {"status": "passed", "seconds": 4}
RUNS = {"run": a_run("job-2", "failed"), "other": a_run("job-1", "completed")}


def test_differences_are_printed_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    differences = {
        "parameters": [{"path": "month", "run": '"03"', "other": None}],
        "parameters_left_out": 2,
        "steps": [{"path": ["Suite", "Open"], "kind": "keyword", "run": None, "other": PASSED}],
        "steps_left_out": 0,
        "first_line": {"number": 7, "run": {**LINE, "message": "not found"}, "other": None},
        "lines_compared": 2000,
        "lines_cut": True,
    }
    print_comparison({**RUNS, "differences": differences})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "this run: job-2, failed on desk-1, waited 1.2 s, ran -"
    text = "\n".join(lines)
    for part in (
        "month",
        '"03"',
        "2 more differ.",
        "Suite / Open",
        "passed, 4.0 s",
        "Line 7",
        "not found",
        "(the log ended before)",
    ):
        assert part in text
    assert lines[-1] == "Only 2000 log lines were compared; there are more."


def test_equal_runs(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"parameters": [], "parameters_left_out": 0, "steps": [], "steps_left_out": 0, "first_line": None}
    differences = {**nothing, "lines_compared": 3, "lines_cut": False}
    print_comparison({**RUNS, "differences": differences})
    printed = capsys.readouterr()
    assert "No log line differs; 3 log lines were compared." in printed.out
    assert "The parameters are the same." in printed.out + printed.err


def test_without_a_good_run(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison({"run": a_run("job-2", "failed"), "other": None, "differences": None})
    assert "has no earlier completed job" in capsys.readouterr().out
