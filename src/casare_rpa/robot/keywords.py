"""What a Robot Framework workflow imports: `Library    casare_rpa.robot.keywords`.

Outside a robot the keywords only log, so that a workflow runs with the plain `robot` command too.
"""

import logging
from typing import Any

from casare_rpa.robot import run_state
from casare_rpa.robot.run_state import BusinessError

ROBOT_LIBRARY_SCOPE = "GLOBAL"
__all__ = ["BusinessError", "fail_as_business_error", "report_progress", "set_job_result"]

logger = logging.getLogger(__name__)


def set_job_result(result: Any) -> None:  # noqa: ANN401 - anything that is JSON
    """Set what the job answers: anything that can be written as JSON, at most 256 KiB. The last one counts."""
    run_state.current().result = run_state.as_result(result)
    logger.debug("Job result: %s", result)


def report_progress(percent: float, message: str | None = None) -> None:
    """Tell how far the job is, in percent (0 to 100), and what it does now."""
    number, text = run_state.report_progress(percent, message)
    logger.debug("%.0f %% %s", number, text or "")


def fail_as_business_error(message: str) -> None:
    """Fail the workflow for a reason of the business, not of the machine."""
    raise BusinessError(message)
