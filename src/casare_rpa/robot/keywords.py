"""What a Robot Framework workflow imports: `Library    casare_rpa.robot.keywords`.

Outside a robot the keywords only log, so that a workflow runs with the plain `robot` command too.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from casare_rpa.domain.protocol import MAX_RESULT_BYTES

ROBOT_LIBRARY_SCOPE = "GLOBAL"
__all__ = ["BusinessError", "fail_as_business_error", "report_progress", "set_job_result"]

logger = logging.getLogger(__name__)


class BusinessError(Exception):
    """The work cannot be done and trying again would not help: the job fails with error type `business`."""

    ROBOT_SUPPRESS_NAME = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _JOB.business_errors.add(str(message))


class _Job:
    """What the keywords do inside a robot; set by the child process that runs the workflow."""

    def __init__(self) -> None:
        self.result: Any = None
        self.business_errors: set[str] = set()
        self.progress: Callable[[float, str | None], None] | None = None


_JOB = _Job()


def current_job() -> _Job:
    """The job that this process works on; for the child process only."""
    return _JOB


def set_job_result(result: Any) -> None:  # noqa: ANN401 - anything that is JSON
    """Set what the job answers: anything that can be written as JSON, at most 256 KiB. The last one counts."""
    text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > MAX_RESULT_BYTES:
        raise ValueError(f"a job's result has at most {MAX_RESULT_BYTES} bytes as JSON, this one has {size}")
    _JOB.result = json.loads(text)  # a copy: what the workflow changes later does not count
    logger.debug("Job result: %s", result)


def report_progress(percent: float, message: str | None = None) -> None:
    """Tell how far the job is, in percent (0 to 100), and what it does now."""
    number = float(percent)
    if not 0 <= number <= 100:
        raise ValueError(f"percent must be between 0 and 100, not {percent}")
    text = None if message is None else str(message)
    if _JOB.progress is not None:
        _JOB.progress(number, text)
    logger.debug("%.0f %% %s", number, text or "")


def fail_as_business_error(message: str) -> None:
    """Fail the workflow for a reason of the business, not of the machine."""
    raise BusinessError(message)
