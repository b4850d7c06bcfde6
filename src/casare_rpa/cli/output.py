"""Output of every command: tables and text, or JSON with `--json`.

`console` prints text and is silent with `--json`; `emit` prints JSON and is silent without it. Text for a terminal has
colours, local times and short ids, and leaves out columns that do not fit. Text for a pipe or a file has one row per
line, whole ids, and times in UTC with their `Z`.
"""

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from casare_rpa.domain.printable import harmless, harmless_record, one_line

PAGE = 500
GAP = 2
SHORT_ID_LENGTH = 8
LEVEL_STYLES = {"DEBUG": "dim", "INFO": "", "WARNING": "yellow", "ERROR": "bold red"}
STATUS_STYLES = {"completed": "green", "failed": "red", "running": "cyan", "claimed": "cyan", "pending": "yellow"}


class HarmlessConsole(Console):
    """A console that writes control characters of printed texts as escapes. Styles are not affected."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - passed on to rich
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


console = HarmlessConsole()


class _Mode:
    """Output mode of this process, set before the command runs."""

    json = False


def enable_json() -> None:
    """Switch to JSON output and silence `console`."""
    _Mode.json = console.quiet = True


def is_json() -> bool:
    """Whether `--json` was given."""
    return _Mode.json


def on_terminal() -> bool:
    """Whether a person reads the output; false for `--json`, a pipe and a file."""
    return not _Mode.json and sys.stdout.isatty()


def emit(document: object) -> None:
    """With `--json`, print one document as one line on stdout and flush it."""
    if _Mode.json:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


class Kind(Enum):
    """What a column contains, which decides how a terminal shows it."""

    TEXT = "text"
    JOB = "job"
    """A job id. A terminal shows its last characters, which `job` commands accept."""
    TIME = "time"
    """An RFC 3339 time. A terminal shows it in the zone of this machine."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. On a narrow terminal, columns with a high `rank` are left out first; those of 0 stay."""

    title: str
    kind: Kind = Kind.TEXT
    rank: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a table with one line per row, or the sentence `empty` when there are no rows."""
    if not rows:
        console.print(empty)
        return
    terminal = on_terminal()
    shown = [[_cell(cell, column, terminal) for cell, column in zip(row, columns, strict=True)] for row in rows]
    widths = [
        max(cell_len(column.title), *(cell_len(row[place]) for row in shown)) for place, column in enumerate(columns)
    ]
    kept = fitting(columns, widths, console.width) if terminal else range(len(columns))
    console.print(_row([columns[place].title for place in kept], [widths[place] for place in kept], "bold"))
    for row in shown:
        console.print(_row([row[place] for place in kept], [widths[place] for place in kept]))
    if left_out := [column.title for place, column in enumerate(columns) if place not in kept]:
        console.print(f"Not shown on this narrow terminal: {', '.join(left_out)}", style="dim")


def fitting(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    """The places of the columns that fit into a width. Columns of rank 0 stay even when they do not fit."""
    kept = list(range(len(columns)))
    for place in sorted(kept, key=lambda place: -columns[place].rank):
        if columns[place].rank == 0 or sum(widths[one] + GAP for one in kept) - GAP <= available:
            break
        kept.remove(place)
    return kept


def _cell(value: object, column: Column, terminal: bool) -> str:
    text = "" if value is None else one_line(str(value))
    if column.kind is Kind.JOB and terminal:
        return text[-SHORT_ID_LENGTH:]
    return shown_time(text) if column.kind is Kind.TIME and text else text


def _row(cells: Sequence[str], widths: Sequence[int], style: str = "") -> Text:
    line = Text()
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        last = place == len(cells) - 1
        line.append(cell, style=style or STATUS_STYLES.get(cell, ""))
        line.append("" if last else " " * (width - cell_len(cell) + GAP))
    line.rstrip()
    return line


def shown_time(timestamp: str, *, clock_only: bool = False) -> str:
    """A time of the HTTP interface: on a terminal in the zone of this machine, else as it is, which `--since` accepts.

    A terminal shows seconds; with `clock_only` no date, but milliseconds.
    """
    if not on_terminal():
        return timestamp
    local = datetime.fromisoformat(timestamp).astimezone()
    return local.strftime("%H:%M:%S.%f")[:-3] if clock_only else local.strftime("%Y-%m-%d %H:%M:%S")


def log_line(item: dict[str, Any], *, dated: bool = False) -> None:
    """Print a log line: time, level, message; with `dated` also date, robot and job. Further lines are indented."""
    clock = shown_time(_milliseconds(str(item["timestamp"])), clock_only=not dated)
    level = str(item["level"])
    text = Text.assemble((clock, "dim"), " ", (f"{level:<7}", LEVEL_STYLES.get(level, "")), " ")
    if dated:
        text.append(one_line(f"{item['robot_id']} {item['job_id'] or '-'} "), style="dim")
    text.append(harmless_record(str(item["message"])))
    console.print(text)


def _milliseconds(timestamp: str) -> str:
    """The time without the digits after the milliseconds."""
    return f"{timestamp[:23]}Z" if len(timestamp) > len("2026-01-31T08:00:00.000Z") else timestamp


def state_line(job: dict[str, Any]) -> Text:
    """The state of a job as one line."""
    status = str(job["status"])
    text = Text.assemble(("──", "dim"), " ", (status, STATUS_STYLES.get(status, "")))
    if job["robot_id"]:
        text.append(f" on {one_line(job['robot_id'])}")
    if status in ("running", "completed"):
        text.append(f"  {float(job['progress']):.0f} %")
    if job.get("reason"):
        text.append(f"  ({one_line(job['reason'])})")
    if job.get("message") and status == "running":
        text.append(f"  {one_line(job['message'])}", style="dim")
    return text


def update_line(update: dict[str, Any]) -> Text:
    """A `job_update` as one line: time, job, state, and notes."""
    clock = shown_time(str(update["timestamp"]), clock_only=True)
    text = Text.assemble((clock, "dim"), f" {one_line(update['job_id'])} ")
    text.append_text(state_line(update))
    for reason in update.get("pending_reasons", ()):
        text.append(f"  {one_line(reason['message'])}", style="dim")
    if update.get("contact"):
        text.append("  contact lost", style="yellow")
    if update.get("cancel"):
        text.append(f"  cancel {update['cancel']}", style="yellow")
    return text


class _JsonLines(logging.Formatter):
    """A log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"timestamp": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({"type": "log", "log": line})


def log_json_lines(level: str) -> None:
    """Log as JSON lines on stdout. A later `logging.basicConfig` has no effect."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler])
