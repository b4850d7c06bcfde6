"""Turns the output of one child into events, in order: lines as a parser interprets them, and progress bars."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.logs import truncate
from casare_rpa.robot.executors.base import Emit, Log, ProgressUpdate, RunEvent, StepUpdate
from casare_rpa.robot.executors.child_events import RunEnd
from casare_rpa.robot.executors.line_assembler import BAR_SECONDS, BarState, LineAssembler
from casare_rpa.robot.executors.output_pipes import OutputPipes, OutputStream


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """The current text of a line that the workflow overwrites."""

    text: str


Parsed = RunEvent | ProgressBar | None


class OutputParser(Protocol):
    """Interprets the output lines of one child, and its exit. `encoding` is the encoding of plain text."""

    @property
    def encoding(self) -> str: ...

    def on_stdout(self, line: bytes) -> Parsed:
        """The event of a line; `None` when there is nothing to report."""
        ...

    def on_stderr(self, line: bytes) -> Parsed: ...

    def end(self, code: int, *, stopped: bool) -> RunEnd:
        """The end, after all output was read. `stopped`: the child was running when a stop was requested."""
        ...


class OutputEvents:
    """Reads the output of one child and emits its events. Reading waits for `emit`: a slow robot slows the child down.

    The state of a progress bar is the message of the job's progress, unless the workflow reports messages of its own.
    """

    def __init__(
        self,
        parser: OutputParser,
        emit: Emit,
        *,
        max_line_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._parser = parser
        self._parsers = {OutputStream.STDOUT: parser.on_stdout, OutputStream.STDERR: parser.on_stderr}
        self._lines = {
            stream: LineAssembler(
                encoding=parser.encoding, max_line_bytes=max_line_bytes, holds_json=stream is OutputStream.STDOUT
            )
            for stream in OutputStream
        }
        self._percent = 0.0
        self._has_messages = False
        self._bar_at = float("-inf")

    async def read_all(self, output: OutputPipes) -> None:
        """Emit the events of all output until both streams have ended."""
        while output.is_open:
            for stream, data in await output.read(self._seconds_until_due()):
                for line in self._lines[stream].feed(data, self._clock()):
                    await self._emit_line(stream, line)
            await self._emit_due()
        for stream, lines in self._lines.items():
            for line in lines.finish():
                await self._emit_line(stream, line)

    def _seconds_until_due(self) -> float | None:
        moments = [due_at for lines in self._lines.values() if (due_at := lines.due_at()) is not None]
        return max(0.0, min(moments) - self._clock()) if moments else None

    async def _emit_due(self) -> None:
        now = self._clock()
        for stream, lines in self._lines.items():
            match lines.take_due(now):
                case BarState(text):
                    await self._emit_bar(ProgressBar(text.decode(self._parser.encoding, "replace")))
                case bytes(text):
                    await self._emit_line(stream, text)

    async def _emit_line(self, stream: OutputStream, line: bytes) -> None:
        match self._parsers[stream](line):
            case Log(level, message, at, node_id):
                text, _ = truncate(message)
                await self._emit(Log(level, text, at, node_id[: WORKFLOW_TEXTS.node_id] if node_id else None))
            case ProgressUpdate(percent, message):
                self._percent, self._has_messages = percent, self._has_messages or bool(message)
                await self._emit(ProgressUpdate(percent, message[: WORKFLOW_TEXTS.message] if message else None))
            case StepUpdate() as step:
                await self._emit(step)
            case ProgressBar() as bar:
                await self._emit_bar(bar)

    async def _emit_bar(self, bar: ProgressBar) -> None:
        now = self._clock()
        if not self._has_messages and now - self._bar_at >= BAR_SECONDS:
            self._bar_at = now
            await self._emit(ProgressUpdate(self._percent, bar.text[: WORKFLOW_TEXTS.message]))
