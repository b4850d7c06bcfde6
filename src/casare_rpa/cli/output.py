"""Output of the commands: tables and text, or JSON with `--json`; and the live log of a job.

`console` prints text and is silent with `--json`; `emit` prints JSON and is silent without it.
"""

import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from casare_rpa.domain.printable import harmless, harmless_record, one_line

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient


POLL_SECONDS = 0.25
PAGE = 500
ENDED = ("completed", "failed")
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


def emit(document: object) -> None:
    """With `--json`, print one document as one line on stdout and flush it."""
    if _Mode.json:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a table, or the sentence `empty` when there are no rows."""
    if not rows:
        console.print(empty)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        drawn.add_column(
            column, overflow="fold", no_wrap=position == 0
        )  # ids are not wrapped, so that they can be copied
    for row in rows:
        cells = ["" if cell is None else one_line(str(cell)) for cell in row]
        drawn.add_row(*[Text(cell, style=STATUS_STYLES.get(cell, "")) for cell in cells])
    console.print(drawn)


def log_line(item: dict[str, Any], *, dated: bool = False) -> None:
    """Print a log line: time, level, message; with `dated` also date, robot and job. Further lines are indented."""
    clock = str(item["timestamp"])[0 if dated else 11 : 23]
    level = str(item["level"])
    text = Text.assemble((clock, "dim"), " ", (f"{level:<7}", LEVEL_STYLES.get(level, "")), " ")
    if dated:
        text.append(one_line(f"{item['robot_id']} {item['job_id'] or '-'} "), style="dim")
    text.append(harmless_record(str(item["message"])))
    console.print(text)


def follow(
    client: "OrchestratorHttpClient", job_id: str, *, until_end: bool = True, debug: bool = False
) -> dict[str, Any]:
    """Print a job's log and progress from the start; returns the ended job (the current one without `until_end`).

    With `--json` it prints lines `{"type": "log", "log": …}` and `{"type": "job", "job": …}`; the last line of
    an ended job has the type `job_ended`.
    """
    cursor: str | None = None
    printed: tuple[object, ...] = ()
    while True:
        job = client.get_job(job_id)
        ended = job["status"] in ENDED
        cursor = _print_new_lines(client, job_id, cursor, debug=debug)
        state = (job["status"], job["robot_id"], round(float(job["progress"])))
        if state != printed:
            printed = state
            console.print(_state_line(job))
            if not ended:
                emit({"type": "job", "job": job})
        if ended or not until_end:
            _print_new_lines(client, job_id, cursor, debug=debug)
            if ended:
                emit({"type": "job_ended", "job": job})
            return job
        time.sleep(POLL_SECONDS)


def _print_new_lines(client: "OrchestratorHttpClient", job_id: str, cursor: str | None, *, debug: bool) -> str | None:
    while True:
        page = client.job_logs(job_id, cursor=cursor, limit=PAGE)
        for item in page["items"]:
            if debug or item["level"] != "DEBUG":
                emit({"type": "log", "log": item})
                log_line(item)
        cursor = page["next_cursor"] or cursor
        if len(page["items"]) < PAGE:
            return cursor


def _state_line(job: dict[str, Any]) -> Text:
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
    text = Text.assemble((str(update["timestamp"])[11:23], "dim"), f" {one_line(update['job_id'])} ")
    text.append_text(_state_line(update))
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
