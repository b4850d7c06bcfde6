"""The robot's journal: a durable spool of ends and log lines, and a record of started attempts.

It survives the robot's process. An attempt that it lists is never started again. An end is written before it is sent,
and removed when it is answered. Log lines are bounded: when there are too many, DEBUG lines are dropped first, then the
oldest; a warning in the log counts them.

While the disk is full, read-only or missing, the journal keeps all entries in memory, so that the robot can still
report ends. It tries the file again every few seconds, and then writes the entries that are still needed.
"""

import itertools
import logging
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.protocol import JobReport, RobotLog
from casare_rpa.robot.journal_file import RESERVED_NUMBERS, JournalFile, JournalLine, Key

logger = logging.getLogger(__name__)

MAX_LINES = 200_000
MAX_LINE_BYTES = 128 * 1024 * 1024
MAX_MEMORY_LINES = 10_000
MAX_MEMORY_BYTES = 8 * 1024 * 1024
KEEP_STARTS_SECONDS = 30 * 24 * 3600
PRUNE_SECONDS = 3600.0
RETRY_SECONDS = 5.0

_ENTRY = msgspec.json.Decoder(RobotLog)
_REPORT = msgspec.json.Decoder(JobReport)

T = TypeVar("T")


class OpenFile(Protocol):
    """Opens the file of a journal, see `JournalFile`."""

    def __call__(self, path: Path, max_lines: int, max_bytes: int, clock: Callable[[], float]) -> JournalFile: ...


