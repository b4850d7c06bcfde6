"""What a child process tells its robot: log lines and progress as JSON lines, its end as a file.

The end takes a way of its own, so that no flood of log lines and no slow orchestrator can hold it up or lose it.
"""

import json
from pathlib import Path

import msgspec

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError

END_FILE = "end.json"


class LogEvent(msgspec.Struct, frozen=True, tag="log"):
    """A line; `at` is ISO 8601 with a zone."""

    level: Level
    message: str
    node_id: str | None
    at: str


class ProgressEvent(msgspec.Struct, frozen=True, tag="progress"):
    percent: float
    message: str | None


class End(msgspec.Struct, frozen=True):
    """How it ended. Neither completed nor an error: it was stopped."""

    completed: bool
    result: object = None
    error: JobError | None = None


_EVENTS: msgspec.json.Decoder[LogEvent | ProgressEvent] = msgspec.json.Decoder(LogEvent | ProgressEvent)


def encode(event: LogEvent | ProgressEvent) -> bytes:
    """The event as a line. What UTF-8 cannot carry becomes `?`."""
    try:
        return msgspec.json.encode(event) + b"\n"
    except UnicodeEncodeError:
        document = json.dumps(
            {"type": event.__struct_config__.tag, **msgspec.structs.asdict(event)}, ensure_ascii=False
        )
        return document.encode(errors="replace") + b"\n"


def decode(line: bytes) -> LogEvent | ProgressEvent | None:
    """The event of a line; `None` when it is none: a workflow can write to any pipe that it finds."""
    try:
        return _EVENTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def write_end(output_dir: Path, end: End) -> None:
    """Leave word of the end: all of it, or nothing."""
    part = output_dir / f"{END_FILE}.part"
    part.touch(mode=0o600)
    part.write_bytes(msgspec.json.encode(end))
    part.replace(output_dir / END_FILE)


def take_end(output_dir: Path) -> End | None:
    """The end that was left, taken away; `None` when there is none, or none that makes sense."""
    path = output_dir / END_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=End)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    finally:
        path.unlink(missing_ok=True)
