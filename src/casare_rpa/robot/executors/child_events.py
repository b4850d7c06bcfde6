"""Format between a robot and its own child processes: log lines and progress as JSON lines, the end as a file.

The end is a file so that neither a flood of log lines nor a slow orchestrator can delay or lose it.
"""

import contextlib
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from casare_rpa.domain.fields import Percent
from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.domain.steps import JobStep

MAX_END_BYTES = 16 * 1024 * 1024
END_FILE = "end.json"


class LogEvent(msgspec.Struct, frozen=True, tag="log"):
    level: Level
    message: str
    node_id: str | None
    at: Annotated[datetime, Meta(tz=True)]


class ProgressEvent(msgspec.Struct, frozen=True, tag="progress"):
    percent: Percent
    message: str | None


class BarEvent(msgspec.Struct, frozen=True, tag="bar"):
    """The state of a progress bar that the workflow prints."""

    text: str


class StepEvent(msgspec.Struct, frozen=True, tag="step"):
    step: JobStep


class RunEnd(msgspec.Struct, frozen=True):
    """End of a run. Neither completed nor an error means that it was stopped."""

    completed: bool
    result: object = None
    error: JobError | None = None


ChildEvent = LogEvent | ProgressEvent | BarEvent | StepEvent
_EVENTS: msgspec.json.Decoder[ChildEvent] = msgspec.json.Decoder(ChildEvent)
_ENCODER = msgspec.json.Encoder()


def clean(text: str) -> str:
    """The text with `?` for characters that UTF-8 cannot encode."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def file_in(folder: Path, file: str) -> str:
    """The path of a file relative to the workflow's folder; the name of a file outside of it."""
    path = Path(file)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


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


def encode(event: ChildEvent) -> bytes:
    """The event as a JSON line. Its texts must be clean."""
    return _ENCODER.encode(event) + b"\n"


def decode(line: bytes) -> ChildEvent | None:
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
        return msgspec.json.decode(_read_file_of_job(path), type=RunEnd)
    except (OSError, msgspec.DecodeError):
        return None
    finally:
        with contextlib.suppress(
            OSError
        ):  # a full disk must not change the end; the job can have made a folder of this name
            path.unlink(missing_ok=True)


def _read_file_of_job(path: Path) -> bytes:
    """The content of a file that the job wrote. The job can put anything else in its place.

    A link could lead to a file that only the robot may read, and a pipe would never end.

    Raises:
        OSError: it is missing, too large, no regular file, or does not belong to the owner of its folder.
    """
    flags = (os.O_RDONLY, getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0), getattr(os, "O_BINARY", 0))
    with os.fdopen(os.open(path, sum(flags)), "rb") as file:
        status = os.fstat(file.fileno())
        is_own = stat.S_ISREG(status.st_mode) and status.st_uid == path.parent.stat().st_uid
        if not is_own or status.st_size > MAX_END_BYTES:
            raise OSError(f"{path} is not the end file of the job")
        return file.read(MAX_END_BYTES)
