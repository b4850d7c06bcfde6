"""The stored bytes of log lines by robot: counted with every line that is added or deleted."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES, LogLine, stored_bytes
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import columns_of_json

_ADD = (
    f"INSERT INTO log_volumes (robot_id, bytes) SELECT {columns_of_json(('robot_id', 'bytes'))} FROM json_each(?) "  # noqa: S608
    "WHERE true ON CONFLICT (robot_id) DO UPDATE SET bytes = bytes + excluded.bytes"
)
_SUBTRACT = "UPDATE log_volumes SET bytes = bytes - ? WHERE robot_id = ?"
_REMOVE_EMPTY = "DELETE FROM log_volumes WHERE bytes <= 0"
_BYTES = f"sum(length(CAST(message AS BLOB)) + {LINE_OVERHEAD_BYTES})"
# The newest id must not be assigned again.
_NOT_NEWEST = "log_id < (SELECT max(log_id) FROM job_logs)"
_OLDEST_OF_ROBOT = "log_id IN (SELECT log_id FROM job_logs WHERE robot_id = ? ORDER BY log_id LIMIT ?)"


def add_lines(connection: sqlite3.Connection, lines: Sequence[LogLine]) -> None:
    """Count lines that are being stored."""
    added: Counter[str] = Counter()
    for line in lines:
        added[line.robot_id] += stored_bytes(line)
    connection.execute(_ADD, (json_parameter([list(one) for one in added.items()]),))


def delete_lines(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> int:
    """Delete the lines that meet a condition, except the newest line of the store; returns their number."""
    where = f"FROM job_logs WHERE {condition} AND {_NOT_NEWEST}"
    volumes = connection.execute(f"SELECT robot_id, {_BYTES} {where} GROUP BY robot_id", values).fetchall()
    if not volumes:
        return 0
    deleted = connection.execute(f"DELETE {where}", values).rowcount
    connection.executemany(_SUBTRACT, [(size, robot_id) for robot_id, size in volumes])
    connection.execute(_REMOVE_EMPTY)
    return deleted


def delete_oldest_of_robot(connection: sqlite3.Connection, robot_id: str, limit: int) -> int:
    """Delete up to `limit` of the oldest lines of a robot; returns their number."""
    return delete_lines(connection, _OLDEST_OF_ROBOT, (robot_id, limit))
