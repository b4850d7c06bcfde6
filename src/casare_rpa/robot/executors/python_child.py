"""The child process of a Python workflow: calls one function and reports to the robot.

`python -m casare_rpa.robot.executors.python_child MODULE [FUNCTION]`, in the workflow's folder.
"""

import asyncio
import importlib
import inspect
import logging
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import run_state, tasks
from casare_rpa.robot.executors.child_events import RunEnd, failure, file_in
from casare_rpa.robot.executors.child_process import ChildAssignment, EventWriter, run_assignment
from casare_rpa.robot.executors.child_streams import redirect_output
from casare_rpa.robot.task_parameters import BadParameters, arguments_for
from casare_rpa.robot.workflow_kind import BadWorkflow

LEVEL_OF_LIBRARIES = logging.INFO


class _JobLog(logging.Handler):
    """Turns log records into log lines; `node_id` is the location of the call."""

    def __init__(self, events: EventWriter, folder: Path) -> None:
        super().__init__()
        self._events = events
        self._folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - arguments that do not fit the format: handled as logging does
            self.handleError(record)
            return
        place = f"{file_in(self._folder, record.pathname)}:{record.lineno} {record.funcName}"
        self._events.log(_level(record.levelno), text, place)


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARNING
    return Level.INFO if number >= logging.INFO else Level.DEBUG


def run(assignment: ChildAssignment, events: EventWriter) -> RunEnd:
    """Call the function and return the end of the run."""
    # A robot in the background ignores SIGINT, and its children inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    logging.basicConfig(level=LEVEL_OF_LIBRARIES, format="%(message)s", handlers=[_JobLog(events, assignment.folder)])
    tasks.logger.setLevel(logging.DEBUG)
    with redirect_output(events):
        try:
            function = find_function(*sys.argv[1:3])
            arguments = arguments_for(function, assignment.job.parameters)
            events.log(Level.INFO, f"▶ {getattr(function, tasks.MARK, function.__name__)}")
            return RunEnd(completed=True, result=call_task(function, arguments))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the workflow's code
            return ended_by(error, assignment.folder)


def find_function(module_name: str, name: str | None = None) -> Callable[..., Any]:
    """The named function, or the only function of the module that is marked with `@task`.

    Raises:
        BadWorkflow: there is no such function, or not exactly one.
    """
    module = importlib.import_module(module_name)
    if name is None:
        return _only_task(module)
    function = getattr(module, name, None)
    if not inspect.isroutine(function):
        raise BadWorkflow(f"the module {module_name!r} has no function {name!r}")
    return function


def _only_task(module: ModuleType) -> Callable[..., Any]:
    found = {name: value for name, value in vars(module).items() if inspect.isroutine(value)}
    marked = {name: value for name, value in found.items() if hasattr(value, tasks.MARK)}
    if len({id(value) for value in marked.values()}) == 1:
        return next(iter(marked.values()))
    file = f"{module.__name__}.py"
    if not marked:
        raise BadWorkflow(f"{file} has no @task function; mark the function to run")
    names = ", ".join(marked)
    raise BadWorkflow(
        f"{file} has {len(marked)} @task functions ({names}); name one in workflow.toml: "
        f'task = "{module.__name__}:{next(iter(marked))}"'
    )


def call_task(function: Callable[..., Any], arguments: dict[str, object]) -> object:
    """The return value of the function as a JSON value. A coroutine is run to its end.

    Raises:
        BadResult: the value is not JSON, or too large.
    """
    value = function(**arguments)
    if inspect.iscoroutine(value):
        value = asyncio.run(value)
    try:
        return run_state.as_result(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadResult(f"the return value of {function.__name__} is not a valid job result: {error}") from error


class BadResult(ValueError):
    """The task completed, but its return value cannot be sent."""


CODES: dict[type[BaseException], FailureCode] = {
    BadParameters: FailureCode.BAD_PARAMETERS,
    BadWorkflow: FailureCode.BAD_WORKFLOW,
}


def ended_by(error: BaseException, folder: Path) -> RunEnd:
    """The end of a run that raised an exception."""
    match error:
        case BadParameters() | BadWorkflow() | BadResult():
            code = CODES.get(type(error), FailureCode.BAD_RESULT)
            return RunEnd(completed=False, error=failure(str(error), code=code))
        case SystemExit(code=None | 0):
            return RunEnd(completed=True)
        case SystemExit(code=code):
            message = f"the task ended the process: sys.exit({code!r})"
        case tasks.BusinessError():
            message = str(error)
        case _:
            message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return RunEnd(completed=False, error=_job_error(message, error, folder))


def _job_error(message: str, error: BaseException, folder: Path) -> JobError:
    """The error with the traceback from the workflow's first frame on, and its last frame as `node_id`."""
    workflow_frames = [frame for frame in _frames(error.__traceback__) if _is_in(folder, frame)]
    last = workflow_frames[-1] if workflow_frames else None
    lines = traceback.format_exception(
        type(error), error, workflow_frames[0] if workflow_frames else error.__traceback__
    )
    code = last.tb_frame.f_code if last is not None else None
    return failure(
        message,
        error_type="business" if isinstance(error, tasks.BusinessError) else "error",
        code=FailureCode.MISSING_LIBRARY if isinstance(error, ImportError) else None,
        node_id=f"{file_in(folder, code.co_filename)}:{last.tb_lineno} {code.co_name}" if last and code else None,
        traceback="".join(lines),
    )


def _frames(first: TracebackType | None) -> list[TracebackType]:
    frames = []
    while first is not None:
        frames.append(first)
        first = first.tb_next
    return frames


def _is_in(folder: Path, frame: TracebackType) -> bool:
    return Path(frame.tb_frame.f_code.co_filename).is_relative_to(folder)


if __name__ == "__main__":
    run_assignment(run)
