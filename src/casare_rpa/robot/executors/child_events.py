"""What a child process of ours tells its robot: log lines and progress as JSON lines, its end as a file.

The end takes a way of its own, so that no flood of log lines and no slow orchestrator can hold it up or lose it.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from casare_rpa.domain.fields import Percent
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError

END_FILE = "end.json"
MAX_MESSAGE = 16_000
MAX_TRACEBACK = 60_000
MAX_NODE_ID = 500


class LogEvent(msgspec.Struct, frozen=True, tag="log"):
    level: Level
    message: str
    node_id: str | None
    at: Annotated[datetime, Meta(tz=True)]


class ProgressEvent(msgspec.Struct, frozen=True, tag="progress"):
    percent: Percent
    message: str | None


class End(msgspec.Struct, frozen=True):
    """How it ended. Neither completed nor an error: it was stopped."""

    completed: bool
    result: object = None
    error: JobError | None = None


_EVENTS: msgspec.json.Decoder[LogEvent | ProgressEvent] = msgspec.json.Decoder(LogEvent | ProgressEvent)
_ENCODER = msgspec.json.Encoder()


class FailureCode(StrEnum):
    """Why the robot itself ended a job as failed; docs/reference/errors.md explains each."""

    UNKNOWN_WORKFLOW = "unknown_workflow"
    BAD_WORKFLOW = "bad_workflow"
    BAD_PARAMETERS = "bad_parameters"
    BAD_RESULT = "bad_result"
    STARTED_BEFORE = "started_before"


def clean(text: str) -> str:
    """The text with `?` for what UTF-8 cannot carry."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def failure(
    message: str,
    *,
    error_type: str = "error",
    code: str | None = None,
    node_id: str | None = None,
    traceback: str | None = None,
) -> JobError:
    """An error that can be sent, whatever its texts: cleaned, and cut to what the contract takes."""
    return JobError(
        type=error_type,
        message=clean(message)[:MAX_MESSAGE],
        code=code,
        node_id=clean(node_id)[:MAX_NODE_ID] if node_id else None,
        traceback=clean(traceback)[-MAX_TRACEBACK:] if traceback else None,
    )


def encode(event: LogEvent | ProgressEvent) -> bytes:
    """The event as a line; its texts are clean."""
    return _ENCODER.encode(event) + b"\n"


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
    part.write_bytes(_ENCODER.encode(end))
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
