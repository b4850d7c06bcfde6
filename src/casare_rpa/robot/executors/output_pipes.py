"""Reads stdout and stderr of a child in the order in which they were written, as far as two pipes show it.

When both pipes have data, no system reveals which was written first. On Linux the pipes keep the writes apart
(`O_DIRECT`, "packet mode" in pipe(2)), and each write is read on its own. While only one pipe has data, the order is
exact. While both have data, they take turns.
"""

import asyncio
import contextlib
import itertools
import os
import select
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol

CHUNK_BYTES = 64 * 1024
PIPE_BYTES = 1024 * 1024
BATCH_READS = 64
"""Number of reads before other work of the event loop may run."""
SILENT_WAITS = 3
"""Number of waits without data, one after the other, after which a pipe counts as silent."""


class OutputStream(Enum):
    """One of the two output streams of a child."""

    STDOUT = "stdout"
    STDERR = "stderr"


Chunk = tuple[OutputStream, bytes]


class OutputPipes(Protocol):
    """Both output streams of a child.

    `waiting`: a read waits for data. `bytes_read`: bytes read so far. `is_open`: a stream has not ended.
    """

    waiting: bool
    bytes_read: int

    @property
    def is_open(self) -> bool: ...

    async def read(self, timeout_seconds: float | None) -> list[Chunk]:
        """The next chunks in order; none when the time is over or both streams have ended."""
        ...

    def close_pipes(self) -> None: ...


class PosixPipes:
    """Pipes of this process for a child. Pass `child_ends` to the child, then close them."""

    def __init__(self) -> None:
        self.waiting = False
        self.bytes_read = 0
        out, self._out_end = _pipe()
        errors, self._errors_end = _pipe()
        self._streams = {out: OutputStream.STDOUT, errors: OutputStream.STDERR}
        self._last = errors
        self._poll = select.poll()
        for descriptor in self._streams:
            self._poll.register(descriptor, select.POLLIN)

    @property
    def is_open(self) -> bool:
        return bool(self._streams)

    @contextlib.contextmanager
    def child_ends(self) -> Iterator[tuple[int, int]]:
        """The descriptors for the child's stdout and stderr, closed on exit. Enter it once."""
        try:
            yield self._out_end, self._errors_end
        finally:
            os.close(self._out_end)
            os.close(self._errors_end)

    async def read(self, timeout_seconds: float | None) -> list[Chunk]:
        if not self._streams:
            return []
        self.waiting = True
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._readable()
        except TimeoutError:
            return []
        finally:
            self.waiting = False
        return self._read_ready()

    async def _readable(self) -> None:
        """Wait until a pipe has data or has ended."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        for descriptor in self._streams:
            loop.add_reader(descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            for descriptor in self._streams:
                loop.remove_reader(descriptor)

    def _read_ready(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        for _ in range(BATCH_READS):
            ready = [descriptor for descriptor, _ in self._poll.poll(0)]
            if not ready:
                break
            # If both have data, the pipe that was not read last is next. If one has data, it is older than everything
            # that is written to the other one from now on.
            descriptor = next((other for other in ready if other != self._last), ready[0])
            self._last = descriptor
            if data := os.read(descriptor, CHUNK_BYTES):
                self.bytes_read += len(data)
                chunks.append((self._streams[descriptor], data))
            else:
                self._close(descriptor)
        return _joined(chunks)

    def _close(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._streams[descriptor]
        os.close(descriptor)

    def close_pipes(self) -> None:
        for descriptor in list(self._streams):
            self._close(descriptor)


class StreamPipes:
    """The streams of an asyncio subprocess, for Windows. Chunks have the order of the reads."""

    def __init__(self, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        self.waiting = False
        self.bytes_read = 0
        self._readers = {OutputStream.STDOUT: stdout, OutputStream.STDERR: stderr}
        self._reads: dict[asyncio.Task[bytes], OutputStream] = {}

    @property
    def is_open(self) -> bool:
        return bool(self._readers)

    async def read(self, timeout_seconds: float | None) -> list[Chunk]:
        for stream in self._readers.keys() - self._reads.values():
            self._reads[asyncio.create_task(self._readers[stream].read(CHUNK_BYTES), name=stream.value)] = stream
        if not self._reads:
            return []
        self.waiting = True
        try:
            done, _ = await asyncio.wait(self._reads, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.waiting = False
        chunks = [(self._reads.pop(task), task.result()) for task in done]
        for stream, data in chunks:
            self.bytes_read += len(data)
            if not data:
                del self._readers[stream]
        return [(stream, data) for stream, data in chunks if data]

    def close_pipes(self) -> None:
        for task in self._reads:
            task.cancel()
        self._reads.clear()
        self._readers.clear()


async def finish_reading(
    reader: asyncio.Task[None], output: OutputPipes, *, silence_seconds: float, is_stopped: Callable[[], bool]
) -> None:
    """Wait until `reader` has read the output of a child that has exited, however slowly it uses the data.

    An unknown process can hold the pipes open. The reader is cancelled when they were silent for `silence_seconds`, or
    when the run is stopped.
    """
    silent_waits, before = 0, -1
    while not reader.done():
        await asyncio.wait([reader], timeout=silence_seconds / (SILENT_WAITS - 1))
        # The reader can have started to read just now, and an event loop that stood still reads late. Therefore one
        # look at `waiting` proves nothing.
        is_silent = output.waiting and output.bytes_read == before
        silent_waits, before = (silent_waits + 1 if is_silent else 0), output.bytes_read
        if silent_waits == SILENT_WAITS or is_stopped():
            reader.cancel()


def _joined(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks with neighbours of one stream joined: a long line arrives in many small reads."""
    return [
        (stream, b"".join(data for _, data in group)) for stream, group in itertools.groupby(chunks, key=lambda c: c[0])
    ]


def _pipe() -> tuple[int, int]:
    """A pipe that keeps the writes apart where the system can."""
    if sys.platform != "linux":
        return os.pipe()
    import fcntl

    try:
        ends = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    except OSError:
        return os.pipe()
    # Each write takes a page of the pipe. With the default of 16 pages the child would wait after 16 short lines. A
    # user with many pipes is refused the larger size, and keeps the default.
    with contextlib.suppress(OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return ends
