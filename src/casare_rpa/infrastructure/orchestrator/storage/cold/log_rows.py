"""Statements on log lines: the log of a job, and the last lines before a position. Portable."""

from collections.abc import Sequence
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LinesAfter, LogFilter, LogLine, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, run_text

SCANNED_LINES = 200_000
"""The largest number of lines that `recent` reads. Older lines can be found by a search."""

LINE_COLUMNS = "log_id, tenant_id, robot_id, level, message, logged_at, received_at, job_id, node_id, truncated, seq"
_OF_JOB = Statement(
    f"SELECT {LINE_COLUMNS} FROM job_logs "  # noqa: S608 - our own names
    "WHERE job_id = :job_id AND log_id > :after_id ORDER BY log_id LIMIT :most"
)

_NEWEST_ID = Statement("SELECT last FROM numbers WHERE name = 'logs'")
_AFTER = Statement(
    f"SELECT {LINE_COLUMNS} FROM job_logs WHERE log_id > :after_id ORDER BY log_id LIMIT :most"  # noqa: S608
)


def of_job(connection: SqlConnection, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
    """Lines of a job with greater ids, in order."""
    return [stored_line(row) for row in _OF_JOB.run(connection, job_id=job_id, after_id=after_id, most=limit)]


def recent(connection: SqlConnection, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
    """The ids of the last `limit` matching lines after `after_id`, oldest first."""
    walked, tested = "", ""
    values: list[Any] = [after_id]
    if wanted.robot_id is not None:
        walked = "AND robot_id = ?"
        values.append(wanted.robot_id)
    levels = [level.value for level in Level if level.rank >= wanted.min_level.rank]
    values += [SCANNED_LINES, *levels]
    if wanted.tenant_id is not None:
        tested = "AND tenant_id = ?"
        values.append(wanted.tenant_id)
    sql = (
        "SELECT log_id FROM (SELECT log_id, tenant_id, level FROM job_logs "  # noqa: S608 - our own names
        f"WHERE log_id > ? {walked} ORDER BY log_id DESC LIMIT ?) AS scanned "
        f"WHERE level IN ({', '.join('?' * len(levels))}) {tested} ORDER BY log_id DESC LIMIT ?"
    )
    return [row[0] for row in run_text(connection, sql, [*values, limit])][::-1]


def lines_after(connection: SqlConnection, after_id: int, limit: int) -> LinesAfter:
    """The newest id, and up to `limit` lines with greater ids than `after_id`, in order."""
    # The newest id is read first: the lines then include every line up to it.
    last = next((row[0] for row in _NEWEST_ID.run(connection)), 0)
    rows = _AFTER.run(connection, after_id=after_id, most=limit) if limit and last > after_id else ()
    return LinesAfter(last, [stored_line(row) for row in rows])


def stored_line(row: Sequence[Any]) -> StoredLine:
    """The line of a row selected by LINE_COLUMNS."""
    line = LogLine(
        tenant_id=row[1],
        robot_id=row[2],
        level=Level(row[3]),
        message=row[4],
        logged_at=Instant(row[5]),
        received_at=Instant(row[6]),
        job_id=row[7],
        node_id=row[8],
        truncated=bool(row[9]),
        seq=row[10],
    )
    return StoredLine(row[0], line)
