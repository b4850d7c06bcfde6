"""Log lines on their way: bounded, and put together into messages of a size that the orchestrator takes."""

from collections import deque
from collections.abc import Sequence

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.logs import truncate
from casare_rpa.domain.protocol import LogBatch, RobotLog
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Memory

CAPACITY_LINES = 10_000
CAPACITY_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 200
PAGE_LINES = 1_000
_ENVELOPE_BYTES = 128


def fitting(entry: RobotLog, limit_bytes: int) -> RobotLog:
    """The entry, its line cut in the middle to 64 KiB, and further where escapes blow it up beyond the limit."""
    line, _ = truncate(entry.message)
    entry = msgspec.structs.replace(entry, message=line)
    while len(codec.encode(entry)) > limit_bytes and len(line) > 1:
        kept = len(line) // 4
        line = f"{line[:kept]}\n… left out …\n{line[-kept:]}" if kept > len("left out") else line[:kept]
        entry = msgspec.structs.replace(entry, message=line)
    return entry


class LogBuffer:
    """Lines that are not yet in a message, oldest first.

    With a memory every line is kept there first, and there alone while the buffer is full.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._entries: deque[tuple[RobotLog, int]] = deque()
        self._bytes = 0
        self._memory = memory
        self._behind = memory is not None and bool(memory.lines_after(0, 1))
        """Whether the memory holds lines behind those of the buffer: at first, what an earlier process left."""
        self._last_seq = 0
        self.connected = False
        self.put_lines = 0
        """How many lines were ever put, and taken: together they number the lines."""
        self.taken_lines = 0

    def __len__(self) -> int:
        return len(self._entries) + self._behind

    @property
    def full(self) -> bool:
        """Whether whoever logs has to wait: 10,000 lines, or 8 MiB of them.

        With a memory nobody waits for a connection, only for one that is slow.
        """
        if self._memory is None:
            return self._crowded
        return self.connected and (self._crowded or (self._behind and self.put_lines > CAPACITY_LINES))

    @property
    def _crowded(self) -> bool:
        return len(self._entries) >= CAPACITY_LINES or self._bytes >= CAPACITY_BYTES

    def put(self, entry: RobotLog, limit_bytes: int) -> None:
        """Take a line; one message may take `limit_bytes` of JSON."""
        entry = fitting(entry, limit_bytes - _ENVELOPE_BYTES)
        self.put_lines += 1
        if self._memory is not None:
            entry = self._memory.log(entry)
            if self._behind or self._crowded:
                self._behind = True
                return
        self._append(entry)

    def _append(self, entry: RobotLog) -> None:
        size = len(codec.encode(entry))
        self._entries.append((entry, size))
        self._bytes += size
        self._last_seq = entry.seq or 0

    def _refill(self) -> None:
        """Lines that are in the memory alone come next, when there is room again."""
        if self._memory is None or not self._behind or len(self._entries) >= PAGE_LINES:
            return
        lines = self._memory.lines_after(self._last_seq, PAGE_LINES)
        for entry in lines:
            self._append(entry)
        self._behind = len(lines) == PAGE_LINES

    def put_back(self, entries: Sequence[RobotLog]) -> None:
        """Lines that were taken, and have to go into other messages: they are the oldest again."""
        for entry in reversed(entries):
            size = len(codec.encode(entry))
            self._entries.appendleft((entry, size))
            self._bytes += size
        self.taken_lines -= len(entries)

    def take(self, limit_bytes: int) -> protocol.Message | None:
        """The oldest lines as one message: `log` for one, `log_batch` for up to 200 of at most `limit_bytes`.

        A line that came when more was allowed is cut once more.
        """
        self._refill()
        batch: list[RobotLog] = []
        room = limit_bytes - _ENVELOPE_BYTES
        while self._entries and len(batch) < MAX_ENTRIES and (not batch or self._entries[0][1] <= room):
            entry, size = self._entries.popleft()
            self._bytes -= size
            self.taken_lines += 1
            batch.append(entry if size <= room else fitting(entry, room))
            room -= size
        if not batch:
            return None
        return batch[0] if len(batch) == 1 else LogBatch(entries=batch)
