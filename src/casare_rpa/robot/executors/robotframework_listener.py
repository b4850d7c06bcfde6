"""Robot Framework's listener interface, version 3, turned into what a robot reports."""

import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from io import RawIOBase
from pathlib import Path
from typing import Any

from casare_rpa.domain.logs import Level, parse_level, truncate
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import keywords
from casare_rpa.robot.executors.child_events import LogEvent, ProgressEvent, encode

MAX_MESSAGE = 16_000
MAX_TRACEBACK = 60_000
MAX_NODE_ID = 500
_LEVELS = {"TRACE": Level.DEBUG, "FAIL": Level.ERROR, "SKIP": Level.WARNING}
_QUIET = "NONE"
_ASSIGNMENT = re.compile(r"[$@&]\{.+?\} = ")  # what Robot Framework says of every variable that is set
_SETUP_FAILED = "Parent suite setup failed:\n"


class Parent:
    """Where events go. A robot that is gone is not an error of the workflow."""

    def __init__(self, stream: RawIOBase) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, event: LogEvent | ProgressEvent) -> None:
        rest = memoryview(encode(event))
        with self._lock:
            try:
                while rest:
                    rest = rest[self._stream.write(rest) or 0 :]
            except BrokenPipeError:
                return

    def log(self, level: str, message: str, node_id: str | None) -> None:
        text, _ = truncate(message.encode(errors="replace").decode())
        known = _LEVELS.get(level) or parse_level(level) or Level.INFO
        self.tell(LogEvent(level=known, message=text, node_id=node_id, at=datetime.now(UTC).isoformat()))


@dataclass(slots=True)
class _Failure:
    """The failure that is on its way up. `depth`: of the outermost step that it has failed so far."""

    depth: int
    node_id: str | None
    business: bool
    traceback: str | None


class Listener:
    """Follows one run. `error` is the first failure of a test (or of a suite) that nothing caught."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._steps: list[str | None] = []
        self._tests = 0
        self._ended = 0
        self._explicit = False
        self._failure: _Failure | None = None
        self._traceback: str | None = None
        self.error: JobError | None = None
        keywords.current_job().progress = self._progress

    def _progress(self, percent: float, message: str | None) -> None:
        self._explicit = True
        self._parent.tell(ProgressEvent(percent=percent, message=None if message is None else message[:MAX_MESSAGE]))

    def start_suite(self, data: Any, _result: Any) -> None:  # noqa: ANN401 - Robot Framework's own types
        if data.parent is None:
            self._tests = data.test_count

    def end_suite(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        if result.failed and result.message and self.error is None:
            self.error = self._error(result.message)  # a teardown: its tests had passed

    def start_test(self, data: Any, _result: Any) -> None:  # noqa: ANN401
        self._parent.log("INFO", f"▶ {data.name}", _node(data, data.name))

    def end_test(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._ended += 1
        if result.failed and self.error is None:
            self.error = self._error(result.message)
        if not self._explicit:
            percent = 100.0 * self._ended / max(1, self._tests)
            self._parent.tell(ProgressEvent(percent=percent, message=data.name[:MAX_MESSAGE]))

    def start_keyword(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._steps.append(_node(data, result.name))

    def start_body_item(self, _data: Any, _result: Any) -> None:  # noqa: ANN401
        """IF, FOR, TRY and their like: steps without a node of their own."""
        self._steps.append(self._node())

    def end_keyword(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def end_body_item(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        self._end_step(result)

    def _end_step(self, result: Any) -> None:  # noqa: ANN401
        """A failure rises step by step; one that a step above it outlives was caught there, and is none."""
        depth, node = len(self._steps), self._node()
        self._steps.pop()
        if result.failed:
            if self._failure is None:
                business = result.message in keywords.current_job().business_errors
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
        self._parent.log(level, message.message, self._node())

    def message(self, message: Any) -> None:  # noqa: ANN401
        """Robot Framework's own log: only what is wrong with the suite itself."""
        inside_keyword = bool(self._steps)  # then `log_message` has had it
        if message.level in ("WARN", "ERROR") and not inside_keyword:
            self._parent.log(message.level, message.message, None)

    def _node(self) -> str | None:
        return self._steps[-1] if self._steps else None

    def _error(self, message: str) -> JobError:
        failure, self._failure = self._failure, None
        traceback = failure.traceback if failure is not None else None
        return JobError(
            type="business" if failure is not None and failure.business else "error",
            message=message.removeprefix(_SETUP_FAILED)[:MAX_MESSAGE],
            node_id=failure.node_id if failure is not None else None,
            traceback=traceback[-MAX_TRACEBACK:] if traceback else None,
        )


def _node(data: Any, name: str) -> str:  # noqa: ANN401
    source = Path(str(data.source)).name if getattr(data, "source", None) else "?"
    return f"{source}:{data.lineno or 0} {name}"[:MAX_NODE_ID]
