"""Reads of sessions: all open ones, and the fence: which are no longer the newest ones of their robots."""

import sqlite3
from collections.abc import Sequence

import msgspec

from casare_rpa.domain.robot_sessions import LostSession, SessionKey
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import rows_at_once

# A robot that never connected has no row. CROSS JOIN fixes the order: one lookup for each session.
LOST = (
    "FROM json_each(?) AS mine CROSS JOIN robot_sessions AS newest ON newest.robot_id = mine.value ->> 0 "
    "WHERE newest.session_id IS NOT mine.value ->> 1"
)
# The order of the fields of StoredSession. A robot can be removed while it is connected.
OPEN = """
SELECT json_group_array(json_array(
    held.robot_id, instance, session_id, said, cpu_percent, memory_mb, last_heartbeat_at, last_seen_at,
    clock_skew_seconds))
FROM robot_sessions AS held JOIN robots ON robots.robot_id = held.robot_id WHERE session_id IS NOT NULL
"""
_open = msgspec.json.Decoder(list[StoredSession])


def open_sessions(connection: sqlite3.Connection) -> list[StoredSession]:
    return _open.decode(connection.execute(OPEN).fetchone()[0])


def lost(connection: sqlite3.Connection, sessions: Sequence[SessionKey]) -> list[LostSession]:
    """Those of (robot_id, session_id) that are not the newest session of their robot."""
    value = "json_array(mine.value ->> 0, mine.value ->> 1, newest.session_id IS NOT NULL)"
    rows = rows_at_once(connection, value, LOST, (json_parameter(sessions),))
    return [LostSession(robot_id, session_id, bool(moved)) for robot_id, session_id, moved in rows]
