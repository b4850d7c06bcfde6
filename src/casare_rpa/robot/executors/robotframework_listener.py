"""Robot Framework listener (interface version 3) that turns a run into log lines, progress and an error."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.domain.vocabulary import StepStatus
from casare_rpa.robot import run_state
from casare_rpa.robot.executors.child_events import failure, file_in
from casare_rpa.robot.executors.child_process import EventWriter
from casare_rpa.robot.executors.html_text import text_of_html
from casare_rpa.robot.step_tracker import StepTracker

_LEVELS = {"TRACE": Level.DEBUG, "FAIL": Level.ERROR, "SKIP": Level.WARNING}
_STATUSES = {
    "PASS": StepStatus.PASSED,
    "FAIL": StepStatus.FAILED,
    "SKIP": StepStatus.SKIPPED,
    "NOT RUN": StepStatus.SKIPPED,
}
_QUIET = "NONE"
_ASSIGNMENT = re.compile(r"[$@&]\{.+?\} = ")  # logged by Robot Framework for every variable that is set
_SETUP_FAILED = "Parent suite setup failed:\n"
_IMPORT_FAILED = re.compile(
    r"Error in file '(?P<file>.+?)' on line (?P<line>\d+): "
    r"(?P<message>(?:Importing|Resource file|Variable file) .*)(?:\n(?P<rest>[\s\S]*))?"
)


@dataclass(slots=True)
class _Failure:
    """A failure that propagates. `depth` is the depth of the outermost failed step so far."""

    depth: int
    node_id: str | None
    business: bool
    traceback: str | None


@dataclass(frozen=True, slots=True)
class _FirstFailure:
    """The first uncaught failure of a test or suite, and the failed step that caused it, if any."""

    name: str
    message: str
    cause: _Failure | None


class RunListener:
    """The listener of one run. It sends log lines and progress, and has the error after the run."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, events: EventWriter, folder: Path) -> None:
        self._events = events
        self._folder = folder
        self._steps: list[str | None] = []
        self._tracker = StepTracker(events.step)
        self._tests = 0
        self._ended = 0
        self._explicit = False
        self._failure: _Failure | None = None
        self._first: _FirstFailure | None = None
        self._import_failure: re.Match[str] | None = None
        self.counts: dict[str, int] = {}
        """Numbers of `tests`, and of those `passed`, `failed` and `skipped`, after the run."""
        run_state.current().progress = self._progress
        run_state.current().steps = self._tracker

    @property
    def error(self) -> JobError | None:
        """The error of a failed run: the first import that failed, else the first test that failed."""
        first = self._first
        if first is None:
            return None
        tests, failed = self.counts.get("tests", 0), self.counts.get("failed", 0)
        message = f"{failed} of {tests} failed: {first.name}: {first.message}" if tests > 1 else first.message
        if (missing := self._import_failure) is not None:
            return failure(
                f"{missing['message']}; {message}",
                code=FailureCode.MISSING_LIBRARY,
                node_id=f"{file_in(self._folder, missing['file'])}:{missing['line']}",
                traceback=missing["rest"],
            )
        cause = first.cause
        return failure(
            message,
            error_type="business" if cause is not None and cause.business else "error",
            code=FailureCode.MISSING_LIBRARY if first.message.startswith("Importing library ") else None,
            node_id=cause.node_id if cause is not None else None,
            traceback=cause.traceback if cause is not None else None,
        )

    def _progress(self, percent: float, message: str | None) -> None:
        self._explicit = True
        self._events.progress(percent, message)

    def start_suite(self, data: Any, _result: Any) -> None:  # noqa: ANN401 - Robot Framework's own types
        if data.parent is None:
            self._tests = data.test_count
        self._tracker.begin(data.name, "suite")

    def end_suite(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._tracker.end(_STATUSES[result.status])
        if result.failed and result.message:
            self._keep(result, result.message)  # a suite teardown failed: its tests had passed
        if data.parent is None:
            numbers = result.statistics
            self.counts = {
                "tests": numbers.total,
                "passed": numbers.passed,
                "failed": numbers.failed,
                "skipped": numbers.skipped,
            }

    def start_test(self, data: Any, _result: Any) -> None:  # noqa: ANN401
        self._events.log("INFO", f"▶ {data.name}", self._place(data, data.name))
        self._tracker.begin(data.name, "test")

    def end_test(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._tracker.end(_STATUSES[result.status])
        if result.failed:
            self._keep(result, result.message)
        if run_state.current().cancelled.is_set():
            return  # the remaining tests end without having run
        self._ended += 1
        if not self._explicit:
            percent = 100.0 * self._ended / max(1, self._tests)
            self._events.progress(percent, data.name)

    def _keep(self, result: Any, message: str) -> None:  # noqa: ANN401
        cause, self._failure = self._failure, None
        if self._first is None:
            self._first = _FirstFailure(_name_below_root(result), message.removeprefix(_SETUP_FAILED), cause)

    def start_keyword(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._steps.append(self._place(data, result.name))
        self._tracker.begin(result.name or "", "keyword")

    def start_body_item(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        """IF, FOR, TRY and other control structures: steps without a node of their own."""
        self._steps.append(self._node())
        self._tracker.begin(str(result.type), "control")

    def end_keyword(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def end_body_item(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def _end_step(self, result: Any) -> None:  # noqa: ANN401
        """Track a propagating failure. When an outer step passes, that step caught the failure."""
        depth, node = len(self._steps), self._node()
        self._steps.pop()
        self._tracker.end(_STATUSES[result.status])
        if result.failed:
            if self._failure is None:
                business = result.message in run_state.current().business_errors
                self._failure = _Failure(depth, node, business, _current_traceback())
            else:
                self._failure.depth = min(self._failure.depth, depth)
        elif self._failure is not None and self._failure.depth > depth:
            self._failure = None

    def log_message(self, message: Any) -> None:  # noqa: ANN401
        if message.level == _QUIET:
            return
        level = "DEBUG" if _ASSIGNMENT.match(message.message) else message.level
        text = text_of_html(message.message) if message.html else message.message
        self._events.log(_LEVELS.get(level, level), text, self._node())

    def message(self, message: Any) -> None:  # noqa: ANN401
        """Robot Framework's system log: warnings and errors about the suite itself."""
        inside_keyword = bool(self._steps)  # `log_message` receives those
        if message.level in ("WARN", "ERROR") and not inside_keyword:
            text = text_of_html(message.message) if message.html else message.message
            self._import_failure = self._import_failure or _IMPORT_FAILED.match(text)
            self._events.log(message.level, text, None)

    def _node(self) -> str | None:
        return self._steps[-1] if self._steps else None

    def _place(self, data: Any, name: str) -> str:  # noqa: ANN401
        source = file_in(self._folder, str(data.source)) if getattr(data, "source", None) else "?"
        return f"{source}:{data.lineno or 0} {name}"


def _name_below_root(result: Any) -> str:  # noqa: ANN401
    """The name with those of its suites, without that of the workflow: `Orders.Import` for a test `Import`."""
    names = [str(result.name)]
    parent = result.parent
    while parent is not None and parent.parent is not None:
        names.insert(0, str(parent.name))
        parent = parent.parent
    return ".".join(names)


def _current_traceback() -> str | None:
    """The traceback of the exception that fails a step. Robot Framework logs it at the level DEBUG only."""
    from robot.utils import ErrorDetails

    error = sys.exc_info()[1]
    return str(ErrorDetails(error).traceback) if error is not None else None
