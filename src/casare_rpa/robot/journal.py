"""The robot's memory on disk: what it started, the ends and log lines that nobody has answered yet.

It outlives the robot's process. An attempt that stands in it is never started again; an end is in it before it is
sent, and leaves when it was answered. Lines are bounded: when there are too many, DEBUG goes first, then the oldest,
and how many went is told.
"""

import logging
import secrets
import sqlite3
import time
from pathlib import Path

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.protocol import JobReport, RobotLog

logger = logging.getLogger(__name__)

MAX_LINES = 200_000
MAX_LINE_BYTES = 128 * 1024 * 1024
KEEP_STARTS_SECONDS = 30 * 24 * 3600
MAX_PROCESSES = 9
SLACK = 50
"""Room is made for a fiftieth at a time, so that a full journal does not delete with every line."""

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
    """One file, one process. Starts and ends are on disk when a method returns, lines with the next of either or
    with `sync`."""

    def __init__(self, path: Path, *, max_lines: int = MAX_LINES, max_bytes: int = MAX_LINE_BYTES) -> None:
        """Open or make it. One that cannot be read is put aside: a robot without its memory still works.

        Raises:
            OSError: the folder cannot be written.
        """
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _first_free(path)
        self.journal_id = self._identity()
        self._dropped = 0
        self._lines, self._bytes = self._connection.execute(
            "SELECT count(*), coalesce(sum(length(entry)), 0) FROM lines"
        ).fetchone()

    def _identity(self) -> str:
        self._connection.execute(
            "INSERT INTO about (name, value) VALUES ('journal_id', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(8),)
        )
        row = self._connection.execute("SELECT value FROM about WHERE name = 'journal_id'").fetchone()
        return str(row[0])

    def close(self) -> None:
        """Write what waits, and close. Idempotent."""
        self.sync()
        self._connection.close()

    def sync(self) -> None:
        """What was logged until now is on disk."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    # Attempts

    def record_start(self, job_id: str, attempt: int) -> bool:
        """Note that an attempt starts now; `False`: it was started before, by this process or an earlier one."""
        done = self._connection.execute(
            "INSERT INTO starts (job_id, attempt, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (job_id, attempt, time.time()),
        )
        self.sync()
        return done.rowcount == 1

    def add_end(self, report: JobReport) -> None:
        """Keep an end until it is answered."""
        self._connection.execute(
            "INSERT INTO ends (job_id, attempt, report) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET report = excluded.report",
            (report.job_id, report.attempt or 0, msgspec.json.encode(report).decode()),
        )
        self.sync()

    def remove_end(self, job_id: str, attempt: int | None) -> None:
        """The orchestrator has it, or will never take it."""
        self._connection.execute("DELETE FROM ends WHERE job_id = ? AND attempt = ?", (job_id, attempt or 0))
        self.sync()

    def pending_ends(self) -> list[JobReport]:
        """In the order in which they were noted."""
        rows = self._connection.execute("SELECT report FROM ends ORDER BY rowid")
        return [_REPORT.decode(row[0]) for row in rows.fetchall()]

    # Log lines

    def add_line(self, entry: RobotLog) -> RobotLog:
        """Keep a line; answers it with its number."""
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
        """Kept lines with greater numbers, in order."""
        rows = self._connection.execute("SELECT seq, entry FROM lines WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [msgspec.structs.replace(_ENTRY.decode(text), seq=number) for number, text in rows.fetchall()]

    def remove_lines(self, up_to_seq: int) -> None:
        """The orchestrator has every line up to this one."""
        self._delete("SELECT seq FROM lines WHERE seq <= ?", up_to_seq)

    def take_dropped_count(self) -> int:
        """How many lines were deleted unsent since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _make_room(self) -> None:
        if self._lines < self._max_lines and self._bytes < self._max_bytes:
            return
        surplus = max(1, self._max_lines // SLACK)
        gone = self._delete("SELECT seq FROM lines WHERE debug = 1 ORDER BY seq LIMIT ?", surplus)
        if not gone:
            gone = self._delete("SELECT seq FROM lines ORDER BY seq LIMIT ?", surplus)
        self._dropped += gone

    def _delete(self, chosen: str, value: int) -> int:
        lengths = self._connection.execute(
            f"DELETE FROM lines WHERE seq IN ({chosen}) RETURNING length(entry)",  # noqa: S608 - our own words
            (value,),
        ).fetchall()
        self._lines -= len(lengths)
        self._bytes -= sum(length for (length,) in lengths)
        return len(lengths)


def _first_free(path: Path) -> sqlite3.Connection:
    """The journal, or one beside it while another process of the same robot holds it."""
    for number in range(1, MAX_PROCESSES + 1):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            return _open(candidate)
        except sqlite3.OperationalError as error:
            logger.warning("the journal %s cannot be used (%s): trying the next name", candidate, error)
        except sqlite3.DatabaseError as error:
            aside = candidate.with_suffix(f".broken-{int(time.time())}")
            logger.error("the journal %s cannot be read (%s): put aside as %s", candidate, error, aside.name)
            candidate.replace(aside)
            for suffix in ("-wal", "-shm"):
                candidate.with_name(candidate.name + suffix).unlink(missing_ok=True)
            return _open(candidate)
    raise OSError(f"no journal can be written in {path.parent}")


def _open(path: Path) -> sqlite3.Connection:
    """Ours alone: a second process would number its lines like this one."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.5)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.executescript(_SCHEMA)
        connection.execute("DELETE FROM starts WHERE started_at < ?", (time.time() - KEEP_STARTS_SECONDS,))
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
