"""Text of robots and users cannot control a terminal, forge a record or hide text, in all outputs."""

import io
import logging
import sys
import unicodedata
from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.cli.exits import report_errors
from casare_rpa.cli.main import app
from casare_rpa.cli.output import HarmlessConsole
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.printable import harmless, harmless_record, one_line
from casare_rpa.infrastructure.orchestrator.observability import RedactingFormatter
from casare_rpa.robot.log_format import RecordFormatter
from cli.fake_orchestrator import Request, answering

FORGED = "2026-03-02T12:00:00.000Z ERROR   payroll - forged"
HOSTILE = {
    "clipboard": "\x1b]52;c;cm0gLXJm\x1b\\",
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[H",
    "link": "\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\",
    "concealed": "\x1b[8mhidden\x1b[0m",
    "incomplete": "before \x1b[",
    "open": "\x1b]0;never ended",
    "C1": "\x9b2J\x9d0;owned\x9c\x85",
    "backspace": "safe\x08\x08\x08\x08evil",
    "carriage return": "evil\rgood",
    "right to left": "\u202egpj.exe",
    "isolates": "\u2066a\u2067b\u2069\u200f\u061c",
    "lines": f"a\n{FORGED}\r\n{FORGED}\u2028{FORGED}\x85{FORGED}\x0b{FORGED}\x0c{FORGED}",
    "delete": "\x7f\x00",
}
ALL = " ".join(HOSTILE.values())


def unsafe(text: str) -> set[str]:
    """The characters of a text that a terminal may obey, or that change the order of the others."""
    directions = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    marks = "\u061c\u200e\u200f\u2028\u2029"
    return {
        one
        for one in text
        if (unicodedata.category(one) == "Cc" and one not in "\n\t")
        or unicodedata.bidirectional(one) in directions
        or one in marks
    }


def assert_no_forged_record(text: str) -> None:
    assert unsafe(text) == set()
    assert not [line for line in text.splitlines() if line.lstrip("\t").startswith(FORGED)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_harmful_characters_are_escaped_and_letters_kept(text: str) -> None:
    for shown in (harmless(text), harmless_record(text), one_line(text)):
        assert unsafe(shown) == set()
        assert len(shown) >= len([one for one in text if one.isalnum()]) - 4
    assert "\n" not in one_line(text)


def test_ordinary_text_is_not_changed() -> None:
    ordinary = "Größe 12 €\t→ עברית العربية 日本語 👩‍🚀\n"
    assert harmless(ordinary) == ordinary


def test_colours_are_removed_and_hidden_text_is_shown() -> None:
    assert harmless(HOSTILE["concealed"]) == "hidden"
    assert harmless("\x1b[38;5;196mred\x1b[m") == "red"
    assert harmless("\x1b[é after") == "\\x1b[é after"


# The command line


def answer(request: Request) -> tuple[int, Any]:
    """Documents in which every text that a robot or a user can choose is hostile."""
    at = "2026-03-02T12:00:00.000Z"
    error = dict.fromkeys(("type", "code", "message", "node_id", "traceback"), ALL)
    job = {
        "job_id": ALL, "workflow_id": ALL, "status": "failed", "reason": ALL, "progress": 5.0, "robot_id": ALL,
        "created_at": at, "message": ALL, "error": error, "result": ALL, "tags": [ALL],
    }  # fmt: skip
    event = {"at": at, "kind": ALL, "status": ALL, "attempt": 1, "robot_id": ALL, "by": ALL, "note": ALL}
    log = {"timestamp": at, "level": "INFO", "message": ALL, "robot_id": ALL, "job_id": ALL, "node_id": ALL}
    robot = {
        "robot_id": ALL, "name": ALL, "status": ALL, "current_job": ALL, "tags": [ALL], "workflows": [ALL],
        "tags_not_allowed": [ALL], "last_heartbeat_at": at, "draining": {"by": ALL, "at": at, "reason": ALL},
    }  # fmt: skip
    match request.path.removeprefix("/api/v1/").split("/"):
        case ["jobs"]:
            return 200, {"items": [job], "next_cursor": None}
        case ["jobs", _, "events"]:
            return 200, {"items": [event], "next_cursor": None}
        case ["jobs", _, "logs"] | ["logs"]:
            return 200, {"items": [log, log], "next_cursor": None}
        case ["jobs", "refused"]:
            return 404, {"type": "error", "payload": {"code": "INVALID_MESSAGE", "message": ALL}}
        case ["robots"]:
            return 200, {"items": [robot]}
    return 200, job


@pytest.mark.parametrize(
    "command",
    ["job list", "job show x", "job logs x", "job retry x --follow", "logs", "robot list"],
)
def test_commands_print_harmless_text(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASARE_API_SECRET", "secret-of-the-text-tests")
    monkeypatch.setenv("COLUMNS", "4000")
    with answering(answer) as fake:
        report_errors(app, [*command.split(), "--url", fake.url])
    printed = capsys.readouterr()
    assert "gpj.exe" in printed.out, printed.err
    assert_no_forged_record(printed.out + printed.err)


def test_errors_are_harmless(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_API_SECRET", "secret-of-the-text-tests")
    with answering(answer) as fake:
        assert report_errors(app, ["job", "show", "refused", "--url", fake.url]) == 1
    error = capsys.readouterr().err
    assert "gpj.exe" in error
    assert_no_forged_record(error)


def test_styles_of_the_console_are_kept() -> None:
    """On a terminal, the only escape sequences are the styles that the command line adds."""
    out = io.StringIO()
    console = HarmlessConsole(file=out, force_terminal=True, color_system="standard")
    console.print("[link=javascript:x]\x1b]0;t\x07", style="red")
    assert out.getvalue() == "\x1b[31m[link=javascript:x]\\x1b]0;t\x1b[0m\n"


# Downloads and logs


async def test_an_entry_of_a_download_is_one_record(api: Api) -> None:
    await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    lines = [
        LogLine("default", "alpha", Level.INFO, text, Instant(0), Instant(0), job["job_id"], node_id=text)
        for text in (*HOSTILE.values(), ALL)
    ]
    await api.plane.store.append_logs(lines)
    text = (await api.admin.get(f"/api/v1/jobs/{job['job_id']}/logs/download")).text
    assert_no_forged_record(text)
    assert len([line for line in text.splitlines() if not line.startswith("    ")]) == len(lines)


@pytest.mark.parametrize("formatter", [RecordFormatter(), RedactingFormatter(())], ids=["robot", "server"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_log_record_is_one_record(formatter: logging.Formatter, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        entry = logging.LogRecord("casare", logging.ERROR, __file__, 1, "failed: %s", (text,), sys.exc_info())
    shown = formatter.format(entry)
    assert_no_forged_record(shown)
    assert all(line.startswith("    ") for line in shown.splitlines()[1:])


# Names


@pytest.mark.parametrize("name", ["a\u202eb", "a\u2028b", "a\u200fb", "a\x9bb", "a\nb", "a\u2069"])
async def test_names_that_imitate_others_are_refused(api: Api, name: str) -> None:
    for path, body in (
        ("/jobs", {"workflow_id": name}),
        ("/robots", {"robot_id": "alpha", "name": name}),
        ("/tenants", {"tenant_id": "acme", "name": name}),
    ):
        error_of(await api.admin.post(f"/api/v1{path}", json=body), 422)
    await api.post("/jobs", {"workflow_id": "Größe עברית 日本語"})
