"""Robot Framework listener (interface version 3) that turns a run into log lines, progress and an error."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import run_state
from casare_rpa.robot.executors.child_events import failure
from casare_rpa.robot.executors.child_process import EventWriter

_LEVELS = {"TRACE": Level.DEBUG, "FAIL": Level.ERROR, "SKIP": Level.WARNING}
_QUIET = "NONE"
_ASSIGNMENT = re.compile(r"[$@&]\{.+?\} = ")  # logged by Robot Framework for every variable that is set
_SETUP_FAILED = "Parent suite setup failed:\n"


@dataclass(slots=True)
class _Failure:
    """A failure that propagates. `depth` is that of the outermost step that it has failed so far."""

    depth: int
    node_id: str | None
    business: bool
    traceback: str | None


class Listener:
    """Follows one run. `error` is the first uncaught failure of a test, or of a suite."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._steps: list[str | None] = []
        self._tests = 0
        self._ended = 0
        self._explicit = False
        self._failure: _Failure | None = None
        self._traceback: str | None = None
        self.error: JobError | None = None
        run_state.current().progress = self._progress

    def _progress(self, percent: float, message: str | None) -> None:
        self._explicit = True
        self._events.progress(percent, message)

    def start_suite(self, data: Any, _result: Any) -> None:  # noqa: ANN401 - Robot Framework's own types
        if data.parent is None:
            self._tests = data.test_count

    def end_suite(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        if result.failed and result.message and self.error is None:
            self.error = self._error(result.message)  # a suite teardown failed: its tests had passed

    def start_test(self, data: Any, _result: Any) -> None:  # noqa: ANN401
        self._events.log("INFO", f"▶ {data.name}", _node(data, data.name))

    def end_test(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._ended += 1
        if result.failed and self.error is None:
            self.error = self._error(result.message)
        if not self._explicit:
            percent = 100.0 * self._ended / max(1, self._tests)
            self._events.progress(percent, data.name)

    def start_keyword(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._steps.append(_node(data, result.name))

    def start_body_item(self, _data: Any, _result: Any) -> None:  # noqa: ANN401
        """IF, FOR, TRY and other control structures: steps without a node of their own."""
        self._steps.append(self._node())

    def end_keyword(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def end_body_item(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def _end_step(self, result: Any) -> None:  # noqa: ANN401
        """Track a propagating failure. When an outer step passes, that step caught the failure."""
        depth, node = len(self._steps), self._node()
        self._steps.pop()
        if result.failed:
            if self._failure is None:
                business = result.message in run_state.current().business_errors
                self._failure = _Failure(depth, node, business, self._traceback)
            else:
                self._failure.depth = min(self._failure.depth, depth)
        elif self._failure is not None and self._failure.depth > depth:
            self._failure = None
        self._traceback = None

    def log_message(self, message: Any) -> None:  # noqa: ANN401
        if message.level == _QUIET:
            return
        if message.level == "DEBUG" and message.message.startswith("Traceback"):
            self._traceback = message.message
        level = "DEBUG" if _ASSIGNMENT.match(message.message) else message.level
        self._events.log(_LEVELS.get(level, level), message.message, self._node())

    def message(self, message: Any) -> None:  # noqa: ANN401
        """Robot Framework's system log: warnings and errors about the suite itself."""
        inside_keyword = bool(self._steps)  # `log_message` receives those
        if message.level in ("WARN", "ERROR") and not inside_keyword:
            self._events.log(message.level, message.message, None)

    def _node(self) -> str | None:
        return self._steps[-1] if self._steps else None

    def _error(self, message: str) -> JobError:
        cause, self._failure = self._failure, None
        return failure(
            message.removeprefix(_SETUP_FAILED),
            error_type="business" if cause is not None and cause.business else "error",
            node_id=cause.node_id if cause is not None else None,
            traceback=cause.traceback if cause is not None else None,
        )


def _node(data: Any, name: str) -> str:  # noqa: ANN401
    source = Path(str(data.source)).name if getattr(data, "source", None) else "?"
    return f"{source}:{data.lineno or 0} {name}"
