"""The search of log lines on SQLite, which reads a bounded number of rows for every filter.

Only for SQLite: `instr`, `GLOB`, case folding and planner hints differ on PostgreSQL.
"""

import sqlite3
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogFilter, LogPage, LogPosition, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.cold.log_rows import LINE_COLUMNS, stored_line
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Pace

_OLDEST = LogPosition(Instant(0), 0)
_NEWEST = LogPosition(Instant(2**63 - 1), 2**63 - 1)
PART_LINES = 100
"""Lines of one statement. A search that is stopped keeps what its whole parts found."""


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
    """Read at most `scanned_lines` lines in the order of one index, in parts.

    For each part it first reads the last position, then the lines up to it. In this order, a line that is added between
    the two reads does not move the end. No line is shown twice or left out. When the search is stopped, the page ends
    with the last whole part, and the next page begins there.

    Args:
        start: Where the previous page ended; `None` for the newest line, or the oldest if `oldest_first`.
        pace: Asked between two parts.

    Raises:
        sqlite3.OperationalError: stopped within the first part.
    """
    found: list[StoredLine] = []
    end = start
    left = scanned_lines
    while left > 0:
        if pace is not None and end is not start and not pace.may_continue():
            break
        part_lines = min(PART_LINES, left)
        try:
            span = _Span(wanted, end, oldest_first)
            lines, part_end = _search_part(connection, span, wanted, limit + 1 - len(found), part_lines)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT or end is start:
                raise
            break
        found += lines
        if len(found) > limit:
            last = found[limit - 1]
            return LogPage(found[:limit], LogPosition(last.line.received_at, last.log_id), None)
        if part_end is None:
            return LogPage(found, None, None)
        end = part_end
        left -= part_lines
    assert end is not None
    return LogPage(found, end, end.received_at)


def _search_part(
    connection: sqlite3.Connection, span: "_Span", wanted: LogFilter, limit: int, part_lines: int
) -> tuple[list[StoredLine], LogPosition | None]:
    """The matching lines among the next `part_lines`, and where these end; `None` when there are fewer."""
    row = connection.execute(*_end_of(span, part_lines)).fetchone()
    end = LogPosition(*row) if row is not None else None
    return [stored_line(row) for row in connection.execute(*_lines_of(span, wanted, end, limit))], end


class _Span:
    """The rows of the narrowest filter that is set, newest or oldest first, in the order of one index.

    Lines of a job are few. They are read in the order of `log_id`, with the index that the list of them uses too.
    """

    def __init__(self, wanted: LogFilter, start: LogPosition | None, oldest_first: bool) -> None:
        self.column = next((c for c in ("job_id", "robot_id", "tenant_id") if getattr(wanted, c) is not None), None)
        self._wanted = wanted
        self._oldest_first = oldest_first
        self._start = start or (_OLDEST if oldest_first else _NEWEST)
        self._stop: LogPosition | None = None
        if self.column != "job_id":
            # No line has the id 0: both ends may be compared with or without equality.
            since = LogPosition(wanted.since, 0) if wanted.since is not None else None
            until = LogPosition(wanted.until, 0) if wanted.until is not None else None
            first, self._stop = (since, until) if oldest_first else (until, since)
            if first is not None:
                self._start = (max if oldest_first else min)(self._start, first)

    def select(self, columns: str, end: LogPosition | None = None) -> tuple[str, str, list[Any]]:
        """The statement without its order, the order, and the values.

        It has one bound at each end. With two, the planner could read up to the wider one.
        """
        beyond, up_to, way = (">", "<=", "ASC") if self._oldest_first else ("<", ">=", "DESC")
        position, order = "(received_at, log_id) {} (?, ?)", f"ORDER BY received_at {way}, log_id {way}"
        used = slice(0, 2)
        if self.column == "job_id":
            position, order = "log_id {} ?", f"ORDER BY log_id {way}"
            used = slice(1, 2)
        conditions = [position.format(beyond)]
        values: list[Any] = list(tuple(self._start)[used])
        if self.column is not None:
            conditions.insert(0, f"{self.column} = ?")
            values.insert(0, getattr(self._wanted, self.column))
        stop = end or self._stop
        if stop is not None:
            conditions.append(position.format(up_to))
            values.extend(tuple(stop)[used])
        return f"SELECT {columns} FROM job_logs WHERE {' AND '.join(conditions)}", order, values  # noqa: S608


def _end_of(span: _Span, scanned_lines: int) -> tuple[str, list[Any]]:
    """The position of the last row that may be read; no row if there are fewer."""
    select, order, values = span.select("received_at, log_id")
    return f"{select} {order} LIMIT 1 OFFSET ?", [*values, scanned_lines - 1]


def _lines_of(span: _Span, wanted: LogFilter, end: LogPosition | None, limit: int) -> tuple[str, list[Any]]:
    """The matching lines up to `end`. `+` prevents the planner from using another index, which would read further."""
    select, order, values = span.select(LINE_COLUMNS, end)
    conditions, asked = _tests(wanted, span.column)
    return f"{' AND '.join([select, *conditions])} {order} LIMIT ?", [*values, *asked, limit]


def _tests(wanted: LogFilter, walked: str | None) -> tuple[list[str], list[Any]]:
    """The conditions on each row of the index, and their values."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("robot_id", "tenant_id", "node_id"):
        if column != walked and getattr(wanted, column) is not None:
            conditions.append(f"+{column} = ?")
            values.append(getattr(wanted, column))
    if wanted.robots is not None:
        conditions.append(f"+robot_id IN ({', '.join('?' * len(wanted.robots))})")
        values.extend(wanted.robots)
    for sign, instant in ((">=", wanted.since), ("<", wanted.until)):
        if instant is not None and walked == "job_id":
            conditions.append(f"+received_at {sign} ?")
            values.append(instant)
    levels = [level.value for level in Level if level.rank >= wanted.min_level.rank]
    if len(levels) < len(Level):
        conditions.append(f"level IN ({', '.join('?' * len(levels))})")
        values.extend(levels)
    if wanted.text is not None:
        condition, texts = _contains(wanted.text)
        conditions.append(condition)
        values.extend(texts)
    return conditions, values


def _contains(text: str) -> tuple[str, list[str]]:
    """A condition on the text in upper or lower case.

    SQLite's `lower` folds only A to Z. Any other text becomes a GLOB pattern with a set for each letter of two cases.
    """
    if text.isascii():
        return "instr(lower(message), ?) > 0", [text.lower()]
    return "message GLOB ?", [f"*{''.join(map(_either_case, text))}*"]


def _either_case(letter: str) -> str:
    """The GLOB pattern of one character in either case.

    >>> _either_case("ж"), _either_case("*"), _either_case("-")
    ('[Жж]', '[*]', '-')
    """
    cases = {form for form in (letter, letter.lower(), letter.upper(), letter.casefold()) if len(form) == 1}
    if len(cases) == 1 and letter not in "*?[":
        return letter
    return f"[{''.join(sorted(cases))}]"
