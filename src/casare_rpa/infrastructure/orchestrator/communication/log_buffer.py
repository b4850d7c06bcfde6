"""Log lines on their way: bounded, and put together into messages of a size that the orchestrator takes."""

from collections import deque
from collections.abc import Sequence

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.logs import truncate
from casare_rpa.domain.protocol import LogBatch, RobotLog

CAPACITY_LINES = 10_000
CAPACITY_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 200
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
    """Lines that are not yet in a message, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[tuple[RobotLog, int]] = deque()
        self._bytes = 0
        self.put_lines = 0
        """How many lines were ever put, and taken: together they number the lines."""
        self.taken_lines = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def full(self) -> bool:
        """Whether whoever logs has to wait: 10,000 lines, or 8 MiB of them."""
        return len(self._entries) >= CAPACITY_LINES or self._bytes >= CAPACITY_BYTES

    def put(self, entry: RobotLog, limit_bytes: int) -> None:
        """Take a line; one message may take `limit_bytes` of JSON."""
        entry = fitting(entry, limit_bytes - _ENVELOPE_BYTES)
        size = len(codec.encode(entry))
        self._entries.append((entry, size))
        self.put_lines += 1
        self._bytes += size

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
