"""State of the one job that this process runs, shared by `keywords` and `tasks`.

The child process that runs the workflow sets it up. Outside a robot it keeps its defaults, and progress is not sent.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from casare_rpa.domain.limits import MAX_RESULT_BYTES
from casare_rpa.robot.step_tracker import StepTracker


class BusinessError(Exception):
    """The job fails for a business reason (error type `business`); a retry would not help."""

    ROBOT_SUPPRESS_NAME = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _RUN.business_errors.add(str(message))


def _current_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was deleted; the import of this module must not fail
        return Path()


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The job of this process. `output_dir` stays on the robot; outside a robot it is the current directory."""

    job_id: str = "local"
    attempt: int = 1
    workflow_id: str = "local"
    output_dir: Path = field(default_factory=_current_directory)
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def cancelled(self) -> bool:
        """Whether a stop was requested. For loops and threads that a KeyboardInterrupt does not reach."""
        return _RUN.cancelled.is_set()


@dataclass(slots=True)
class RunState:
    """State of this process. `business_errors` holds the messages of all BusinessErrors created so far."""

    job: RunningJob = field(default_factory=RunningJob)
    cancelled: threading.Event = field(default_factory=threading.Event)
    result: object = None
    has_result: bool = False
    business_errors: set[str] = field(default_factory=set)
    progress: Callable[[float, str | None], None] | None = None
    steps: StepTracker | None = None


_RUN = RunState()


def current() -> RunState:
    return _RUN


def as_result(value: object) -> object:
    """A copy of the value after a round trip through JSON.

    Raises:
        ValueError, TypeError: the value cannot be encoded as JSON, or exceeds 256 KiB.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("a job's result must be valid UTF-8; this one contains a lone surrogate") from None
    if size > MAX_RESULT_BYTES:
        raise ValueError(f"a job's result has at most {MAX_RESULT_BYTES} bytes as JSON; this one has {size}")
    copy: object = json.loads(text)
    return copy


def report_progress(percent: float, message: str | None) -> tuple[float, str | None]:
    """Validate progress, send it, and return the values sent.

    Raises:
        ValueError: the percentage is not between 0 and 100.
    """
    number = float(percent)
    if not 0 <= number <= 100:
        raise ValueError(f"percent must be between 0 and 100, not {percent}")
    text = None if message is None else str(message)
    if _RUN.progress is not None:
        _RUN.progress(number, text)
    return number, text
