"""Log lines of robots: their levels, and how long a line may be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from casare_rpa.domain.instants import Instant

MAX_LINE_BYTES = 64 * 1024


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
_ALIASES = {"WARN": Level.WARNING, "CRITICAL": Level.ERROR, "FATAL": Level.ERROR}


def parse_level(text: str) -> Level | None:
    """The level of a text in any case; WARN, CRITICAL and FATAL are understood; `None` = no such level.

    >>> parse_level("warn"), parse_level("loud")
    (<Level.WARNING: 'WARNING'>, None)
    """
    upper = text.upper()
    return Level(upper) if upper in _RANKS else _ALIASES.get(upper)


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line that a robot logged. `logged_at` is the robot's own clock, `received_at` ours.

    `seq` numbers the stored lines of a robot, with gaps where it had to drop some. Before a line is stored it is its
    number in the robot's journal, or 0.
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
    """The message, with its middle cut out when it is over 64 KiB of UTF-8; and whether it was.

    Head and tail are kept because the cause of a failure stands at one of the two ends.
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


class StoredLine(msgspec.Struct, frozen=True, gc=False):
    """A log line with its place in the order of arrival."""

    log_id: int
    line: LogLine


class LogPosition(NamedTuple):
    """Where a line stands in a search: by the time of its arrival, then by its place in it."""

    received_at: Instant
    log_id: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log lines a viewer sees or a search finds; `None` means any.

    `text` is part of the message, in any case of letters. Received from `since` on and before `until`."""

    tenant_id: str | None = None
    robot_id: str | None = None
    job_id: str | None = None
    min_level: Level = Level.DEBUG
    text: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    node_id: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that match, newest first. `after` is where the next page begins, `None` when there is no more.

    `scanned_to`: the search stopped there because it had looked at enough; the page may be short, even empty.
    """

    lines: list[StoredLine]
    after: LogPosition | None
    scanned_to: Instant | None
