"""`sys.stdout` and `sys.stderr` of a workflow as log lines, in one order with what it logs."""

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any

from casare_rpa.domain.logs import MAX_LINE_BYTES, Level
from casare_rpa.robot.executors.child_process import Parent


class _Lines(io.RawIOBase):
    """Writes lines to the log; a line that does not end comes in pieces, so that it does not fill the memory."""

    def __init__(self, parent: Parent, level: Level, descriptor: int) -> None:
        super().__init__()
        self._parent = parent
        self._level = level
        self._descriptor = descriptor
        self._rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Where programs write that are given this stream."""
        return self._descriptor

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
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
            self._parent.log(self._level, text)


@contextlib.contextmanager
def take_output(parent: Parent) -> Iterator[None]:
    """What is printed is INFO, what goes to stderr WARNING."""
    streams = _Lines(parent, Level.INFO, 1), _Lines(parent, Level.WARNING, 2)
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
