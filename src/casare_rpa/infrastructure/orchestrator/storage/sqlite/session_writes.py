"""The batch commands of sessions of robots: their begin and end, and the adoption of the sessions of dead instances."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job_events import SocketLost
from casare_rpa.domain.job_records import Applied, Change
from casare_rpa.domain.robot_sessions import (
    DEAD_SECONDS,
    BegunSession,
    Connecting,
    RobotSession,
    RunningInstance,
    Takeover,
    begin_session,
    is_occupied,
)
from casare_rpa.infrastructure.orchestrator.storage.cold import instance_rows, job_rows
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite.job_changes import ApplyChanges
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import rows_at_once

_COLUMNS = ("robot_id", "instance", "session_id", "number", "takeovers", "moved_from")
STORED = "FROM robot_sessions WHERE robot_id IN (SELECT value FROM json_each(?))"
RUNNING = "FROM instances WHERE seen_at >= ?"
SAVE = (
    f"INSERT INTO robot_sessions ({', '.join(_COLUMNS)}) "  # noqa: S608 - our own names
    f"SELECT {', '.join(f'value ->> {number}' for number in range(len(_COLUMNS)))} FROM json_each(?) WHERE true "
    f"ON CONFLICT (robot_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
LEAVE = (
    "UPDATE robot_sessions SET session_id = NULL, moved_from = NULL "
    "FROM (SELECT value ->> 0 AS robot_id, value ->> 1 AS session_id FROM json_each(?)) AS ended "
    "WHERE robot_sessions.robot_id = ended.robot_id AND robot_sessions.session_id = ended.session_id"
)
# The jobs that an open session of the robot holds.
HELD_IN_SESSIONS = (
    "FROM json_each(?) AS ended CROSS JOIN jobs INDEXED BY jobs_held ON jobs.robot_id = ended.value ->> 0 "
    "WHERE jobs.finished_at IS NULL AND jobs.robot_id IS NOT NULL AND jobs.session_id = ended.value ->> 1"
)
EXTEND_OF_ROBOTS = tuple(
    text + "AND robot_id IN (SELECT value ->> 0 FROM json_each(:sessions))"  # noqa: S608 - our own names
    for text in (job_rows.EXTEND_LEASES, job_rows.EXTEND_OFFERS)
)
_takeovers = msgspec.json.Decoder(tuple[Takeover, ...])


class ConnectRobots:
    """The batch command of `InstanceStore.connect`."""

    def execute(self, connection: sqlite3.Connection, calls: Sequence[Connecting]) -> list[BegunSession]:
        robots = json_parameter(sorted({one.robot_id for one in calls}))
        rows = rows_at_once(connection, f"json_array({', '.join(_COLUMNS)})", STORED, (robots,))
        stored = {row[0]: _session_of(row) for row in rows}
        oldest = after(min(one.at for one in calls), -DEAD_SECONDS)
        running = set(rows_at_once(connection, "instance", RUNNING, (oldest,)))
        answers = [self._connect(stored, one, running) for one in calls]
        changed = [stored[robot_id] for robot_id in sorted({one.robot_id for one in calls})]
        for instance, newest in {one.instance: one.at for one in calls}.items():
            # Otherwise an instance that another one took for dead would be dead again, with the new session.
            instance_rows.note(connection, instance, newest)
        connection.execute(SAVE, (json_parameter([_row_of(session) for session in changed]),))
        return answers

    def _connect(self, stored: dict[str, RobotSession], wanted: Connecting, running: set[str]) -> BegunSession:
        before = stored.get(wanted.robot_id)
        alive = before is not None and (before.instance == wanted.instance or before.instance in running)
        if before is not None and is_occupied(before, wanted, alive=alive):
            return BegunSession(before.number, occupied=True)
        session = begin_session(before, wanted, alive=alive)
        if session is None:
            assert before is not None
            return BegunSession(before.number, refused=True)
        stored[wanted.robot_id] = session
        return BegunSession(session.number, moved=session.moved_from is not None)


class LeaveSessions:
    """The batch command of `InstanceStore.leave`."""

    def execute(self, connection: sqlite3.Connection, calls: Sequence[Sequence[tuple[str, str]]]) -> list[None]:
        ended = [session for sessions in calls for session in sessions]
        connection.execute(LEAVE, (json_parameter(ended),))
        return [None] * len(calls)


def adopt(
    connection: sqlite3.Connection, dead: Sequence[RunningInstance], at: Instant, until: Instant, apply: ApplyChanges
) -> list[Applied]:
    """`InstanceStore.adopt`, in the transaction of the caller."""
    orphans = instance_rows.remove(connection, dead)
    if not orphans:
        return []
    sessions = json_parameter(orphans)
    held = rows_at_once(connection, "json_array(job_id, session_id)", HELD_IN_SESSIONS, (sessions,))
    connection.execute(LEAVE, (sessions,))
    # Before the extension, because a lost contact gives a held offer an end of its own.
    changes = [Change(job_id, SocketLost(session_id), at) for job_id, session_id in sorted(held)]
    (applied,) = apply.execute(connection, [(changes, None, None)])
    for text in EXTEND_OF_ROBOTS:
        connection.execute(text, {"until": until, "sessions": sessions})
    return applied


def _session_of(row: Sequence[Any]) -> RobotSession:
    robot_id, instance, session_id, number, takeovers, moved_from = row
    return RobotSession(robot_id, instance, session_id, number, _takeovers.decode(takeovers), moved_from)


def _row_of(session: RobotSession) -> list[object]:
    takeovers = msgspec.json.encode(session.takeovers).decode()
    return [
        session.robot_id,
        session.instance,
        session.session_id,
        session.number,
        takeovers,
        session.moved_from,
    ]
