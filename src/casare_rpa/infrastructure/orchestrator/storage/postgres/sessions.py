"""The commands of sessions of robots: their begin and end, and the writes that belong to one session."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import asyncpg
import msgspec

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.robot_sessions import (
    DEAD_SECONDS,
    BegunSession,
    Connecting,
    RobotSession,
    SessionKey,
    Takeover,
    begin_session,
    is_occupied,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import SmallCalls

TRIES = 5
"""How often a session is decided again because another instance was first."""
STORED_SESSIONS = """
SELECT robot_id, instance, session_id, number, takeovers, moved_from
FROM robot_sessions WHERE robot_id = ANY ($1::text[])
"""
RUNNING_INSTANCES = "SELECT instance FROM instances WHERE seen_at >= $1"
# Rows are locked in one order: those of instances, then stored sessions, then new ones, each sorted. A session is
# written if its row is as it was read. An instance that accepts a robot runs; otherwise another one that took it for
# dead would end the new session.
BEGIN_SESSIONS = """
WITH noted AS (
    INSERT INTO instances AS stored (instance, seen_at)
    SELECT instance, seen_at FROM json_to_recordset($2::json) AS new (instance text, seen_at bigint)
    ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at WHERE stored.seen_at < excluded.seen_at
    RETURNING 1
),
begun AS MATERIALIZED (
    SELECT new.* FROM json_to_recordset($1::json) AS new (
        robot_id text, instance text, session_id text, number bigint, takeovers text, moved_from text,
        old_number bigint, old_session text)
    WHERE (SELECT count(*) FROM noted) >= 0
),
locked AS MATERIALIZED (
    SELECT begun.* FROM begun CROSS JOIN LATERAL (
        SELECT 1 FROM robot_sessions AS stored
        WHERE stored.robot_id = begun.robot_id AND stored.number = begun.old_number
            AND stored.session_id IS NOT DISTINCT FROM begun.old_session FOR NO KEY UPDATE
    ) AS found
),
replaced AS (
    UPDATE robot_sessions AS stored SET instance = locked.instance, session_id = locked.session_id,
        number = locked.number, takeovers = locked.takeovers, moved_from = locked.moved_from
    FROM locked WHERE stored.robot_id = locked.robot_id RETURNING stored.robot_id
),
added AS (
    INSERT INTO robot_sessions (robot_id, instance, session_id, number, takeovers, moved_from)
    SELECT robot_id, instance, session_id, number, takeovers, moved_from FROM begun
    WHERE old_number IS NULL AND (SELECT count(*) FROM replaced) >= 0
    ON CONFLICT (robot_id) DO NOTHING RETURNING robot_id
)
SELECT robot_id FROM replaced UNION ALL SELECT robot_id FROM added
"""
END_SESSIONS = """
WITH ended AS MATERIALIZED (
    SELECT new.* FROM json_to_recordset($1::json) AS new (robot_id text, session_id text) CROSS JOIN LATERAL (
        SELECT 1 FROM robot_sessions AS stored
        WHERE stored.robot_id = new.robot_id AND stored.session_id = new.session_id FOR NO KEY UPDATE
    ) AS found
)
UPDATE robot_sessions AS stored SET session_id = NULL, moved_from = NULL
FROM ended WHERE stored.robot_id = ended.robot_id
"""
# The row of the session is locked, so that a later session, whose connection has arrived elsewhere, writes after this
# one. Without a session the write belongs to none.
WRITE_PROFILES = """
WITH new AS MATERIALIZED (
    SELECT given.* FROM json_to_recordset($1::json) AS given (robot_id text, session_id text, field text, value text)
    LEFT JOIN LATERAL (
        SELECT stored.robot_id, stored.session_id FROM robot_sessions AS stored
        WHERE given.session_id IS NOT NULL AND stored.robot_id = given.robot_id FOR SHARE
    ) AS newest ON true
    WHERE newest.robot_id IS NULL OR newest.session_id IS NOT DISTINCT FROM given.session_id
),
locked AS MATERIALIZED (
    SELECT new.* FROM new CROSS JOIN LATERAL (
        SELECT 1 FROM robots WHERE robots.robot_id = new.robot_id FOR NO KEY UPDATE
    ) AS found
)
UPDATE robots SET
    instance_id = CASE WHEN field = 'process' THEN value ELSE instance_id END,
    restart_command_id = CASE WHEN field <> 'process' THEN restart_command_id END,
    restart_requested_at = CASE WHEN field <> 'process' THEN restart_requested_at END,
    workflows = CASE WHEN field = 'workflows' THEN value ELSE workflows END,
    log_base = CASE WHEN field = 'journal' AND log_journal IS DISTINCT FROM value THEN log_seq ELSE log_base END,
    log_journal = CASE WHEN field = 'journal' THEN value ELSE log_journal END
