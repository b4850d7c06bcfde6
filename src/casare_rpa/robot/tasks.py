"""What a Python workflow imports: `from casare_rpa.robot.tasks import task, progress, logger`.

    @task
    def main(folder: str, limit: int = 10) -> dict[str, int]:
        logger.info("looking into %s", folder)
        progress(50, "half of it")
        return {"files": 3}

The job's parameters are the function's, by name; what it returns is the job's result. Outside a robot all of this is
plain Python, which logs.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, overload

from casare_rpa.robot import run_state
from casare_rpa.robot.run_state import BusinessError
from casare_rpa.robot.run_state import RunningJob as Job

__all__ = ["BusinessError", "Job", "job", "logger", "progress", "task"]

MARK = "__casare_task__"
Function = TypeVar("Function", bound=Callable[..., Any])

logger = logging.getLogger("casare.task")
"""Its records, of DEBUG and above, become the job's log lines, with the place that logged them."""


@overload
def task(function: Function, /) -> Function: ...
@overload
def task(*, name: str) -> Callable[[Function], Function]: ...
def task(function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Mark a function, plain or async, as what the workflow runs. `name` is what the log calls it."""

    def mark(marked: Function) -> Function:
        setattr(marked, MARK, name or marked.__name__)
        return marked

    return mark if function is None else mark(function)


def progress(percent: float, message: str | None = None) -> None:
    """Tell how far the job is, in percent (0 to 100), and what it does now.

    Raises:
        ValueError: not a percentage.
    """
    number, text = run_state.report_progress(percent, message)
    if run_state.current().progress is None:
        logger.info("%.0f %% %s", number, text or "")


def job() -> Job:
    """The job that this process works on."""
    return run_state.current().job
