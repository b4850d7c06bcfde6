"""Bounded buffer that groups log lines into messages of a size that the orchestrator accepts."""

from collections import deque
from collections.abc import Sequence

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.logs import truncate
from casare_rpa.domain.protocol import LogBatch, RobotLog
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Spool

CAPACITY_LINES = 10_000
CAPACITY_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 200
PAGE_LINES = 1_000
_ENVELOPE_BYTES = 128


def fitting(entry: RobotLog, limit_bytes: int) -> RobotLog:
    """The entry with its line cut in the middle to 64 KiB, and further when its JSON exceeds the limit."""
    line, _ = truncate(entry.message)
    entry = msgspec.structs.replace(entry, message=line)
    # JSON escapes can make a line up to six times longer, so the encoded size decides.
    while len(codec.encode(entry)) > limit_bytes and len(line) > 1:
        kept = len(line) // 4
        line = f"{line[:kept]}\n… left out …\n{line[-kept:]}" if kept > len("left out") else line[:kept]
        entry = msgspec.structs.replace(entry, message=line)
    return entry


class LogBuffer:
    """Lines that are not part of a message yet, oldest first.

    With a spool every line is stored there first. While the buffer is full, further lines are in the spool only, and
    `take_message` reads them back.
    """

    def __init__(
        self,
        spool: Spool | None = None,
        *,
        capacity_lines: int = CAPACITY_LINES,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._entries: deque[tuple[RobotLog, int]] = deque()
        self._bytes = 0
        self._spool = spool
        self._capacity_lines = capacity_lines
        self._capacity_bytes = capacity_bytes
        # Lines that an earlier process left behind come first.
        self._more_in_spool = spool is not None and bool(spool.lines_after(0, 1))
        self._last_seq = 0
        self.connected = False
        self.lines_put = 0
        """Number of lines ever put. With `lines_taken` it gives each line a position."""
        self.lines_taken = 0

    def __len__(self) -> int:
        return len(self._entries) + self._more_in_spool

    @property
    def buffered_bytes(self) -> int:
        """Encoded size of the lines in memory."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether a caller must wait before it logs: 10,000 lines or 8 MiB by default.

        With a spool, callers wait only for a slow connection, never for a missing one.
        """
        if self._spool is None:
            return self._at_capacity
        return self.connected and (self._at_capacity or (self._more_in_spool and self.lines_put > self._capacity_lines))

    @property
    def _at_capacity(self) -> bool:
        return len(self._entries) >= self._capacity_lines or self._bytes >= self._capacity_bytes

    def put_line(self, entry: RobotLog, limit_bytes: int) -> None:
        """Add a line, cut to a message of at most `limit_bytes` of JSON."""
        entry = fitting(entry, limit_bytes - _ENVELOPE_BYTES)
        self.lines_put += 1
        if self._spool is not None:
            entry = self._spool.add_line(entry)
            # Once a line is in the spool only, all later ones must be, or the order would change.
            if self._more_in_spool or self._at_capacity:
                self._more_in_spool = True
                return
        self._append(entry)

    def _append(self, entry: RobotLog) -> None:
        size = len(codec.encode(entry))
        self._entries.append((entry, size))
        self._bytes += size
        self._last_seq = entry.seq or 0

    def _refill(self) -> None:
        """Read the next page from the spool when the buffer has room for it."""
        if self._spool is None or not self._more_in_spool or len(self._entries) >= PAGE_LINES:
            return
        lines = self._spool.lines_after(self._last_seq, PAGE_LINES)
        for entry in lines:
            self._append(entry)
        self._more_in_spool = len(lines) == PAGE_LINES

    def put_back_lines(self, entries: Sequence[RobotLog]) -> None:
        """Return taken lines to the front, to be grouped into other messages."""
        for entry in reversed(entries):
            size = len(codec.encode(entry))
            self._entries.appendleft((entry, size))
            self._bytes += size
        self.lines_taken -= len(entries)

    def take_message(self, limit_bytes: int) -> protocol.Message | None:
        """The oldest lines as one message: `log` for one line, `log_batch` for up to 200 within `limit_bytes`.

        A line that was put under a higher limit is cut again.
        """
        self._refill()
        batch: list[RobotLog] = []
        room = limit_bytes - _ENVELOPE_BYTES
        while self._entries and len(batch) < MAX_ENTRIES and (not batch or self._entries[0][1] <= room):
            entry, size = self._entries.popleft()
            self._bytes -= size
            self.lines_taken += 1
            batch.append(entry if size <= room else fitting(entry, room))
            room -= size
        if not batch:
            return None
        return batch[0] if len(batch) == 1 else LogBatch(entries=batch)
