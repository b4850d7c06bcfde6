"""Jobs added and changed: all callers of a turn at once."""

import sqlite3
from collections.abc import Sequence

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import UNKNOWN_JOB, CancelDelivered, Event, OfferRejected, Refusal, Report
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd
from casare_rpa.domain.job_table import advance
from casare_rpa.domain.protocol import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.rows import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite import job_writes
from casare_rpa.infrastructure.orchestrator.storage.sqlite.job_writes import EventRow, Written
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import Placements

# CROSS JOIN: the planner shall walk the few wanted keys, not the many that are kept.
KNOWN_KEYS = (
    "SELECT kept.tenant_id, kept.idempotency_key, kept.body_digest, kept.job_id "
    "FROM json_each(?) AS wanted CROSS JOIN idempotency_keys AS kept "
    "ON kept.tenant_id = wanted.value ->> 0 AND kept.idempotency_key = wanted.value ->> 1"
)
INSERT_KEYS = (
    "INSERT INTO idempotency_keys (tenant_id, idempotency_key, body_digest, job_id) "
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)"
)

Key = tuple[str, str]
"""Tenant and idempotency key."""


class HotJobs:
    """Runs in the writer's thread only."""

    def __init__(self, placements: Placements) -> None:
        self._placements = placements

    def add(self, connection: sqlite3.Connection, calls: Sequence[Sequence[JobToAdd]]) -> list[list[Added | None]]:
        """T1. A key is known when it is stored, or came earlier in the same batch."""
        known = _known(connection, calls)
        fresh: list[Job] = []
        keys: list[list[str]] = []
        answers = [_add_call(call, known, fresh, keys) for call in calls]
        if fresh:
            job_writes.insert(connection, fresh)
            self._placements.add(job.placement for job in fresh)
        if keys:
            connection.execute(INSERT_KEYS, (json_parameter(keys),))
        return answers

    def apply(self, connection: sqlite3.Connection, calls: Sequence[Sequence[Change]]) -> list[list[Applied]]:
        """T3 to T20: ask the table about every change in order; write what came of it."""
        stored = job_writes.load(connection, {change.job_id for call in calls for change in call})
        current = dict(stored)
        events: list[EventRow] = []
        last_at: dict[str, Instant] = {}
        answers = [[_apply_one(change, current, events, last_at) for change in call] for call in calls]
        written = [
            Written(before, current[job_id], last_at[job_id])
            for job_id, before in stored.items()
            if current[job_id].revision != before.revision
        ]
        if written:
            job_writes.update(connection, written)
            self._placements.add(one.after.placement for one in written if one.after.status is JobStatus.PENDING)
        if events:
            job_writes.write_events(connection, events)
        return answers


def _known(connection: sqlite3.Connection, calls: Sequence[Sequence[JobToAdd]]) -> dict[Key, tuple[str, Job]]:
    """The digest and the job of every key of these calls that is stored."""
    wanted = [(n.job.tenant_id, n.idempotency_key) for call in calls for n in call if n.idempotency_key is not None]
    if not wanted:
        return {}
    rows = connection.execute(KNOWN_KEYS, (json_parameter(wanted),)).fetchall()
    jobs = job_writes.load(connection, {row[3] for row in rows}) if rows else {}
    return {(tenant_id, key): (digest, jobs[job_id]) for tenant_id, key, digest, job_id in rows}


def _add_call(
    call: Sequence[JobToAdd], known: dict[Key, tuple[str, Job]], fresh: list[Job], keys: list[list[str]]
) -> list[Added | None]:
    """All of a call or, when one of its keys belongs to another body, none."""
    digests: dict[Key, str] = {}
    for new in call:
        if new.idempotency_key is None:
            continue
        key = (new.job.tenant_id, new.idempotency_key)
        digest = known[key][0] if key in known else digests.setdefault(key, new.body_digest)
        if digest != new.body_digest:
            return [None] * len(call)
    return [_add_one(new, known, fresh, keys) for new in call]


def _add_one(new: JobToAdd, known: dict[Key, tuple[str, Job]], fresh: list[Job], keys: list[list[str]]) -> Added:
    job = new.job
    if new.idempotency_key is not None:
        key = (job.tenant_id, new.idempotency_key)
        found = known.get(key)
        if found is not None:
            return Added(found[1], created=False)
        known[key] = (new.body_digest, job)
        keys.append([*key, new.body_digest, job.job_id])
    fresh.append(job)
    return Added(job, created=True)


def _apply_one(change: Change, current: dict[str, Job], events: list[EventRow], last_at: dict[str, Instant]) -> Applied:
    before = current.get(change.job_id)
    if before is None:
        return Applied(None, UNKNOWN_JOB)
    event = change.event
    answer = advance(before, event, change.at)
    if isinstance(answer, Refusal):
        if answer.kind is not None:
            robot_id, session_id = _asker(event)
            events.append(job_writes.refusal_entry(before, answer, robot_id, session_id, change.at))
        return Applied(before, answer)
    current[change.job_id] = answer.job
    last_at[change.job_id] = change.at
    if answer.kind is not None:
        events.append(job_writes.step_entry(before, answer, change.at))
    return Applied(before, answer)


def _asker(event: Event) -> tuple[str | None, str | None]:
    """The robot and the session that an event speaks for."""
    return (
        (event.robot_id, event.session_id)
        if isinstance(event, Report | OfferRejected | CancelDelivered)
        else (None, None)
    )
