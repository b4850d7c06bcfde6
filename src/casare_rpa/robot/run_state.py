"""What workflow code says about its job, and where it goes: shared by keywords and Python tasks.

Set up by the child process that runs the workflow; outside a robot nothing listens.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from casare_rpa.domain.protocol import MAX_RESULT_BYTES


class BusinessError(Exception):
    """The work cannot be done and trying again would not help: the job fails with error type `business`."""

    ROBOT_SUPPRESS_NAME = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _RUN.business_errors.add(str(message))


@dataclass(frozen=True, slots=True)
class RunningJob:
    """What this process works on. `output_dir` is kept on the robot; outside a robot it is the current directory."""

    job_id: str = "local"
    attempt: int = 1
    workflow_id: str = "local"
    output_dir: Path = field(default_factory=Path.cwd)
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants it to stop; for loops and threads that a KeyboardInterrupt does not reach."""
        return _RUN.cancelled.is_set()


@dataclass(slots=True)
class RunState:
    """Of this process: it runs one job. `business_errors` are the messages of those that were ever made."""

    job: RunningJob = field(default_factory=RunningJob)
    cancelled: threading.Event = field(default_factory=threading.Event)
    result: object = None
    business_errors: set[str] = field(default_factory=set)
    progress: Callable[[float, str | None], None] | None = None


_RUN = RunState()


def current() -> RunState:
    """The state of this process."""
    return _RUN


def as_result(value: object) -> object:
    """A copy of a value as JSON says it.

    Raises:
        ValueError, TypeError: it is no JSON, or has more than 256 KiB.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("a job's result is text that UTF-8 can carry, this one has a lone surrogate") from None
    if size > MAX_RESULT_BYTES:
        raise ValueError(f"a job's result has at most {MAX_RESULT_BYTES} bytes as JSON, this one has {size}")
    copy: object = json.loads(text)
    return copy


def report_progress(percent: float, message: str | None) -> tuple[float, str | None]:
    """Check progress and tell it; answers what was told.

    Raises:
        ValueError: not a percentage.
    """
    number = float(percent)
    if not 0 <= number <= 100:
        raise ValueError(f"percent must be between 0 and 100, not {percent}")
    text = None if message is None else str(message)
    if _RUN.progress is not None:
        _RUN.progress(number, text)
    return number, text
