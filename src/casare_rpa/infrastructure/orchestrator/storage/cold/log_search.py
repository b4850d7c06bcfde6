"""The search of log lines, which reads a bounded number of rows for every filter. Portable.

Each dialect has a condition of its own for a part of a message in upper or lower case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogFilter, LogPage, LogPosition, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.cold.log_rows import LINE_COLUMNS, stored_line
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, run_text
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Pace

_OLDEST = LogPosition(Instant(0), 0)
_NEWEST = LogPosition(Instant(2**63 - 1), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class LogSearch:
    """The search in one dialect."""

    contains: Callable[[str], tuple[str, str]]
    """The condition that a message contains a text in any case, with `?` for the value that follows."""
    is_stop: Callable[[Exception], bool]
    """Whether the error says that a statement was stopped because the search took too long."""
    part_lines: int
    """Lines of one statement. A search that is stopped keeps what its whole parts found."""

    def search(
        self,
        connection: SqlConnection,
        wanted: LogFilter,
        limit: int,
        start: LogPosition | None,
        scanned_lines: int,
        pace: Pace | None = None,
        *,
        oldest_first: bool = False,
    ) -> LogPage:
        """Read at most `scanned_lines` lines in the order of one index, in parts.

        For each part it first reads the last position, then the lines up to it. In this order, a line that is added
        between the two reads does not move the end. No line is shown twice or left out. When the search is stopped, the
        page ends with the last whole part, and the next page begins there.

        Args:
            start: Where the previous page ended; `None` for the newest line, or the oldest if `oldest_first`.
            pace: Asked between two parts.

        Raises:
            Exception: the one that `is_stop` accepts: stopped within the first part.
        """
        found: list[StoredLine] = []
        end = start
        left = scanned_lines
        while left > 0:
            if pace is not None and end is not start and not pace.may_continue():
                break
            part_lines = min(self.part_lines, left)
            try:
                span = _Span(wanted, end, oldest_first)
                lines, part_end = self._search_part(connection, span, wanted, limit + 1 - len(found), part_lines)
            except Exception as error:
                if end is start or not self.is_stop(error):
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
        self, connection: SqlConnection, span: "_Span", wanted: LogFilter, limit: int, part_lines: int
    ) -> tuple[list[StoredLine], LogPosition | None]:
        """The matching lines among the next `part_lines`, and where these end; `None` when there are fewer."""
        row = run_text(connection, *_end_of(span, part_lines)).fetchone()
        end = LogPosition(*row) if row is not None else None
        lines = run_text(connection, *self._lines_of(span, wanted, end, limit))
        return [stored_line(row) for row in lines], end

    def _lines_of(self, span: "_Span", wanted: LogFilter, end: LogPosition | None, limit: int) -> tuple[str, list[Any]]:
        """The matching lines up to `end`. `+` prevents SQLite from using another index, which would read further."""
        select, order, values = span.select(LINE_COLUMNS, end)
        conditions, asked = _tests(wanted, span.column)
        if wanted.text is not None:
            condition, text = self.contains(wanted.text)
            conditions.append(condition)
            asked.append(text)
        return f"{' AND '.join([select, *conditions])} {order} LIMIT ?", [*values, *asked, limit]


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


def _tests(wanted: LogFilter, walked: str | None) -> tuple[list[str], list[Any]]:
    """The conditions on each row of the index, and their values."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("robot_id", "tenant_id", "node_id"):
        if column != walked and getattr(wanted, column) is not None:
            conditions.append(f"[+]{column} = ?")
            values.append(getattr(wanted, column))
    if wanted.robots is not None:
        conditions.append(f"[+]robot_id IN ({', '.join('?' * len(wanted.robots))})")
        values.extend(wanted.robots)
    for sign, instant in ((">=", wanted.since), ("<", wanted.until)):
        if instant is not None and walked == "job_id":
            conditions.append(f"[+]received_at {sign} ?")
            values.append(instant)
    levels = [level.value for level in Level if level.rank >= wanted.min_level.rank]
    if len(levels) < len(Level):
        conditions.append(f"level IN ({', '.join('?' * len(levels))})")
        values.extend(levels)
    return conditions, values


def cases_of(letter: str) -> set[str]:
    """The character in upper and lower case, as far as each is one character.

    >>> sorted(cases_of("ж")), sorted(cases_of("-"))
    (['Ж', 'ж'], ['-'])
    """
    return {form for form in (letter, letter.lower(), letter.upper(), letter.casefold()) if len(form) == 1}
