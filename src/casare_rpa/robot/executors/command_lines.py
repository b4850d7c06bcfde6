"""Parses the output lines of a command. Source: docs/reference/workflows.md."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from casare_rpa.domain.codec import repair, type_of
from casare_rpa.domain.fields import Percent
from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.limits import MAX_CODE_LENGTH
from casare_rpa.domain.logs import Level, parse_level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import run_state
from casare_rpa.robot.executors.base import Log, ProgressUpdate
from casare_rpa.robot.executors.child_events import RunEnd, failure
from casare_rpa.robot.executors.child_run import exit_reason, plain_line
from casare_rpa.robot.executors.line_assembler import MAX_LINE_BYTES


class OutputLine(msgspec.Struct, frozen=True, tag="log"):
    """A log line. An unknown level becomes INFO."""

    message: str
    level: str = "INFO"
    node_id: str | None = None


class ProgressLine(msgspec.Struct, frozen=True, tag="progress"):
    percent: Percent
    message: str | None = None


class ResultLine(msgspec.Struct, frozen=True, tag="result"):
    """The job's result. The last one counts."""

    value: object


class ErrorLine(msgspec.Struct, frozen=True, tag="error"):
    """The reason of a failure. The last one counts."""

    message: str
    error_type: Literal["error", "business"] = "error"
    code: Annotated[str, Meta(max_length=MAX_CODE_LENGTH)] | None = None
    node_id: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line of a known type with missing or invalid fields."""

    kind: str
    reason: str


Line = OutputLine | ProgressLine | ResultLine | ErrorLine
_LINES: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_TYPES = ("log", "progress", "result", "error")
_RESULT = re.compile(rb'\s*\{\s*"type"\s*:\s*"result"')


class CommandOutputParser:
    """JSON lines on stdout. Other lines are logged as INFO, lines on stderr as WARNING. The exit code decides."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self._max_line_bytes = max_line_bytes
        self._result: object = None
        self._has_result = False
        self._bad_result: JobError | None = None
        self._error: JobError | None = None
        self._last_stderr_line: str | None = None

    def on_stdout(self, line: bytes) -> Log | ProgressUpdate | None:
        """The event of a line. Results and errors are kept for `end`."""
        match _decode(line, self._max_line_bytes, self.encoding):
            case OutputLine(message, level, node_id):
                return Log(parse_level(level) or Level.INFO, message, datetime.now(UTC), node_id)
            case ProgressLine(percent, message):
                return ProgressUpdate(percent, message)
            case ResultLine(value):
                self._keep_result(value)
            case ErrorLine(message, error_type, code, node_id, traceback):
                self._error = failure(message, error_type=error_type, code=code, node_id=node_id, traceback=traceback)
            case InvalidLine(kind, reason):
                if kind == "result":
                    self._refuse_result(reason)
                return Log(
                    Level.WARNING,
                    f"invalid line ({reason}): {line.decode(self.encoding, 'replace')}",
                    datetime.now(UTC),
                )
            case None:
                return plain_line(line, Level.INFO, self.encoding)
        return None

    def on_stderr(self, line: bytes) -> Log | None:
        log = plain_line(line, Level.WARNING, self.encoding)
        if log is not None:
            self._last_stderr_line = log.message
        return log

    def end(self, code: int, *, stopped: bool) -> RunEnd:
        """The end of the run: completed on exit code 0; after a stop request, only if the program wrote a result."""
        if code == 0 and self._bad_result is not None:
            return RunEnd(completed=False, error=self._bad_result)
        if code == 0 and (self._has_result or not stopped):
            return RunEnd(completed=True, result=self._result)
        because = f": {self._last_stderr_line}" if self._last_stderr_line else ""
        return RunEnd(completed=False, error=self._error or failure(exit_reason(code) + because))

    def _keep_result(self, value: object) -> None:
        try:
            self._result = run_state.as_result(value)
        except ValueError as error:
            self._refuse_result(str(error))
        else:
            self._has_result, self._bad_result = True, None

    def _refuse_result(self, reason: str) -> None:
        self._bad_result = failure(f"the command's result is not valid: {reason}", code=FailureCode.BAD_RESULT)


def _decode(line: bytes, max_line_bytes: int, encoding: str) -> Line | InvalidLine | None:
    """The parsed line; `None` for a line of plain text."""
    if not line.lstrip().startswith(b"{"):
        return None
    text = repair(line.decode(encoding, "replace"))
    try:
        return _LINES.decode(text)
    except msgspec.ValidationError as error:
        kind = type_of(text)
        return InvalidLine(kind, str(error)) if kind is not None and kind in _TYPES else None
    except (msgspec.DecodeError, RecursionError) as error:
        return InvalidLine("result", _reason(line, error, max_line_bytes)) if _RESULT.match(line) else None


def _reason(line: bytes, error: Exception, max_line_bytes: int) -> str:
    return f"its line has more than {max_line_bytes} bytes" if len(line) > max_line_bytes else str(error)
