"""What a command says, line by line. Source: docs/reference/workflows.md."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from casare_rpa.domain.codec import repair, type_of
from casare_rpa.domain.fields import Percent
from casare_rpa.domain.logs import Level, parse_level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import run_state
from casare_rpa.robot.executors.base import Log, ProgressUpdate
from casare_rpa.robot.executors.child_events import End, FailureCode, failure
from casare_rpa.robot.executors.child_run import death, printed
from casare_rpa.robot.executors.process_group import MAX_LINE_BYTES


class OutputLine(msgspec.Struct, frozen=True, tag="log"):
    """At level INFO when there is no such level."""

    message: str
    level: str = "INFO"
    node_id: str | None = None


class ProgressLine(msgspec.Struct, frozen=True, tag="progress"):
    percent: Percent
    message: str | None = None


class ResultLine(msgspec.Struct, frozen=True, tag="result"):
    """The last one counts."""

    value: object


class ErrorLine(msgspec.Struct, frozen=True, tag="error"):
    """Why it is about to fail; the last one counts."""

    message: str
    error_type: Literal["error", "business"] = "error"
    code: Annotated[str, Meta(max_length=128)] | None = None
    node_id: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line of one of these types that does not have its form."""

    kind: str
    reason: str


Line = OutputLine | ProgressLine | ResultLine | ErrorLine
_LINES: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_TYPES = ("log", "progress", "result", "error")
_RESULT = re.compile(rb'\s*\{\s*"type"\s*:\s*"result"')


class CommandSpeech:
    """JSON lines on stdout; every other line is INFO, and on stderr WARNING. The exit code decides."""

    def __init__(self) -> None:
        self._result: object = None
        self._has_result = False
        self._bad_result: JobError | None = None
        self._error: JobError | None = None
        self._last_word: str | None = None

    def on_stdout(self, line: bytes) -> Log | ProgressUpdate | None:
        """What a line tells; results and errors are kept for the end."""
        match _decode(line):
            case OutputLine(message, level, node_id):
                return Log(parse_level(level) or Level.INFO, message, datetime.now(UTC), node_id)
            case ProgressLine(percent, message):
                return ProgressUpdate(percent, message)
            case ResultLine(value):
                self._take_result(value)
            case ErrorLine(message, error_type, code, node_id, traceback):
                self._error = failure(message, error_type=error_type, code=code, node_id=node_id, traceback=traceback)
            case Misfit(kind, reason):
                if kind == "result":
                    self._refuse_result(reason)
                return Log(
                    Level.WARNING, f"not understood ({reason}): {line.decode(errors='replace')}", datetime.now(UTC)
                )
            case None:
                return printed(line, Level.INFO)
        return None

    def on_stderr(self, line: bytes) -> Log | None:
        log = printed(line, Level.WARNING)
        if log is not None:
            self._last_word = log.message
        return log

    def end(self, code: int, *, stopped: bool) -> End:
        """Completed with exit code 0. When it was to stop, only if it had said its result: else it just obeyed."""
        if code == 0 and self._bad_result is not None:
            return End(completed=False, error=self._bad_result)
        if code == 0 and (self._has_result or not stopped):
            return End(completed=True, result=self._result)
        because = f": {self._last_word}" if self._last_word else ""
        return End(completed=False, error=self._error or failure(death(code) + because))

    def _take_result(self, value: object) -> None:
        try:
            self._result = run_state.as_result(value)
        except ValueError as error:
            self._refuse_result(str(error))
        else:
            self._has_result, self._bad_result = True, None

    def _refuse_result(self, reason: str) -> None:
        self._bad_result = failure(
            f"what the command gives cannot be the job's result: {reason}", code=FailureCode.BAD_RESULT
        )


def _decode(line: bytes) -> Line | Misfit | None:
    """`None`: a line like any other."""
    if not line.lstrip().startswith(b"{"):
        return None
    text = repair(line.decode(errors="replace"))
    try:
        return _LINES.decode(text)
    except msgspec.ValidationError as error:
        kind = type_of(text)
        return Misfit(kind, str(error)) if kind is not None and kind in _TYPES else None
    except (msgspec.DecodeError, RecursionError) as error:
        return Misfit("result", _why(line, error)) if _RESULT.match(line) else None


def _why(line: bytes, error: Exception) -> str:
    return f"its line has more than {MAX_LINE_BYTES} bytes" if len(line) > MAX_LINE_BYTES else str(error)
