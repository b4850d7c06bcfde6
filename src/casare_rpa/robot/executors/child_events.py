"""Format between a robot and its own child processes: log lines and progress as JSON lines, the end as a file.

The end is a file so that neither a flood of log lines nor a slow orchestrator can delay or lose it.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from casare_rpa.domain.fields import Percent
from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError

END_FILE = "end.json"


class LogEvent(msgspec.Struct, frozen=True, tag="log"):
    level: Level
    message: str
    node_id: str | None
    at: Annotated[datetime, Meta(tz=True)]


class ProgressEvent(msgspec.Struct, frozen=True, tag="progress"):
    percent: Percent
    message: str | None


class RunEnd(msgspec.Struct, frozen=True):
    """End of a run. Neither completed nor an error means that it was stopped."""

    completed: bool
    result: object = None
    error: JobError | None = None


_EVENTS: msgspec.json.Decoder[LogEvent | ProgressEvent] = msgspec.json.Decoder(LogEvent | ProgressEvent)
_ENCODER = msgspec.json.Encoder()


def clean(text: str) -> str:
    """The text with `?` for characters that UTF-8 cannot encode."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def failure(
    message: str,
    *,
    error_type: str = "error",
    code: str | None = None,
    node_id: str | None = None,
    traceback: str | None = None,
) -> JobError:
    """An error whose texts are cleaned and cut to the limits of the contract."""
    return JobError(
        type=error_type,
        message=clean(message)[: WORKFLOW_TEXTS.message],
        code=code,
        node_id=clean(node_id)[: WORKFLOW_TEXTS.node_id] if node_id else None,
        traceback=clean(traceback)[-WORKFLOW_TEXTS.traceback :] if traceback else None,
    )


def encode(event: LogEvent | ProgressEvent) -> bytes:
    """The event as a JSON line. Its texts must be clean."""
    return _ENCODER.encode(event) + b"\n"


def decode(line: bytes) -> LogEvent | ProgressEvent | None:
    """The event of a line; `None` for other output, since a workflow can write to the same pipe."""
    try:
        return _EVENTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def write_end_file(output_dir: Path, end: RunEnd) -> None:
    """Write the end file atomically."""
    part = output_dir / f"{END_FILE}.part"
    part.touch(mode=0o600)
    part.write_bytes(_ENCODER.encode(end))
    part.replace(output_dir / END_FILE)


def take_end_file(output_dir: Path) -> RunEnd | None:
    """Read and delete the end file; `None` when it is missing or invalid."""
    path = output_dir / END_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunEnd)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    finally:
        path.unlink(missing_ok=True)
