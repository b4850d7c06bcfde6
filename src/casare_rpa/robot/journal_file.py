"""The file of a robot's journal: SQLite, used by one process at a time. Each method raises when the disk fails."""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

PRIVATE_MODE = 0o600
OF_OTHERS = 0o007

logger = logging.getLogger(__name__)

MAX_PROCESSES = 9
DROP_SHARE = 50
"""A full journal drops a fiftieth of its lines at once, so that it does not delete with every new line."""
RESERVED_NUMBERS = 1_000_000

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
_BYTES = "length(CAST(entry AS BLOB))"  # `length` of a text counts characters
_LAST_NUMBER = """
SELECT max(
    coalesce((SELECT max(seq) FROM lines), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'lines'), 0)
)
"""

Key = tuple[str, int]


class JournalLine(NamedTuple):
    """A log line as stored. `entry` is JSON."""

    seq: int
    debug: bool
    entry: str

    @property
    def size_bytes(self) -> int:
        return len(self.entry.encode())


class JournalFile:
    """Starts, ends and log lines in one file. A write is durable after `commit`.

    Raises from every method: sqlite3.Error, when the disk is full, read-only or broken.
    """

    def __init__(self, path: Path, max_lines: int, max_bytes: int, clock: Callable[[], float]) -> None:
        """Open or create the file. An unreadable file is renamed and replaced, so that the robot can still work.

        Raises:
            OSError, sqlite3.Error: it can be neither opened nor created.
        """
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _open_first_free(path, clock)
        try:
            self._lines, self._bytes = self._count_lines()
        except sqlite3.Error:
            self._connection.close()
            raise

    # Transactions

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")

    def commit(self) -> None:
        """Make every write durable."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo every write since the last commit."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._lines, self._bytes = self._count_lines()

    def _count_lines(self) -> tuple[int, int]:
        counted = f"SELECT count(*), coalesce(sum({_BYTES}), 0) FROM lines"  # noqa: S608 - constants of this module
        count, size_bytes = self._connection.execute(counted).fetchone()
        return count, size_bytes

    def close(self) -> None:
        """Close the file. Uncommitted writes are undone."""
        self._connection.close()

    # Identity and numbers

    def journal_id(self) -> str:
        """The id of the sequence that numbers the lines; a new one for a new file."""
        if (known := self._about("journal_id")) is not None:
            return known
        self._begin()
        made = secrets.token_hex(8)
        self._set_about("journal_id", made)
        return made

    def next_seq(self) -> int:
        """The first number that no earlier process has given to a line."""
        reserved, used = self._about("next_seq"), self._connection.execute(_LAST_NUMBER).fetchone()[0]
        return max(int(reserved or 1), int(used) + 1)

    def reserve_numbers(self, used_below: int, count: int = RESERVED_NUMBERS) -> int:
        """Reserve numbers for lines of this process. Returns the first number that is not reserved.

        A later process begins above them, so it reuses no number, also when the disk failed before this process ended.
        """
        self._begin()
        self._set_about("next_seq", str(used_below + count))
        return used_below + count

    def _about(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _set_about(self, name: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    # Attempts

    def add_start(self, key: Key, started_at: float) -> bool:
        """Record the start of an attempt. False when it is recorded already."""
        self._begin()
        statement = "INSERT INTO starts (job_id, attempt, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        return self._connection.execute(statement, (*key, started_at)).rowcount == 1

    def was_started(self, key: Key) -> bool:
        found = self._connection.execute("SELECT 1 FROM starts WHERE job_id = ? AND attempt = ?", key)
        return found.fetchone() is not None

    def remove_starts(self, before: float) -> None:
        """Remove the starts that were recorded before a time."""
        self._begin()
        self._connection.execute("DELETE FROM starts WHERE started_at < ?", (before,))

    def add_end(self, key: Key, report: str) -> None:
        """Store an end as JSON. It replaces an earlier one of the attempt."""
        self._begin()
        self._connection.execute(
            "INSERT INTO ends (job_id, attempt, report) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET report = excluded.report",
            (*key, report),
        )

    def remove_end(self, key: Key) -> None:
        self._begin()
        self._connection.execute("DELETE FROM ends WHERE job_id = ? AND attempt = ?", key)

    def ends(self) -> list[tuple[Key, str]]:
        """Stored ends in the order in which they were added."""
        rows = self._connection.execute("SELECT job_id, attempt, report FROM ends ORDER BY rowid").fetchall()
        return [((job_id, attempt), report) for job_id, attempt, report in rows]

    # Log lines

    def add_lines(self, lines: Iterable[JournalLine]) -> int:
        """Store lines with numbers above the stored ones. Returns the number of lines dropped to make room."""
        self._begin()
        dropped = 0
        for line in lines:
            dropped += self._make_room()
            # A line whose commit failed can be in the file: the disk can fail after the write.
            statement = "INSERT INTO lines (seq, debug, entry) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            if self._connection.execute(statement, line).rowcount == 1:
                self._lines += 1
                self._bytes += line.size_bytes
        return dropped

    def lines_after(self, seq: int, limit: int) -> list[JournalLine]:
        """Stored lines with a number above `seq`, in order."""
        rows = self._connection.execute(
            "SELECT seq, debug, entry FROM lines WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
        )
        return [JournalLine(number, bool(debug), entry) for number, debug, entry in rows.fetchall()]

    def remove_lines(self, up_to_seq: int) -> None:
        """Remove the lines up to and including a number."""
        self._delete_lines("SELECT seq FROM lines WHERE seq <= ?", up_to_seq)

    def _make_room(self) -> int:
        if self._lines < self._max_lines and self._bytes < self._max_bytes:
            return 0
        surplus = max(1, self._max_lines // DROP_SHARE)
        dropped = self._delete_lines("SELECT seq FROM lines WHERE debug = 1 ORDER BY seq LIMIT ?", surplus)
        return dropped or self._delete_lines("SELECT seq FROM lines ORDER BY seq LIMIT ?", surplus)

    def _delete_lines(self, chosen: str, value: int) -> int:
        # The counters must follow every deletion. A byte count that only grows would make the journal drop unsent
        # lines permanently once 128 MiB have passed through it.
        self._begin()
        lengths = self._connection.execute(
            f"DELETE FROM lines WHERE seq IN ({chosen}) RETURNING {_BYTES}",  # noqa: S608 - constants of this module
            (value,),
        ).fetchall()
        self._lines -= len(lengths)
        self._bytes -= sum(length for (length,) in lengths)
        return len(lengths)


def _open_first_free(path: Path, clock: Callable[[], float]) -> sqlite3.Connection:
    """Open the journal, or a numbered journal next to it while another process of the robot uses the first one."""
    for number in range(1, MAX_PROCESSES + 1):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            return _open(candidate)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            logger.warning("the journal %s is in use by another process; trying the next name", candidate)
        except sqlite3.DatabaseError as error:
            aside = candidate.with_suffix(f".broken-{int(clock())}")
            logger.error("the journal %s cannot be read (%s); renamed to %s", candidate, error, aside.name)
            candidate.replace(aside)
            for suffix in ("-wal", "-shm"):
                candidate.with_name(candidate.name + suffix).unlink(missing_ok=True)
            return _open(candidate)
    raise OSError(f"{MAX_PROCESSES} other processes of the robot use the journals in {path.parent}")


def _make_private(path: Path) -> None:
    """Remove the access of others from an existing journal; a new one gets the file mode mask of the robot.

    Access of the group alone was given on purpose, and is kept.
    """
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        try:
            if file.stat().st_mode & OF_OTHERS:
                file.chmod(PRIVATE_MODE)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            logger.warning("other users can read the journal %s: %s", file, error)


def _open(path: Path) -> sqlite3.Connection:
    """Open a journal file with an exclusive lock. It and its side files lose the access of others."""
    _make_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.5, check_same_thread=False)
    try:
        # A second process on the same file would give its lines the same numbers, and the orchestrator would drop
        # them as repeats.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
