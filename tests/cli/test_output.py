"""What the commands write to terminals, pipes and files, in every encoding and at 80 columns."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.output import Column, fitting
from child_process import child_process
from cli.fake_orchestrator import Fake, Request, answering
from cli.running import WITHIN_SECONDS, surroundings

ENCODINGS = ("utf-8", "cp1252", "ascii")
LONG_NAME = "invoices-" + "x" * 74
JOB_ID = "job-01a223c574691a5efd79e332"
TRACEBACK = "Traceback (most recent call last):\n  File tasks.py, line 7\nKeyError: 'Ž'"


def job(**more: Any) -> dict[str, Any]:
    return {
        "job_id": JOB_ID,
        "workflow_id": LONG_NAME,
        "status": "failed",
        "reason": "error",
        "progress": 6,
        "message": "→ Žofie",
        "robot_id": "robot-with-a-long-name-" + "y" * 40,
        "attempt": 1,
        "max_attempts": 2,
        "created_at": "2026-11-28T20:07:52.681Z",
        "started_at": "2026-11-28T20:07:53.277Z",
        "finished_at": "2026-11-28T20:07:54.777Z",
        "parameters": {"name": "Žofie"},
        "result": None,
        "tags": [],
        "error": {"type": "KeyError", "message": "'Ž'", "node_id": "tasks.py:7", "traceback": TRACEBACK},
        "pending_reasons": None,
        **more,
    }


LINE = {
    "robot_id": "r",
    "job_id": JOB_ID,
    "level": "INFO",
    "message": "▶ Žofie → done",
    "timestamp": "2026-11-28T20:07:53.812000Z",
}
EVENT = {
    "at": "2026-11-28T20:07:53.277Z",
    "kind": "running",
    "status": "running",
    "attempt": 1,
    "robot_id": "r",
    "by": None,
    "note": "→",
}
QUEUES = [
    {"queue": "ü" * 83, "pending": 3, "paused": {"by": "ana", "at": "2026-11-28T20:07:53Z", "reason": "→"}},
    {"queue": "default", "pending": 0, "paused": None},
]
FAILURES = {
    "fingerprint": "77aa",
    "count": 3,
    "workflow_id": LONG_NAME,
    "last_at": "2026-11-28T20:07:53Z",
    "muted": {"by": "ana", "at": "2026-11-28T20:07:53Z", "until": "2026-11-29T20:07:53Z"},
    "is_new": True,
    "owner": "Žofie",
    "message": "the window → did not open",
}
ROBOT = {
    "robot_id": "r" * 83,
    "name": "Žofie",
    "status": "busy",
    "current_job": JOB_ID,
    "tags": ["sap"],
    "tags_not_allowed": [],
    "workflows": [LONG_NAME],
    "last_heartbeat_at": "2026-11-28T20:07:53Z",
    "draining": None,
}


def stored(request: Request) -> tuple[int, Any]:
    pages: dict[str, Any] = {
        "/api/v1/jobs": {"items": [job(), job(job_id=JOB_ID[:-1] + "3")], "next_cursor": None},
        f"/api/v1/jobs/{JOB_ID}": job(),
        f"/api/v1/jobs/{JOB_ID}/logs": {"items": [LINE], "next_cursor": "1"},
        f"/api/v1/jobs/{JOB_ID}/events": {"items": [EVENT], "next_cursor": None},
        "/api/v1/logs": {"items": [LINE], "next_cursor": None, "scanned_to": LINE["timestamp"]},
        "/api/v1/queues": {"items": QUEUES, "all_paused": None},
        "/api/v1/failures": {"items": [FAILURES], "scanned": 3, "capped": False},
        "/api/v1/robots": {"items": [ROBOT, {**ROBOT, "robot_id": "r2"}]},
    }
    if request.path in pages:
        return 200, pages[request.path]
    return 404, {"payload": {"code": "INVALID_MESSAGE", "message": f"there is no {request.path} → Ž"}}


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with answering(stored) as running:
        yield running


def piped(fake: Fake, *arguments: str, encoding: str = "utf-8") -> tuple[int, str]:
    """Exit code and output of a command in a pipe of this encoding, without a width."""
    environment = surroundings(fake.url, PYTHONIOENCODING=encoding, PYTHONUTF8="0", TZ="Asia/Kolkata")
    del environment["COLUMNS"]
    result = subprocess.run(
        [sys.executable, "-m", "casare_rpa.cli.main", *arguments],
        env=environment,
        capture_output=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    return result.returncode, (result.stdout + result.stderr).decode(encoding)


def on_terminal(fake: Fake, *arguments: str, encoding: str = "utf-8", columns: int = 80) -> str:
    """The output of a command on a terminal of this width, with TZ in India."""
    ours, theirs = pty.openpty()
    environment = surroundings(fake.url, PYTHONIOENCODING=encoding, COLUMNS=str(columns), TZ="Asia/Kolkata")
    command = [sys.executable, "-m", "casare_rpa.cli.main", *arguments]
    with child_process(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        printed = b"".join(iter(lambda: _read(ours), b""))
        process.wait(WITHIN_SECONDS)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode(encoding)).replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


COMMANDS = (
    (("job", "list"), Exit.OK),
    (("job", "show", JOB_ID), Exit.OK),
    (("job", "logs", JOB_ID), Exit.OK),
    (("logs",), Exit.OK),
    (("queue", "list"), Exit.OK),
    (("robot", "list"), Exit.OK),
    (("failure", "list"), Exit.OK),
    (("job", "show", "none"), Exit.FAILED),
    (("job", "list", "--status", "Ž→"), Exit.USAGE),
)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("arguments", "code"), COMMANDS)
def test_output_has_any_encoding_in_a_pipe(fake: Fake, arguments: tuple[str, ...], code: Exit, encoding: str) -> None:
    ended, printed = piped(fake, *arguments, encoding=encoding)
    assert ended == code
    assert 'Traceback (most recent call last):\n  File "' not in printed
    assert printed.strip()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("arguments", [arguments for arguments, code in COMMANDS if code is Exit.OK])
def test_output_has_any_encoding_on_a_terminal_of_80_columns(
    fake: Fake, arguments: tuple[str, ...], encoding: str
) -> None:
    printed = on_terminal(fake, *arguments, encoding=encoding)
    assert "UnicodeEncodeError" not in printed
    assert printed.strip()


@pytest.mark.slow
def test_characters_that_the_encoding_lacks_are_readable(fake: Fake) -> None:
    assert "▶ Žofie → done" in piped(fake, "job", "logs", JOB_ID)[1]
    assert "> Žofie -> done" in piped(fake, "job", "logs", JOB_ID, encoding="cp1252")[1]
    assert r"> \u017dofie -> done" in piped(fake, "job", "logs", JOB_ID, encoding="ascii")[1]


@pytest.mark.slow
def test_help_needs_no_utf8(fake: Fake) -> None:
    for arguments in (["--help"], ["job", "--help"], ["job", "submit", "--help"], ["doctor", "--help"]):
        assert piped(fake, *arguments, encoding="ascii")[0] == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "rows", "words"),
    [
        (("job", "list"), 2, (JOB_ID, LONG_NAME, "failed", "2026-11-28T20:07:52.681Z", "6 %")),
        (("queue", "list"), 2, ("ü" * 83, "by ana at 2026-11-28T20:07:53Z: →")),
        (
            ("failure", "list"),
            1,
            ("77aa", LONG_NAME, "2026-11-28T20:07:53Z", "muted until 2026-11-29T20:07:53Z", "Žofie", "did not open"),
        ),
        (("robot", "list"), 2, ("r" * 83, JOB_ID, "2026-11-28T20:07:53Z", LONG_NAME)),
    ],
)
def test_pipe_has_one_complete_line_per_row(
    fake: Fake, arguments: tuple[str, ...], rows: int, words: tuple[str, ...]
) -> None:
    header, *printed = piped(fake, *arguments)[1].splitlines()
    assert len(printed) == rows
    assert header.isupper()
    for word in words:
        assert word in printed[0]


def test_narrow_terminal_leaves_out_columns_and_breaks_no_word(fake: Fake) -> None:
    header, first, second, left_out = on_terminal(fake, "job", "list").splitlines()
    assert header.split() == ["JOB", "WORKFLOW", "STATUS"]
    assert first.split() == ["fd79e332", LONG_NAME, "failed"]
    assert second.split()[0] == "fd79e333"
    assert left_out == "Not shown on this narrow terminal: REASON, PROGRESS, ROBOT, CREATED"


def test_wide_terminal_has_every_column_short_ids_and_local_times(fake: Fake) -> None:
    header, first, _ = on_terminal(fake, "job", "list", columns=300).splitlines()
    assert header.split() == ["JOB", "WORKFLOW", "STATUS", "REASON", "PROGRESS", "ROBOT", "CREATED"]
    assert first.startswith("fd79e332 ")
    assert first.endswith("2026-11-29 01:37:52")
    assert JOB_ID not in first


@pytest.mark.slow
def test_short_id_of_a_list_is_accepted_and_an_unclear_one_is_refused(fake: Fake) -> None:
    assert "FAILED" in piped(fake, "job", "show", "fd79e332")[1]
    code, printed = piped(fake, "job", "show", "0000ffff")
    assert (code, "there is no" in printed) == (Exit.FAILED, True)


@pytest.mark.slow
def test_log_times_are_local_on_a_terminal_and_utc_with_zone_in_a_pipe(fake: Fake) -> None:
    assert piped(fake, "job", "logs", JOB_ID)[1].startswith("2026-11-28T20:07:53.812Z INFO")
    assert piped(fake, "logs")[1].startswith("2026-11-28T20:07:53.812Z INFO")
    assert on_terminal(fake, "job", "logs", JOB_ID).startswith("01:37:53.812 INFO")
    assert on_terminal(fake, "logs").startswith("2026-11-29 01:37:53 INFO")


def test_job_show_begins_with_state_and_cause_and_ends_with_the_next_command(fake: Fake) -> None:
    printed = piped(fake, "job", "show", JOB_ID)[1]
    lines = printed.splitlines()
    assert lines[0].startswith("FAILED (error) on robot-with")
    assert lines[2:4] == ["  KeyError: 'Ž'", "  at tasks.py:7"]
    assert "    Traceback (most recent call last):\n      File tasks.py, line 7\n    KeyError: 'Ž'\n" in printed
    assert f"next: casare job logs {JOB_ID}, then casare job retry {JOB_ID}" in lines
    assert "ran for     1.5 s" in printed
    assert '"name": "Žofie"' in printed


@pytest.mark.slow
def test_pending_job_shows_why_it_waits() -> None:
    waiting = job(
        status="pending",
        error=None,
        robot_id=None,
        reason=None,
        pending_reasons=[{"code": "NO_ROBOT", "message": "no robot has the tag sap"}],
    )

    def pending(request: Request) -> tuple[int, Any]:
        return (200, waiting) if request.path.endswith(JOB_ID) else (200, {"items": [], "next_cursor": None})

    with answering(pending) as fake:
        printed = piped(fake, "job", "show", JOB_ID)[1]
    assert "  waits: no robot has the tag sap" in printed
    assert f"next: casare job cancel {JOB_ID}" in printed


@pytest.mark.slow
def test_reader_that_ends_early_causes_no_traceback(fake: Fake, tmp_path: Path) -> None:
    for flags in ([], ["--json"]):
        reading, writing = os.pipe()
        os.close(reading)
        with (tmp_path / "errors").open("w+b") as errors:
            command = [sys.executable, "-m", "casare_rpa.cli.main", "job", "list", *flags]
            ended = subprocess.run(
                command, env=surroundings(fake.url), stdout=writing, stderr=errors, timeout=WITHIN_SECONDS, check=False
            )
            os.close(writing)
            errors.seek(0)
            assert (ended.returncode, errors.read()) == (Exit.FAILED, b"")


def test_columns_of_the_highest_rank_are_left_out_first() -> None:
    columns = [Column("A"), Column("B", rank=1), Column("C", rank=3), Column("D", rank=2)]
    widths = [10, 10, 10, 10]
    assert [fitting(columns, widths, width) for width in (46, 45, 34, 33, 21, 5)] == [
        [0, 1, 2, 3],
        [0, 1, 3],
        [0, 1, 3],
        [0, 1],
        [0],
        [0],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["job", "list", "--status", "done"], "'done' is not one of 'pending', 'claimed', 'running'"),
        (["logs", "--level", "LOUD"], "'LOUD' is not one of 'debug', 'info', 'warning', 'error'"),
        (["logs", "--since", "noon"], "'noon' is not an age (90s, 30m, 2h, 7d, 1w), today, yesterday, a day"),
        (["job", "submit", "w", "--priority", "11"], "less than or equal to 10"),
        (["job", "sing"], "No such command 'sing'"),
        (["job", "show"], "Missing argument 'JOB_ID'"),
        (["job", "list", "--stat", "x"], "No such option: --stat"),
    ],
)
def test_mistake_is_one_sentence_with_the_allowed_forms(fake: Fake, arguments: list[str], sentence: str) -> None:
    code, printed = piped(fake, *arguments)
    assert code == Exit.USAGE
    (line,) = printed.splitlines()
    assert line.startswith("casare: ")
    assert sentence in line
    assert "--help" in line
    assert "Value error" not in line


@pytest.mark.slow
def test_level_and_status_are_accepted_in_any_case(fake: Fake) -> None:
    assert piped(fake, "logs", "--level", "Warning")[0] == Exit.OK
    assert piped(fake, "job", "list", "--status", "FAILED")[0] == Exit.OK
    assert [request.query.get("min_level") for request in fake.asked if "min_level" in request.query] == ["WARNING"]
    assert fake.asked[-1].query["status"] == "failed"


def completions(fake: Fake, line: str) -> list[str]:
    """What the Tab key offers in bash at the end of a line."""
    words = line.split(" ")
    environment = {
        **surroundings(fake.url),
        "_CASARE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    result = subprocess.run(
        [sys.executable, "-c", "from casare_rpa.cli.main import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.slow
def test_tab_completes_jobs_robots_queues_failures_and_allowed_values(fake: Fake) -> None:
    assert completions(fake, "casare job show job-") == [JOB_ID, JOB_ID[:-1] + "3"]
    assert completions(fake, "casare robot drain r2") == ["r2"]
    assert completions(fake, "casare queue pause de") == ["default"]
    assert completions(fake, "casare failure show 77") == ["77aa"]
    assert completions(fake, "casare job list --status f") == ["failed"]


@pytest.mark.slow
def test_tab_completes_nothing_and_prints_nothing_without_an_orchestrator() -> None:
    assert completions(Fake("http://127.0.0.1:1"), "casare robot drain r") == []


@pytest.mark.slow
def test_json_output_is_ascii(fake: Fake) -> None:
    code, printed = piped(fake, "job", "list", "--json", encoding="ascii")
    assert (code, json.loads(printed)["items"][0]["message"]) == (Exit.OK, "→ Žofie")
