"""The search of log lines on SQLite."""

import sqlite3

from casare_rpa.domain.logs import LogFilter, LogPage, LogPosition
from casare_rpa.infrastructure.orchestrator.storage.cold.log_search import LogSearch, cases_of
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Pace

PART_LINES = 100


def search(
    connection: sqlite3.Connection,
    wanted: LogFilter,
    limit: int,
    start: LogPosition | None,
    scanned_lines: int,
    pace: Pace | None = None,
    *,
    oldest_first: bool = False,
) -> LogPage:
    """See `cold.log_search.LogSearch`."""
    found = LogSearch(_contains, _is_stop, PART_LINES)
    return found.search(connection, wanted, limit, start, scanned_lines, pace, oldest_first=oldest_first)


def _is_stop(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT


def _contains(text: str) -> tuple[str, str]:
    """A condition on the text in upper or lower case, and its value.

    SQLite's `lower` folds only A to Z. Any other text becomes a GLOB pattern with a set for each letter of two cases.
    """
    if text.isascii():
        return "instr(lower(message), ?) > 0", text.lower()
    return "message GLOB ?", f"*{''.join(map(_either_case, text))}*"


def _either_case(letter: str) -> str:
    """The GLOB pattern of one character in either case.

    >>> _either_case("ж"), _either_case("*"), _either_case("-")
    ('[Жж]', '[*]', '-')
    """
    cases = cases_of(letter)
    if len(cases) == 1 and letter not in "*?[":
        return letter
    return f"[{''.join(sorted(cases))}]"
