"""Statements on the instances of the server, and on sessions of robots that end. Portable."""

from collections.abc import Sequence

import msgspec

from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_sessions import RunningInstance, SessionKey
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_HEAR = Statement(
    "INSERT INTO instances (instance, seen_at) VALUES (:instance, :moment) "
    "ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at WHERE instances.seen_at < excluded.seen_at"
)
_HEAR_FACTS = Statement(
    "INSERT INTO instances (instance, seen_at, facts) VALUES (:instance, :moment, :facts) "
    "ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at, facts = excluded.facts "
    "WHERE instances.seen_at <= excluded.seen_at"
)
_RUNNING = Statement("SELECT instance, seen_at, facts FROM instances ORDER BY instance")
_DEPART = Statement("DELETE FROM instances WHERE instance = :instance")
_FORGET_ALL = Statement("DELETE FROM instances")
_REMOVE = Statement("DELETE FROM instances WHERE instance = :instance AND seen_at = :seen_at")
# Instances with open sessions are found by a loose scan of the index, however many robots there are.
_ORPHANS = Statement(
    """
WITH RECURSIVE holder (instance) AS (
    SELECT (SELECT min(instance) FROM robot_sessions WHERE session_id IS NOT NULL)
    UNION ALL
    SELECT (SELECT min(instance) FROM robot_sessions WHERE session_id IS NOT NULL AND instance > holder.instance)
    FROM holder WHERE holder.instance IS NOT NULL
)
SELECT held.robot_id, held.session_id
FROM holder [CROSS] JOIN robot_sessions AS held ON held.instance = holder.instance AND held.session_id IS NOT NULL
WHERE holder.instance NOT IN (SELECT instance FROM instances)
ORDER BY held.robot_id
"""
)
_facts = msgspec.json.Decoder(InstanceFacts)


def hear(connection: SqlConnection, instance: str, at: Instant, facts: InstanceFacts | None) -> list[RunningInstance]:
    """Store that an instance runs; returns all instances."""
    if facts is None:
        note(connection, instance, at)
    else:
        _HEAR_FACTS.run(connection, instance=instance, moment=at, facts=msgspec.json.encode(facts).decode())
    return running(connection)


def note(connection: SqlConnection, instance: str, at: Instant) -> None:
    """Store that an instance runs, without facts."""
    _HEAR.run(connection, instance=instance, moment=at)


def running(connection: SqlConnection) -> list[RunningInstance]:
    return [
        RunningInstance(instance, Instant(seen_at), None if facts is None else _facts.decode(facts))
        for instance, seen_at, facts in _RUNNING.run(connection)
    ]


def depart(connection: SqlConnection, instance: str) -> None:
    _DEPART.run(connection, instance=instance)


def forget_all(connection: SqlConnection) -> None:
    """Remove all instances. For a backend that knows that no other one runs."""
    _FORGET_ALL.run(connection)


def remove(connection: SqlConnection, dead: Sequence[RunningInstance]) -> list[SessionKey]:
    """Remove these instances if they did not write since; returns all sessions of instances that are not stored."""
    for one in dead:
        _REMOVE.run(connection, instance=one.instance, seen_at=one.seen_at)
    return [(robot_id, session_id) for robot_id, session_id in _ORPHANS.run(connection)]
