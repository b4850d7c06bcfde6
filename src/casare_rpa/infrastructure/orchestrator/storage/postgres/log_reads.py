"""Reads of log lines on PostgreSQL: by id, and a search for a text in upper or lower case."""

from collections.abc import Sequence

import asyncpg

from casare_rpa.domain.logs import LogFilter, LogPage, LogPosition, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.cold import log_search
from casare_rpa.infrastructure.orchestrator.storage.cold.log_rows import LINE_COLUMNS, stored_line
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Pace

PART_LINES = 1_000
"""Lines of one statement. Each costs a round trip."""
_LINES = f"SELECT {LINE_COLUMNS} FROM job_logs WHERE log_id = ANY ($1::bigint[]) ORDER BY log_id"  # noqa: S608


def lines_with(connection: ColdConnection, log_ids: Sequence[int]) -> list[StoredLine]:
    """The lines that exist, by id."""
    return [stored_line(row) for row in connection.execute(_LINES, (list(log_ids),))]


def search(
    connection: ColdConnection,
    wanted: LogFilter,
    limit: int,
    start: LogPosition | None,
    scanned_lines: int,
    pace: Pace | None = None,
    *,
    oldest_first: bool = False,
) -> LogPage:
    """See `cold.log_search.LogSearch`."""
    found = log_search.LogSearch(contains, _is_stop, PART_LINES)
    return found.search(connection, wanted, limit, start, scanned_lines, pace, oldest_first=oldest_first)


def contains(text: str) -> tuple[str, str]:
    """A condition on the text in upper or lower case, and its value.

    Messages have the collation `C`, in which `lower` folds only A to Z. Any other text becomes a regular expression
    with a set for each letter of two cases.
    """
    if text.isascii():
        return "position(? in lower(message)) > 0", text.lower()
    return "message ~ ?", "".join(map(_any_case, text))


def _any_case(letter: str) -> str:
    """The regular expression of one character in either case.

    >>> _any_case("ж"), _any_case("*"), _any_case("7")
    ('[Жж]', '\\\\*', '7')
    """
    cases = log_search.cases_of(letter)
    if len(cases) > 1:
        return f"[{''.join(sorted(cases))}]"
    return letter if letter.isalnum() or not letter.isascii() else f"\\{letter}"


def _is_stop(error: Exception) -> bool:
    return isinstance(error, asyncpg.QueryCanceledError)
