"""The robot's journal: a durable spool of ends and log lines, and a record of started attempts.

It survives the robot's process. An attempt that it lists is never started again. An end is written before it is sent,
and removed when it is answered. Log lines are bounded: when there are too many, DEBUG lines are dropped first, then the
oldest; a warning in the log counts them.
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.protocol import JobReport, RobotLog

logger = logging.getLogger(__name__)

MAX_LINES = 200_000
MAX_LINE_BYTES = 128 * 1024 * 1024
KEEP_STARTS_SECONDS = 30 * 24 * 3600
MAX_PROCESSES = 9
DROP_SHARE = 50
"""A full journal drops a fiftieth of its lines at once, so that it does not delete with every new line."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS starts (
    job_id TEXT NOT NULL, attempt INTEGER NOT NULL, started_at REAL NOT NULL, PRIMARY KEY (job_id, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS ends (
    job_id TEXT NOT NULL, attempt INTEGER NOT NULL, report TEXT NOT NULL, PRIMARY KEY (job_id, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS lines (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, debug INTEGER NOT NULL, entry TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS debug_lines ON lines (seq) WHERE debug = 1;
"""

_ENTRY = msgspec.json.Decoder(RobotLog)
_REPORT = msgspec.json.Decoder(JobReport)


class Journal:
    """One file, used by one process. Implements `Spool`.

    Starts and ends are durable on return, lines after the next start, end or `sync`.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_LINE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or create the file. An unreadable file is renamed and replaced, so that the robot can still work.

        Starts older than 30 days are removed.

        Raises:
            OSError: the folder is not writable.
        """
        self._clock = clock
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _open_first_free(path, clock)
        self.journal_id = self._read_journal_id()
        self._dropped = 0
        self._lines, self._bytes = self._connection.execute(
            "SELECT count(*), coalesce(sum(length(entry)), 0) FROM lines"
        ).fetchone()

    def _read_journal_id(self) -> str:
        self._connection.execute(
            "INSERT INTO about (name, value) VALUES ('journal_id', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(8),)
        )
        row = self._connection.execute("SELECT value FROM about WHERE name = 'journal_id'").fetchone()
        return str(row[0])

    def close(self) -> None:
        """Commit and close the file. Idempotent."""
        self.sync()
        self._connection.close()

    def sync(self) -> None:
        """Make every added line durable."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    # Attempts

    def record_start(self, job_id: str, attempt: int) -> bool:
        """Record the start of an attempt. Returns False when this or an earlier process has started it before."""
        done = self._connection.execute(
            "INSERT INTO starts (job_id, attempt, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (job_id, attempt, self._clock()),
        )
        self.sync()
        return done.rowcount == 1

    def add_end(self, report: JobReport) -> None:
        """Store an end. A newer end of the same attempt replaces it."""
        self._connection.execute(
            "INSERT INTO ends (job_id, attempt, report) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET report = excluded.report",
            (report.job_id, report.attempt or 0, msgspec.json.encode(report).decode()),
        )
        self.sync()

    def remove_end(self, job_id: str, attempt: int | None) -> None:
        """Remove an end that was accepted or refused. Idempotent."""
        self._connection.execute("DELETE FROM ends WHERE job_id = ? AND attempt = ?", (job_id, attempt or 0))
        self.sync()

    def pending_ends(self) -> list[JobReport]:
        """Stored ends in the order in which they were added."""
        rows = self._connection.execute("SELECT report FROM ends ORDER BY rowid")
        return [_REPORT.decode(row[0]) for row in rows.fetchall()]

    # Log lines

    def add_line(self, entry: RobotLog) -> RobotLog:
        """Store a line and return it with its number."""
        self._make_room()
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        text = codec.repair(msgspec.json.encode(entry).decode())
        cursor = self._connection.execute(
            "INSERT INTO lines (debug, entry) VALUES (?, ?)", (int(entry.level == "DEBUG"), text)
        )
        self._lines += 1
        self._bytes += len(text)
        return msgspec.structs.replace(entry, seq=cursor.lastrowid)

    def lines_after(self, seq: int, limit: int) -> list[RobotLog]:
        """Stored lines with a number above `seq`, in order."""
        rows = self._connection.execute("SELECT seq, entry FROM lines WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [msgspec.structs.replace(_ENTRY.decode(text), seq=number) for number, text in rows.fetchall()]

    def remove_lines(self, up_to_seq: int) -> None:
        """Remove the lines up to and including a number. Idempotent."""
        self._delete("SELECT seq FROM lines WHERE seq <= ?", up_to_seq)

    def take_dropped_count(self) -> int:
        """Number of lines dropped unsent since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _make_room(self) -> None:
        if self._lines < self._max_lines and self._bytes < self._max_bytes:
            return
        surplus = max(1, self._max_lines // DROP_SHARE)
        dropped = self._delete("SELECT seq FROM lines WHERE debug = 1 ORDER BY seq LIMIT ?", surplus)
        if not dropped:
            dropped = self._delete("SELECT seq FROM lines ORDER BY seq LIMIT ?", surplus)
        self._dropped += dropped

    def _delete(self, chosen: str, value: int) -> int:
        # The counters must follow every deletion. A byte count that only grows would make the journal drop unsent
        # lines for ever once 128 MiB have passed through it.
        lengths = self._connection.execute(
            f"DELETE FROM lines WHERE seq IN ({chosen}) RETURNING length(entry)",  # noqa: S608 - constants of this module
            (value,),
        ).fetchall()
        self._lines -= len(lengths)
        self._bytes -= sum(length for (length,) in lengths)
        return len(lengths)


def _open_first_free(path: Path, clock: Callable[[], float]) -> sqlite3.Connection:
    """Open the journal, or a numbered one next to it while another process of the robot uses it."""
    for number in range(1, MAX_PROCESSES + 1):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            return _open(candidate, clock)
        except sqlite3.OperationalError as error:
            logger.warning("the journal %s cannot be used (%s); trying the next name", candidate, error)
        except sqlite3.DatabaseError as error:
            aside = candidate.with_suffix(f".broken-{int(clock())}")
            logger.error("the journal %s cannot be read (%s); renamed to %s", candidate, error, aside.name)
            candidate.replace(aside)
            for suffix in ("-wal", "-shm"):
                candidate.with_name(candidate.name + suffix).unlink(missing_ok=True)
            return _open(candidate, clock)
    raise OSError(f"cannot write a journal in {path.parent}")


def _open(path: Path, clock: Callable[[], float]) -> sqlite3.Connection:
    """Open a journal file with an exclusive lock."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.5)
    try:
        # A second process on the same file would give its lines the same numbers, and the orchestrator would drop
        # them as repeats.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.executescript(_SCHEMA)
        connection.execute("DELETE FROM starts WHERE started_at < ?", (clock() - KEEP_STARTS_SECONDS,))
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
