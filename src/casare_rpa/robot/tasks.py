"""Functions for Python workflows: `from casare_rpa.robot.tasks import task, step, progress, logger`.

    @task
    def main(folder: str, limit: int = 10) -> dict[str, int]:
        with step("Read the folder"):
            logger.info("reading %s", folder)
        progress(50, "half of it")
        return {"files": 3}

The job's parameters are passed by name; the return value is the job's result. Outside a robot these functions only log.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from casare_rpa.domain.vocabulary import StepStatus
from casare_rpa.robot import run_state
from casare_rpa.robot.run_state import BusinessError
from casare_rpa.robot.run_state import RunningJob as Job

__all__ = ["BusinessError", "Job", "job", "logger", "progress", "step", "task"]

MARK = "__casare_task__"
Function = TypeVar("Function", bound=Callable[..., Any])

logger = logging.getLogger("casare.task")
"""Records of level DEBUG and above become log lines of the job, with their place in the code."""


@overload
def task(function: Function, /) -> Function: ...
@overload
def task(*, name: str) -> Callable[[Function], Function]: ...
def task(function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Mark a function, plain or async, as the task of the workflow. `name` is its name in the log."""

    def mark(marked: Function) -> Function:
        setattr(marked, MARK, name or marked.__name__)
        return marked

    return mark if function is None else mark(function)


def progress(percent: float, message: str | None = None) -> None:
    """Report the job's progress in percent (0 to 100), with an optional message.

    Raises:
        ValueError: the percentage is not between 0 and 100.
    """
    number, text = run_state.report_progress(percent, message)
    if run_state.current().progress is None:
        logger.info("%.0f %% %s", number, text or "")


@contextmanager
def step(name: str) -> Iterator[None]:
    """A part of the job with its duration: `with step("Read invoices"): …`. Steps can be nested, in one thread.

    The step fails when an exception leaves it.
    """
    steps = run_state.current().steps
    if steps is None:
        logger.info("step: %s", name)
        yield
        return
    steps.begin(name, "step")
    try:
        yield
    except BaseException:
        steps.end(StepStatus.FAILED)
        raise
    steps.end(StepStatus.PASSED)


def job() -> Job:
    """The job that this process runs."""
    return run_state.current().job
