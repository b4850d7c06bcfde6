"""Turns `sys.stdout` and `sys.stderr` of a workflow into log lines, in order with its log records."""

import contextlib
import io
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from casare_rpa.domain.logs import MAX_LINE_BYTES, Level
from casare_rpa.robot.executors.child_process import EventWriter
from casare_rpa.robot.executors.line_assembler import HOLD_SECONDS, BarState, LineAssembler


class _LineWriter(io.RawIOBase):
    """Writes lines to the log. Memory is bounded: a long line is split into pieces."""

    def __init__(self, events: EventWriter, level: Level, descriptor: int, unfinished: threading.Event) -> None:
        """`unfinished` is set when text waits for its line end."""
        super().__init__()
        self._events = events
        self._level = level
        self._descriptor = descriptor
        self._unfinished = unfinished
        self._lines = LineAssembler(max_line_bytes=MAX_LINE_BYTES)
        # Reentrant: a signal handler may print while the main thread is here.
        self.lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The descriptor that a child program inherits with this stream."""
        return self._descriptor

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any bytes-like object
        with self.lock:
            for line in self._lines.feed(bytes(data), time.monotonic()):
                self._log(line)
            if self._lines.due_at() is not None:
                self._unfinished.set()
        return len(data)

    def pass_on_due(self) -> bool:
        """Log text that has waited for its line end. Returns whether other text still waits."""
        with self.lock:
            match self._lines.take_due(time.monotonic()):
                case BarState(text):
                    self._events.bar(text.decode(errors="replace"))
                case bytes(text):
                    self._log(text)
            return self._lines.due_at() is not None

    def end_line(self) -> None:
        with self.lock:
            for line in self._lines.finish():
                self._log(line)

    def _log(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        if text.strip():
            self._events.log(self._level, text)


def _pass_on_unfinished(streams: Sequence[_LineWriter], unfinished: threading.Event, ended: threading.Event) -> None:
    """Pass on text without a line end, until the run has ended. The main function of a thread."""
    while not ended.is_set():
        unfinished.wait()
        unfinished.clear()
        ended.wait(HOLD_SECONDS)
        waiting = [lines.pass_on_due() for lines in streams]
        if any(waiting):
            unfinished.set()


def _keep_locks_over_fork(lock: threading.RLock) -> None:
    """Without this, a process that is forked while another thread prints would wait for its lock without end."""
    if sys.platform != "win32":
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


@contextlib.contextmanager
def redirect_output(events: EventWriter) -> Iterator[None]:
    """Redirect stdout to INFO lines and stderr to WARNING lines."""
    unfinished, ended = threading.Event(), threading.Event()
    streams = (
        _LineWriter(events, Level.INFO, 1, unfinished),
        _LineWriter(events, Level.WARNING, 2, unfinished),
    )
    for lock in (events.lock, *(lines.lock for lines in streams)):
        _keep_locks_over_fork(lock)
    # Without a buffer, because text without a line end would wait in it.
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(lines, encoding="utf-8", errors="replace", write_through=True)  # type: ignore[type-var]
        for lines in streams
    )
    threading.Thread(target=_pass_on_unfinished, args=(streams, unfinished, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        unfinished.set()
        for lines in streams:
            lines.end_line()
