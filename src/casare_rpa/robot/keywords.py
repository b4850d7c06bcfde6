"""Keywords for Robot Framework workflows: `Library    casare_rpa.robot.keywords`.

Outside a robot the keywords only log, so that a workflow also runs with the plain `robot` command.
"""

import logging
from typing import Any

from casare_rpa.robot import run_state
from casare_rpa.robot.run_state import BusinessError

ROBOT_LIBRARY_SCOPE = "GLOBAL"
__all__ = ["BusinessError", "fail_as_business_error", "report_progress", "set_job_result"]

logger = logging.getLogger(__name__)


def set_job_result(result: Any) -> None:  # noqa: ANN401 - any JSON value
    """Set the job's result: any JSON value of at most 256 KiB. The last call counts."""
    state = run_state.current()
    state.result, state.has_result = run_state.as_result(result), True
    logger.debug("Job result: %s", result)


def report_progress(percent: float, message: str | None = None) -> None:
    """Report the job's progress in percent (0 to 100), with an optional message."""
    number, text = run_state.report_progress(percent, message)
    logger.debug("%.0f %% %s", number, text or "")


def fail_as_business_error(message: str) -> None:
    """Fail the job with error type `business`: the data or a rule is the cause. The job is not retried."""
    raise BusinessError(message)
