"""Log lines of robots: levels, the limit of length, and searches."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from casare_rpa.domain.instants import Instant

MAX_LINE_BYTES = 64 * 1024
LINE_OVERHEAD_BYTES = 256
"""The approximate bytes of a stored line besides its message."""


class Level(StrEnum):
    """The four levels of the contract, in rising order."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"

    @property
    def rank(self) -> int:
        """0 for DEBUG to 3 for ERROR."""
        return _RANKS[self]


_RANKS = {Level.DEBUG: 0, Level.INFO: 1, Level.WARNING: 2, Level.ERROR: 3}
_LEVELS: dict[str, Level] = {
    **{level.value: level for level in Level},
    "WARN": Level.WARNING,
    "CRITICAL": Level.ERROR,
    "FATAL": Level.ERROR,
}


def parse_level(text: str) -> Level | None:
    """The level of a text in upper or lower case; accepts WARN, CRITICAL and FATAL too; `None` if there is none.

    >>> parse_level("warn"), parse_level("loud")
    (<Level.WARNING: 'WARNING'>, None)
    """
    return _LEVELS.get(text) or _LEVELS.get(text.upper())  # nearly every line has its level in upper case


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """A log line of a robot. `logged_at` is a time of the robot's clock, `received_at` of the server's clock.

    `seq` numbers the stored lines of a robot, with gaps where the robot dropped lines. Before a line is stored, `seq`
    is its number in the robot's journal, or 0.
    """

    tenant_id: str
    robot_id: str
    level: Level
    message: str
    logged_at: Instant
    received_at: Instant
    job_id: str | None = None
    node_id: str | None = None
    truncated: bool = False
    seq: int = 0


def truncate(message: str) -> tuple[str, bool]:
    """The message, without its middle if it has over 64 KiB in UTF-8; and whether it was truncated.

    Both ends are kept because the cause of a failure is usually at one of them.
    """
    if len(message) * 4 <= MAX_LINE_BYTES:
        return message, False
    raw = message.encode()
    if len(raw) <= MAX_LINE_BYTES:
        return message, False
    half = MAX_LINE_BYTES // 2 - 32
    head = raw[:half].decode(errors="ignore")
    tail = raw[-half:].decode(errors="ignore")
    return f"{head}\n… {len(raw) - 2 * half} bytes left out …\n{tail}", True


def stored_bytes(line: LogLine) -> int:
    """The bytes that a line takes in the store: its message, and a constant for the rest of its row and its indexes."""
    message = line.message
    return (len(message) if message.isascii() else len(message.encode())) + LINE_OVERHEAD_BYTES


class StoredLine(msgspec.Struct, frozen=True, gc=False):
    """A stored log line. `log_id` grows in the order of arrival."""

    log_id: int
    line: LogLine


class LinesAfter(msgspec.Struct, frozen=True, gc=False):
    """Lines after an id, in order, and the newest id, which is not newer than the lines if these are all.

    A line that retention deleted is missing.
    """

    last: int
    lines: list[StoredLine]


class LogPosition(NamedTuple):
    """The position of a line in a search: ordered by the time of arrival, then by `log_id`."""

    received_at: Instant
    log_id: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """The filter of a log stream or a log search; `None` means any.

    `text` is a part of the message, in upper or lower case. Lines were received at or after `since`, before `until`.
    """

    tenant_id: str | None = None
    robot_id: str | None = None
    job_id: str | None = None
    min_level: Level = Level.DEBUG
    text: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    node_id: str | None = None
    robots: tuple[str, ...] | None = None
    """Only lines of one of these robots; `None` for any. A search checks it, a stream does not."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Matching lines in the order of the search. The next page begins after `after`; `None` on the last page.

    `scanned_to` is set if the search reached its limit of lines to read; the page can then be short or empty.
    """

    lines: list[StoredLine]
    after: LogPosition | None
    scanned_to: Instant | None
