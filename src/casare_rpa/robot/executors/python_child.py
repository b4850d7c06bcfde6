"""The child process of a Python workflow: calls one function and tells its robot what happens.

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

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import run_state, tasks
from casare_rpa.robot.executors.child_events import End, FailureCode, failure
from casare_rpa.robot.executors.child_process import ChildAssignment, Parent, work
from casare_rpa.robot.executors.child_streams import take_output
from casare_rpa.robot.task_parameters import BadParameters, arguments_for
from casare_rpa.robot.workflow_kind import BadWorkflow

LEVEL_OF_LIBRARIES = logging.INFO


class _JobLog(logging.Handler):
    """Records become log lines; `node_id` is the place that logged."""

    def __init__(self, parent: Parent) -> None:
        super().__init__()
        self._parent = parent

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - arguments that do not fit the message: logging's own way to say so
            self.handleError(record)
            return
        self._parent.log(_level(record.levelno), text, f"{record.filename}:{record.lineno} {record.funcName}")


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARNING
    return Level.INFO if number >= logging.INFO else Level.DEBUG


def run(assignment: ChildAssignment, parent: Parent) -> End:
    """Call the function; answers how it ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # a robot in the background hands on that it is ignored
    logging.basicConfig(level=LEVEL_OF_LIBRARIES, format="%(message)s", handlers=[_JobLog(parent)])
    tasks.logger.setLevel(logging.DEBUG)
    with take_output(parent):
        try:
            function = find_function(*sys.argv[1:3])
            arguments = arguments_for(function, assignment.job.parameters)
            parent.log(Level.INFO, f"▶ {getattr(function, tasks.MARK, function.__name__)}")
            return End(completed=True, result=call(function, arguments))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the edge of the workflow's code
            return ended_by(error, assignment.folder)


def find_function(module_name: str, name: str | None = None) -> Callable[..., Any]:
    """The function of that name, or the only one of the module that is marked.

    Raises:
        BadWorkflow: there is no such function, or not one.
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
        raise BadWorkflow(f"{file} holds no @task function; mark the one to run")
    names = ", ".join(marked)
    raise BadWorkflow(
        f"{file} holds {len(marked)} @task functions ({names}); name one in workflow.toml: "
        f'task = "{module.__name__}:{next(iter(marked))}"'
    )


def call(function: Callable[..., Any], arguments: dict[str, object]) -> object:
    """What the function returns, as JSON can say it; a coroutine runs to its end.

    Raises:
        TypeError, ValueError: it is no JSON, or too large.
    """
    value = function(**arguments)
    if inspect.iscoroutine(value):
        value = asyncio.run(value)
    try:
        return run_state.as_result(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadResult(f"what {function.__name__} returns cannot be the job's result: {error}") from error


class BadResult(ValueError):
    """The task did its work, but what it answers cannot be sent."""


CODES: dict[type[BaseException], FailureCode] = {
    BadParameters: FailureCode.BAD_PARAMETERS,
    BadWorkflow: FailureCode.BAD_WORKFLOW,
}


def ended_by(error: BaseException, folder: Path) -> End:
    """The end that an exception makes."""
    match error:
        case BadParameters() | BadWorkflow() | BadResult():
            code = CODES.get(type(error), FailureCode.BAD_RESULT)
            return End(completed=False, error=failure(str(error), code=code))
        case SystemExit(code=None | 0):
            return End(completed=True)
        case SystemExit(code=code):
            message = f"the task ended the process: sys.exit({code!r})"
        case tasks.BusinessError():
            message = str(error)
        case _:
            message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return End(completed=False, error=_job_error(message, error, folder))


def _job_error(message: str, error: BaseException, folder: Path) -> JobError:
    """With the traceback from where the workflow's code begins, and the last line of that code in it as its place."""
    ours = [frame for frame in _frames(error.__traceback__) if _is_in(folder, frame)]
    last = ours[-1] if ours else None
    lines = traceback.format_exception(type(error), error, ours[0] if ours else error.__traceback__)
    code = last.tb_frame.f_code if last is not None else None
    return failure(
        message,
        error_type="business" if isinstance(error, tasks.BusinessError) else "error",
        node_id=f"{Path(code.co_filename).name}:{last.tb_lineno} {code.co_name}" if last and code else None,
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
    work(run)
