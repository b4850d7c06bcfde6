"""Turns `sys.stdout` and `sys.stderr` of a workflow into log lines, in order with its log records."""

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any

from casare_rpa.domain.logs import MAX_LINE_BYTES, Level
from casare_rpa.robot.executors.child_process import EventWriter


class _LineWriter(io.RawIOBase):
    """Writes lines to the log. Memory is bounded: a long line is split into pieces."""

    def __init__(self, events: EventWriter, level: Level, descriptor: int) -> None:
        super().__init__()
        self._events = events
        self._level = level
        self._descriptor = descriptor
        self._rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The descriptor that a child program inherits with this stream."""
        return self._descriptor

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any bytes-like object
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        for line in lines:
            self._log(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self.end_line()
        return len(data)

    def end_line(self) -> None:
        rest, self._rest = self._rest, b""
        self._log(rest)

    def _log(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        if text.strip():
            self._events.log(self._level, text)


@contextlib.contextmanager
def redirect_output(events: EventWriter) -> Iterator[None]:
    """Redirect stdout to INFO lines and stderr to WARNING lines."""
    streams = _LineWriter(events, Level.INFO, 1), _LineWriter(events, Level.WARNING, 2)
    buffers = [io.BufferedWriter(lines) for lines in streams]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=True, write_through=True)
        for buffer in buffers
    )
    try:
        yield
    finally:
        for lines, buffer in zip(streams, buffers, strict=True):
            if not buffer.closed:
                buffer.flush()
            lines.end_line()