FROM locked WHERE robots.robot_id = locked.robot_id
"""
_takeovers = msgspec.json.Decoder(tuple[Takeover, ...])


class ProfileWrite(NamedTuple):
    """A field of a robot that its `hello` sets: `process`, `workflows` (JSON) or `journal`."""

    robot_id: str
    session_id: str | None
    field: str
    value: str | None


class BeginSessions(SmallCalls):
    """The command of `InstanceStore.connect`."""

    def __init__(self) -> None:
        self._sent: dict[str, list[tuple[Connecting, RobotSession]]] = {}
        """By robot, the calls that were sent and whose outcome is not known, in order, with the row of each."""

    async def execute(self, connection: Connection, calls: Sequence[Connecting]) -> list[BegunSession]:
        self._forget_others(calls)
        answers: dict[int, BegunSession] = {}
        for group in _rounds(calls):
            await self._begin(connection, group, answers)
        self._sent.clear()
        return [answers[place] for place in range(len(calls))]

    def _forget_others(self, calls: Sequence[Connecting]) -> None:
        """Keep only calls that are executed again."""
        again = {id(call) for call in calls}
        for sent in self._sent.values():
            sent[:] = [one for one in sent if id(one[0]) in again]

    async def _begin(
        self, connection: Connection, wanted: dict[str, tuple[int, Connecting]], answers: dict[int, BegunSession]
    ) -> None:
        """Answer one call for each robot."""
        left = dict(sorted(wanted.items()))
        oldest = after(min(one.at for _, one in left.values()), -DEAD_SECONDS)
        seen = {one.instance: one.at for _, one in left.values()}
        for _ in range(TRIES):
            stored = await _read(connection, [*left])
            running = {row[0] for row in await connection.fetch(RUNNING_INSTANCES, oldest)}
            rows: list[tuple[RobotSession, RobotSession | None]] = []
            for robot_id, (place, one) in [*left.items()]:
                before = stored.get(robot_id)
                decided = self._decide(before, one, running)
                if isinstance(decided, BegunSession):
                    answers[place] = decided
                    del left[robot_id]
                else:
                    rows.append((decided, before))
            for robot_id in await _write(connection, rows, seen):
                place, one = left.pop(robot_id)
                answers[place] = _begun(_row_of_call(self._sent[robot_id], one))
            if not left:
                return
        # Like a conflict that the server reports, so that the calls are repeated while there is time.
        raise asyncpg.SerializationError("other instances changed the sessions meanwhile")

    def _decide(
        self, before: RobotSession | None, wanted: Connecting, running: set[str]
    ) -> RobotSession | BegunSession:
        """The row to write, or the answer if there is nothing to write."""
        sent = self._sent.setdefault(wanted.robot_id, [])
        known = [one for one, _ in sent]
        place = next((n for n, one in enumerate(known) if one is wanted), None)
        if place is not None and before in [row for _, row in sent[place:]]:
            # Its earlier execution wrote this row, or also that of a later call.
            return _begun(sent[place][1])
        alive = before is not None and (before.instance == wanted.instance or before.instance in running)
        if before is not None and is_occupied(before, wanted, alive=alive):
            return BegunSession(before.number, occupied=True)
        session = begin_session(before, wanted, alive=alive)
        if session is None or session is before:
            assert before is not None
            return BegunSession(before.number, refused=True) if session is None else _begun(before)
        if place is None:
            sent.append((wanted, session))
        else:
            sent[place] = (wanted, session)
        return session


class EndSessions(SmallCalls):
    """The command of `InstanceStore.leave`."""

    async def execute(self, connection: Connection, calls: Sequence[Sequence[SessionKey]]) -> list[None]:
        await end_sessions(connection, [session for sessions in calls for session in sessions])
        return [None] * len(calls)


class WriteProfiles:
    """The command of `introduce`, `list_workflows` and `open_journal`."""

    async def execute(self, connection: Connection, calls: Sequence[ProfileWrite]) -> list[None]:
        group: dict[str, ProfileWrite] = {}
        for call in calls:
            if call.robot_id in group:  # a statement changes a row once
                await _write_profiles(connection, group)
                group = {}
            group[call.robot_id] = call
        await _write_profiles(connection, group)
        return [None] * len(calls)

    def size_of(self, call: ProfileWrite) -> int:
        return len(call.value or "")


async def end_sessions(connection: Connection, sessions: Sequence[SessionKey]) -> None:
    """End those of the sessions that are the newest ones of their robots."""
    rows = [{"robot_id": robot_id, "session_id": session_id} for robot_id, session_id in sorted(set(sessions))]
    await connection.execute(END_SESSIONS, json_parameter(rows))


async def _write_profiles(connection: Connection, group: dict[str, ProfileWrite]) -> None:
    rows = [group[robot_id]._asdict() for robot_id in sorted(group)]
    await connection.execute(WRITE_PROFILES, json_parameter(rows))


async def _read(connection: Connection, robot_ids: Sequence[str]) -> dict[str, RobotSession]:
    rows = await connection.fetch(STORED_SESSIONS, robot_ids)
    return {
        robot_id: RobotSession(robot_id, instance, session_id, number, _takeovers.decode(takeovers), moved_from)
        for robot_id, instance, session_id, number, takeovers, moved_from in rows
    }


async def _write(
    connection: Connection, rows: Sequence[tuple[RobotSession, RobotSession | None]], seen: dict[str, Instant]
) -> list[str]:
    """Write rows that are stored as they were read; returns the robots of these."""
    sessions = [
        {
            "robot_id": session.robot_id,
            "instance": session.instance,
            "session_id": session.session_id,
            "number": session.number,
            "takeovers": msgspec.json.encode(session.takeovers).decode(),
            "moved_from": session.moved_from,
            "old_number": before and before.number,
            "old_session": before and before.session_id,
        }
        for session, before in rows
    ]
    instances = [{"instance": instance, "seen_at": seen[instance]} for instance in sorted(seen)]
    return [
        row[0] for row in await connection.fetch(BEGIN_SESSIONS, json_parameter(sessions), json_parameter(instances))
    ]


def _begun(row: RobotSession) -> BegunSession:
    return BegunSession(row.number, moved=row.moved_from is not None)


def _row_of_call(sent: Sequence[tuple[Connecting, RobotSession]], wanted: Connecting) -> RobotSession:
    return next(row for one, row in sent if one is wanted)


def _rounds(calls: Sequence[Connecting]) -> Iterator[dict[str, tuple[int, Connecting]]]:
    """The calls with their places, in groups that name each robot once, in order."""
    group: dict[str, tuple[int, Connecting]] = {}
    for place, call in enumerate(calls):
        if call.robot_id in group:
            yield group
            group = {}
        group[call.robot_id] = (place, call)
    if group:
        yield group
