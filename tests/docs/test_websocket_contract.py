"""docs/reference/websocket-contract.md agrees with the constants of the code."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from casare_rpa.domain import codec, job, job_request, limits, liveness, logs, protocol, vocabulary, websocket_paths
from casare_rpa.infrastructure.orchestrator import server
from casare_rpa.infrastructure.orchestrator.hub import outbox, session
from casare_rpa.infrastructure.orchestrator.robots import presence
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.views import robot_stream

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "websocket-contract.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", PAGE, re.MULTILINE)
    assert found, heading
    rest = PAGE[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_column(heading: str) -> list[str]:
    """The names in backticks in the first cells of the tables under a heading."""
    cells = re.findall(r"^\|([^|]*)\|", section(heading), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def anchor(heading: str) -> str:
    """The anchor that a Markdown viewer gives to a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def test_error_codes_are_those_of_the_code() -> None:
    assert [name for name in first_column("Errors") if name.isupper()] == [str(code) for code in vocabulary.ErrorCode]


def test_reasons_are_those_of_the_code() -> None:
    assert set(first_column("States")) - {"reason"} == set(job.Reason)


def test_states_are_those_of_the_code() -> None:
    named = re.search(r"one of five states: (.*?)\. A", section("States"))
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) == set(vocabulary.JobStatus)


def test_actions_are_those_of_the_code() -> None:
    assert set(first_column("`command` (in)")) - {"action"} == set(vocabulary.Action)


def test_channels_are_those_of_the_code() -> None:
    text = section("`subscribe` (in)")
    assert all(f"`{channel}`" in text for channel in vocabulary.Channel)


def test_levels_are_those_of_the_code() -> None:
    text = section("Log levels")
    assert all(f"`{level}`" in text for level in logs.Level)
    for alias in re.findall(r"`(\w+)`", text):
        assert logs.parse_level(alias) is not None


def test_close_codes_named_in_the_text_are_in_the_table() -> None:
    named = re.findall(r"(?:close|with|and|or|,|:) (40\d\d|10[01]\d)\b(?! messages)", PAGE)
    used = {int(code) for code in named}
    known = {int(code) for code in vocabulary.CLOSE_CODES}
    assert used
    assert used <= known


@pytest.mark.parametrize(
    ("heading", "struct"),
    [
        ("`heartbeat` (in)", protocol.Heartbeat),
        ("`job_status` (in)", protocol.JobReport),
        ("`log` (in)", protocol.RobotLog),
        ("`hello` (in, 1.1)", protocol.Hello),
        ("`job_assign` (out)", protocol.JobAssign),
        ("`job_cancel` (out)", protocol.JobCancel),
        ("`robot_status` (out)", protocol.RobotState),
        ("`job_update` (out)", protocol.JobUpdate),
        ("`queue_metrics` (out)", protocol.QueueMetrics),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_field_table_names_the_fields_of_the_struct(heading: str, struct: type[msgspec.Struct]) -> None:
    assert sorted(first_column(heading)) == sorted(field.encode_name for field in msgspec.structs.fields(struct))


def test_table_of_endpoints_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(/ws/[^`]+)` \|[^|]*\| `(\w+)` \|", section("At a glance"), re.MULTILINE)
    assert rows == [(one.path, one.credential.value) for one in websocket_paths.WEBSOCKET_PATHS]


def test_served_endpoints_are_those_of_the_table() -> None:
    assert sorted(route.path for route in server.WEBSOCKETS) == sorted(
        one.path for one in websocket_paths.WEBSOCKET_PATHS
    )


@pytest.mark.parametrize(
    ("chapter", "direction", "messages"),
    [
        ("Robots", "in", protocol.FromRobot),
        ("Robots", "out", protocol.ToRobot),
        ("Dashboards", "in", protocol.FromAdmin),
        ("Dashboards", "out", protocol.ToAdmin),
        ("Logs", "out", protocol.ToLogs),
    ],
)
def test_every_message_has_a_section(chapter: str, direction: str, messages: object) -> None:
    described = re.findall(rf"^#### `(\w+)` \({direction}\b", section(chapter), re.MULTILINE)
    sent = [struct.TYPE for struct in get_args(messages) if struct is not protocol.Error]
    assert sorted(described) == sorted(sent)


@pytest.mark.parametrize(
    ("heading", "fact"),
    [
        ("Offer and claim", f"{liveness.OFFER_TTL_SECONDS:g} seconds"),
        ("Lost robots", f"a lease of {liveness.LEASE_SECONDS:g} seconds"),
        ("Cancel and timeout", f"`grace_seconds` {liveness.CANCEL_GRACE_SECONDS}"),
        ("Frames", f"deeper than {codec.MAX_DEPTH} levels"),
        ("Sizes", f"room for {limits.MAX_RESULT_BYTES // 1024} KiB"),
        ("Sizes", f"over {logs.MAX_LINE_BYTES // 1024} KiB"),
        ("`job_assign` (out)", f"{job_request.DEFAULT_PRIORITY} unless"),
        ("`job_assign` (out)", f"{job_request.DEFAULT_TIMEOUT_SECONDS} unless"),
        ("Order", f"Priority 0 to {job_request.MAX_PRIORITY}"),
        ("Identifiers", protocol.ID_PATTERN.strip("^$")),
        ("Sizes", f"({limits.ROBOT_MESSAGE_BYTES} bytes)"),
        ("Sizes", f"({limits.ADMIN_MESSAGE_BYTES} bytes)"),
        ("Sizes", f"({limits.VIEWER_MESSAGE_BYTES} bytes)"),
        ("Bad input", f"{session.BAD_FRAMES_PER_MINUTE} such frames"),
        ("Slow readers", f"{outbox.MAX_BYTES // 1024**2} MiB or {outbox.MAX_MESSAGES} messages"),
        ("Slow readers", f"after {session.FULL_SECONDS:g} seconds"),
        ("Liveness", f"ping after {Settings.model_fields['ping_interval_seconds'].default:g} seconds"),
        ("Liveness", f"no message for {liveness.HEARTBEAT_TIMEOUT_SECONDS} seconds"),
        ("`heartbeat` (in)", f"every {liveness.HEARTBEAT_INTERVAL_SECONDS} seconds"),
        ("`ping` (out)", f"after {liveness.PING_AFTER_SILENCE_SECONDS:g} seconds"),
        ("`hello` (in, 1.1)", f"up to {presence.HELLO_WAIT_SECONDS * 1000:g} ms"),
        ("`queue_metrics` (out)", f"at least every {robot_stream.METRICS_SECONDS:g} seconds"),
        ("Timestamps", f"more than {presence.CLOCK_SKEW_SECONDS:g} seconds"),
    ],
)
def test_figure_in_the_text_is_that_of_the_code(heading: str, fact: str) -> None:
    assert fact in section(heading)


def test_links_within_the_page_have_a_target() -> None:
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_contents_name_every_chapter() -> None:
    chapters = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    listed = set(re.findall(r"\]\(#([^)]+)\)", section("Contents")))
    assert {anchor(chapter) for chapter in chapters} - {"contents"} <= listed


def test_files_that_the_page_names_exist() -> None:
    tree = section("Where the code is")
    folder = ROOT / "src" / "casare_rpa" / "infrastructure" / "orchestrator"
    files = re.findall(r"[├└]── (\S+\.py)", tree)
    assert len(files) == 4
    assert [name for name in files if not (folder / name).is_file()] == []
    assert all((ROOT / name).is_file() for name in re.findall(r"`(src/\S+\.py)`", tree))
