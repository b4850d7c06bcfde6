"""`casare job steps`."""

import pytest

from casare_rpa.cli.job_steps import print_steps


def test_steps_are_indented_and_have_their_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-03-02T08:15:0{}.000Z"
    begun = {"kind": "test", "status": "running", "started_at": at.format(4), "ended_at": None}
    done = {"kind": "keyword", "status": "passed", "started_at": at.format(4), "ended_at": "2026-03-02T08:15:07.250Z"}
    items = [{"id": 1, "parent": None, "name": "Invoices", **begun}, {"id": 2, "parent": 1, "name": "Open", **done}]
    print_steps({"attempt": 1, "items": items, "total": 10_002, "revision": 3})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["2026-03-02T08:15:04.000Z", "running", "test", "Invoices"],
        ["2026-03-02T08:15:04.000Z", "3.2", "passed", "keyword", "Open"],
    ]
    assert "  Open" in lines[2]
    assert lines[-1] == "10000 of 10002 steps are not stored."


def test_without_steps(capsys: pytest.CaptureFixture[str]) -> None:
    print_steps({"attempt": 1, "items": [], "total": 0, "revision": 0})
    assert "No steps" in capsys.readouterr().out + capsys.readouterr().err
