"""Cold statements on log lines: a job's log, and the last lines before a viewer came."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogFilter, LogLine, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.rows import json_parameter

SCANNED_LINES = 200_000
"""How far back is looked for lines that match: what is older is found by a search."""

LINE_COLUMNS = "log_id, tenant_id, robot_id, level, message, logged_at, received_at, job_id, node_id, truncated, seq"
_OF_JOB = f"SELECT {LINE_COLUMNS} FROM job_logs WHERE job_id = ? AND log_id > ? ORDER BY log_id LIMIT ?"  # noqa: S608
_BY_ID = f"SELECT {LINE_COLUMNS} FROM job_logs WHERE log_id IN (SELECT value FROM json_each(?)) ORDER BY log_id"  # noqa: S608


def of_job(connection: sqlite3.Connection, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
    return [stored_line(row) for row in connection.execute(_OF_JOB, (job_id, after_id, limit))]


def recent(connection: sqlite3.Connection, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
    """The ids of the last `limit` lines behind `after_id` that match, oldest first."""
    robot = ""
    values: list[Any] = [after_id]
    if wanted.robot_id is not None:
        robot, values = "AND robot_id = ?", [after_id, wanted.robot_id]
    levels = [level for level in Level if level.rank >= wanted.min_level.rank]
    sql = (
        "SELECT log_id FROM (SELECT log_id, tenant_id, level FROM job_logs "  # noqa: S608 - our own words
        f"WHERE log_id > ? {robot} ORDER BY log_id DESC LIMIT ?) "
        f"WHERE level IN ({', '.join('?' * len(levels))}) AND (? IS NULL OR tenant_id = ?) "
        "ORDER BY log_id DESC LIMIT ?"
    )
    rows = connection.execute(sql, (*values, SCANNED_LINES, *levels, wanted.tenant_id, wanted.tenant_id, limit))
    return [row[0] for row in rows][::-1]


def lines(connection: sqlite3.Connection, log_ids: Sequence[int]) -> list[StoredLine]:
    """These lines, in order."""
    return [stored_line(row) for row in connection.execute(_BY_ID, (json_parameter(log_ids),))]


def stored_line(row: Sequence[Any]) -> StoredLine:
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