class Journal:
    """One journal, used by one process, and by one thread at a time. No method fails when the disk does.

    Every entry is durable after the next `sync`, unless the disk fails. `JournalThread` is the `Spool` of a robot.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_LINE_BYTES,
        max_memory_lines: int = MAX_MEMORY_LINES,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        retry_seconds: float = RETRY_SECONDS,
        open_file: OpenFile = JournalFile,
    ) -> None:
        self._path = path
        self._open_file = partial(open_file, path, max_lines, max_bytes, clock)
        self._max_memory_lines = max_memory_lines
        self._max_memory_bytes = max_memory_bytes
        self._clock = clock
        self._monotonic = monotonic
        self._retry_seconds = retry_seconds
        self._file: JournalFile | None = None
        self._retry_at: float | None = None
        """The time of the next attempt to use the file; `None` while it works."""
        self._pruned_at = float("-inf")
        self._dropped = 0
        # Written to the file when it works again:
        self._starts: dict[Key, float] = {}
        self._ends: dict[Key, JobReport] = {}
        self._removed_ends: set[Key] = set()
        self._removed_up_to = 0
        self._lines: deque[JournalLine] = deque()
        self._lines_bytes = 0
        self._uncommitted: list[Callable[[], None]] = []
        """For each entry of the open transaction, what keeps it in memory instead. Called when it fails, in order."""
        self.journal_id = secrets.token_hex(8)
        self._next_seq = 1
        self._reserved_below = 0
        self._closed = False
        self._stores_lines = self._open() and self._number_lines()
        """Whether lines are stored in the file. False if their numbers could not be reserved when the process started:
        then lines stay in memory, under a journal id of their own, until the process ends."""

    def _open(self) -> bool:
        """Whether the file is open. It is opened if it is not."""
        if self._file is None and not self._closed:
            try:
                self._file = self._open_file()
            except (sqlite3.Error, OSError) as error:
                self._on_failure(error)
        return self._file is not None

    def _number_lines(self) -> bool:
        """Continue the numbers of the file. False if the reservation could not be stored."""

        def reserve(file: JournalFile) -> tuple[str, int, int]:
            first = file.next_seq()
            return file.journal_id(), first, file.reserve_numbers(first)

        numbers = self._write(reserve, commit=True)
        if numbers is None:
            return False
        self.journal_id, self._next_seq, self._reserved_below = numbers
        return True

    def close(self) -> None:
        """Commit and close the file. Idempotent."""
        if self._closed:
            return
        self._retry_at = None if self._retry_at is None else self._monotonic()  # try the file once more, without a wait
        self.sync()
        if self._stores_lines:
            self._write(lambda file: file.reserve_numbers(self._next_seq, 0), commit=True)
        if self._ends or self._lines:
            logger.error("%d ends and %d log lines are not stored and are lost", len(self._ends), len(self._lines))
        self._closed = True
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def sync(self) -> None:
        """Make every entry durable; after a failure of the disk, try the file again."""
        if self._uncommitted or self._retry_at is not None:
            self._write(lambda _file: True, commit=True)

    @property
    def next_seq(self) -> int:
        """The number of the next line."""
        return self._next_seq

    # The file

    def _read(self, read: Callable[[JournalFile], T]) -> T | None:
        """The result of a read; `None` when the file cannot be read."""
        if self._file is None:
            return None
        try:
            return read(self._file)
        except (sqlite3.Error, OSError) as error:
            self._on_failure(error)
            return None

    def _write(
        self, write: Callable[[JournalFile], T], keep: Callable[[], None] | None = None, *, commit: bool = False
    ) -> T | None:
        """The result of a write; `None` when nothing was written, because the disk fails.

        `keep` keeps the entry in memory; it is called when the write or its later commit fails.
        """
        if self._retry_at is not None and not self._recover():
            if keep is not None:
                keep()
            return None
        if keep is not None:
            self._uncommitted.append(keep)

        def run(file: JournalFile) -> T:
            result = write(file)
            if commit:
                file.commit()
                self._uncommitted.clear()
            return result

        return self._read(run)

    def _recover(self) -> bool:
        """Write the entries that are only in memory, if an attempt is due."""
        if self._retry_at is not None and self._monotonic() < self._retry_at:
            return False
        dropped = self._read(self._write_all) if self._open() else None
        if dropped is None:
            return False
        self._dropped += dropped
        logger.info("the journal %s can be written again", self._path)
        self._retry_at = None
        for stored in (self._starts, self._ends, self._removed_ends):
            stored.clear()
        if self._stores_lines:
            self._lines.clear()
            self._lines_bytes = self._removed_up_to = 0
        return True

    def _write_all(self, file: JournalFile) -> int:
        """Write the entries that are only in memory. Returns the number of lines dropped to make room."""
        dropped = 0
        for key, started_at in self._starts.items():
            file.add_start(key, started_at)
        for key in self._removed_ends:
            file.remove_end(key)
        for key, report in self._ends.items():
            file.add_end(key, _encode(report))
        if self._stores_lines:
            file.remove_lines(self._removed_up_to)
            dropped = file.add_lines(self._lines)
        file.commit()
        return dropped

    def _on_failure(self, error: Exception) -> None:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise error  # a wrong statement, not the disk
        if self._retry_at is None:
            logger.error(
                "the journal %s cannot be used (%s): ends and log lines are kept in memory, and are lost if this "
                "process ends before they are sent; make room, or make the folder writable",
                self._path,
                error,
            )
        self._retry_at = self._monotonic() + self._retry_seconds
        kept, self._uncommitted = self._uncommitted, []
        for keep in kept:
            keep()
        if self._file is not None:
            try:
                self._file.rollback()
            except sqlite3.Error as failed:
                logger.debug("the journal cannot be rolled back: %s", failed)  # the next attempt opens the file again

    # Attempts

    def record_start(self, job_id: str, attempt: int) -> bool:
        """Record the start of an attempt. Returns False when this or an earlier process has started it before."""
        key, now = (job_id, attempt), self._clock()
        if key in self._starts:
            return False
        self._prune_starts(now)

        def keep() -> None:
            self._starts.setdefault(key, now)

        recorded = self._write(lambda file: file.add_start(key, now), keep)
        if recorded is None:
            recorded = not self._read(lambda file: file.was_started(key))
        return recorded

    def _prune_starts(self, now: float) -> None:
        """Remove starts older than 30 days, at most once an hour."""
        if self._monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = self._monotonic()
        oldest = now - KEEP_STARTS_SECONDS
        self._write(lambda file: file.remove_starts(oldest))
        self._starts = {key: started_at for key, started_at in self._starts.items() if started_at >= oldest}

    def add_end(self, report: JobReport) -> None:
        """Store an end. A newer end of the same attempt replaces it."""
        key = (report.job_id, report.attempt or 0)

        def keep() -> None:
            self._ends[key] = report
            self._removed_ends.discard(key)

        self._write(lambda file: file.add_end(key, _encode(report)), keep)

    def remove_end(self, job_id: str, attempt: int | None) -> None:
        """Remove an end that was accepted or refused. Idempotent."""
        key = (job_id, attempt or 0)
        self._ends.pop(key, None)

        def keep() -> None:
            self._ends.pop(key, None)
            self._removed_ends.add(key)

        self._write(lambda file: file.remove_end(key), keep)

    def pending_ends(self) -> list[JobReport]:
        """Stored ends in the order in which they were added. Unreadable ones are left out."""
        stored = self._read(lambda file: file.ends()) or []
        reports = [_decode(text) for key, text in stored if key not in self._removed_ends and key not in self._ends]
        return [report for report in reports if report is not None] + [*self._ends.values()]

    # Log lines

    def add_line(self, entry: RobotLog) -> RobotLog:
        """Store a line and return it with its number."""
        text = codec.repair(msgspec.json.encode(entry).decode())
        line = JournalLine(self._next_seq, entry.level == "DEBUG", text)
        self._next_seq += 1
        if self._stores_lines:
            dropped = self._write(lambda file: self._store_line(file, line), partial(self._keep_line, line))
            self._dropped += dropped or 0  # after the write, which can drop lines of the memory
        else:
            self._keep_line(line)
        return msgspec.structs.replace(entry, seq=line.seq)

    def _store_line(self, file: JournalFile, line: JournalLine) -> int:
        if line.seq > self._reserved_below - RESERVED_NUMBERS // 2:
            self._reserved_below = file.reserve_numbers(line.seq)
        return file.add_lines((line,))

    def _keep_line(self, line: JournalLine) -> None:
        """Keep a line in memory. When there are too many, DEBUG lines are dropped first, then the oldest."""
        self._lines.append(line)
        self._lines_bytes += line.size_bytes
        if len(self._lines) <= self._max_memory_lines and self._lines_bytes <= self._max_memory_bytes:
            return
        kept = deque(one for one in self._lines if not one.debug)
        if len(kept) == len(self._lines):
            for _ in range(max(1, len(kept) // 50)):
                kept.popleft()
        self._dropped += len(self._lines) - len(kept)
        self._lines = kept
        self._lines_bytes = sum(one.size_bytes for one in kept)

    def lines_after(self, seq: int, limit: int) -> list[RobotLog]:
        """Stored lines with a number above `seq`, in order."""
        lines: list[JournalLine] = []
        if self._stores_lines:
            lines = self._read(lambda file: file.lines_after(max(seq, self._removed_up_to), limit)) or []
        # Lines in memory are newer: they were added while the file could not be written.
        newer = (line for line in self._lines if line.seq > seq)
        lines += itertools.islice(newer, limit - len(lines))
        return [msgspec.structs.replace(_ENTRY.decode(line.entry), seq=line.seq) for line in lines]

    def remove_lines(self, up_to_seq: int) -> None:
        """Remove the lines up to and including a number. Idempotent."""
        while self._lines and self._lines[0].seq <= up_to_seq:
            self._lines_bytes -= self._lines.popleft().size_bytes

        def keep() -> None:
            self._removed_up_to = max(self._removed_up_to, up_to_seq)
            while self._lines and self._lines[0].seq <= up_to_seq:
                self._lines_bytes -= self._lines.popleft().size_bytes

        if self._stores_lines:
            self._write(lambda file: file.remove_lines(up_to_seq), keep)

    def take_dropped_count(self) -> int:
        """Number of lines dropped unsent since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped


def _encode(report: JobReport) -> str:
    return msgspec.json.encode(report).decode()


def _decode(text: str) -> JobReport | None:
    try:
        return _REPORT.decode(text)
    except msgspec.DecodeError as error:
        logger.error("an end in the journal cannot be read, and is not sent: %s", error)
        return None
