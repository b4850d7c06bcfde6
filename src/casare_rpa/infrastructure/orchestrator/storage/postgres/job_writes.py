"""The statements that write jobs with their history, numbers, tallies and audit entries.

Each is one autocommit statement: the server holds its locks for as long as it executes the statement, and for no time
in which this process computes or stands still. The locks come in a fixed order: sessions, jobs by id,
keys, tallies, the number of all changes, those of tenants, audit entries. The numbers come last, because every writer
waits for them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy
from msgspec.structs import replace

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_fields import JOB_FIELDS
from casare_rpa.domain.job_records import Added, Applied, ChangeNumbers
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.infrastructure.orchestrator.storage.decisions import (
    EVENT_COLUMNS,
    SUBMITTED_COLUMNS,
    Changes,
    Counters,
    EventRow,
    Submits,
    Tally,
    tallies_of_changes,
    tallies_of_submits,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter, row_type
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.rows import (
    JOB_COLUMNS,
    JOB_SELECT,
    UPDATED_COLUMNS,
    job_of,
    row_of,
    updated_row,
)
from casare_rpa.infrastructure.orchestrator.storage.schema import audit, idempotency_keys, job_events, jobs, tallies

LOADED_AT_ONCE = 250
LOAD = f"SELECT {JOB_SELECT} FROM jobs WHERE job_id = ANY($1::text[])"  # noqa: S608 - our own names
_EXTENDED = ("lease_expires_at", "offer_expires_at")
_TALLY_COLUMNS = ("tenant_id", "status", "minute", "queue", "number")
_AUDIT_COLUMNS = ("at", "by", "action", "target", "note")
_TRUTHS = {"ready", *(field.name for field in JOB_FIELDS if field.type is bool)}
_NEW_TRUTHS = [place for place, name in enumerate(JOB_COLUMNS) if name in _TRUTHS]
_CHANGED_TRUTHS = [place for place, name in enumerate(UPDATED_COLUMNS) if name in _TRUTHS]
_NewRow = row_type("NewRow", JOB_COLUMNS)
_ChangedRow = row_type("ChangedRow", ("job_id", "old_revision", "over_lease", "over_offer", *UPDATED_COLUMNS))
_ENTRIES = {
    EVENT_COLUMNS: row_type("Entry", ("place", *EVENT_COLUMNS)),
    SUBMITTED_COLUMNS: row_type("SubmittedEntry", ("place", *SUBMITTED_COLUMNS)),
}
_KEY_COLUMNS = ("tenant_id", "idempotency_key", "body_digest", "job_id")


def names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def typed(table: sqlalchemy.Table, columns: Sequence[str]) -> str:
    """The columns and their types, for `json_to_recordset`."""
    kinds = {sqlalchemy.Float: "double precision", sqlalchemy.Integer: "bigint"}
    types = (kinds.get(type(table.c[name].type), "text") for name in columns)
    return ", ".join(f'"{name}" {kind}' for name, kind in zip(columns, types, strict=True))


def _history(columns: tuple[str, ...]) -> str:
    """The part of a statement after its jobs. `done` has a row when they are written; $4 to $8 as `_parameters` says.

    The numbers in the rows count from 1; the counters of the store are added to them.
    """
    others = tuple(name for name in columns if name not in ("seq", "tenant_seq"))
    key = "tenant_id, status, minute, queue, slot"
    return f"""
counted AS (
    INSERT INTO tallies ({key}, number)
    SELECT tenant_id, status, minute, queue, $5::bigint, number
    FROM json_to_recordset($4::json) AS moved ({typed(tallies, _TALLY_COLUMNS)})
    WHERE EXISTS (SELECT 1 FROM done) ORDER BY tenant_id, status, minute, queue
    ON CONFLICT ({key}) DO UPDATE SET number = tallies.number + excluded.number RETURNING 1
),
every AS (
    UPDATE numbers SET last = last + $7::bigint
    WHERE name = 'jobs' AND $7::bigint > 0 AND EXISTS (SELECT 1 FROM done) AND (SELECT count(*) FROM counted) >= 0
    RETURNING last - $7::bigint AS base
),
tenant AS (
    INSERT INTO numbers (name, last)
    SELECT 'jobs:' || tenant_id, added FROM json_to_recordset($8::json) AS new (tenant_id text, added bigint)
    WHERE EXISTS (SELECT 1 FROM every) ORDER BY tenant_id
    ON CONFLICT (name) DO UPDATE SET last = numbers.last + excluded.last RETURNING name, last
),
bases AS MATERIALIZED (
    SELECT new.tenant_id, tenant.last - new.added AS base
    FROM json_to_recordset($8::json) AS new (tenant_id text, added bigint)
    CROSS JOIN LATERAL (SELECT last FROM tenant WHERE tenant.name = 'jobs:' || new.tenant_id) AS tenant
),
entered AS (
    INSERT INTO job_events ({names(others)}, seq, tenant_seq)
    SELECT {names(others)}, seq + (SELECT base FROM every),
        tenant_seq + (SELECT base FROM bases WHERE bases.tenant_id = entry.tenant_id)
    FROM json_to_recordset($3::json) AS entry (place bigint, {typed(job_events, columns)})
    WHERE EXISTS (SELECT 1 FROM done) AND (SELECT count(*) FROM bases) >= 0 ORDER BY place RETURNING 1
),
recorded AS (
    INSERT INTO audit ({names(_AUDIT_COLUMNS)})
    SELECT {names(_AUDIT_COLUMNS)} FROM json_to_recordset($6::json) AS entry ({typed(audit, _AUDIT_COLUMNS)})
    WHERE EXISTS (SELECT 1 FROM done) AND (SELECT count(*) FROM entered) >= 0
)
SELECT (SELECT count(*) FROM done),
    coalesce((SELECT base FROM every), (SELECT last FROM numbers WHERE name = 'jobs'), 0),
    (SELECT json_object_agg(tenant_id, base) FROM bases)
"""  # noqa: S608 - our own names


ADD = f"""
WITH added AS (
    INSERT INTO jobs ({names(JOB_COLUMNS)})
    SELECT {names(JOB_COLUMNS)} FROM json_to_recordset($1::json) AS new ({typed(jobs, JOB_COLUMNS)}) RETURNING 1
),
known AS (
    INSERT INTO idempotency_keys ({names(_KEY_COLUMNS)})
    SELECT {names(_KEY_COLUMNS)} FROM json_to_recordset($2::json) AS new ({typed(idempotency_keys, _KEY_COLUMNS)})
    WHERE (SELECT count(*) FROM added) >= 0 ORDER BY tenant_id, idempotency_key RETURNING 1
),
done AS MATERIALIZED (
    SELECT 1 WHERE (SELECT count(*) FROM added) >= 0 AND (SELECT count(*) FROM known) >= 0
),
{_history(SUBMITTED_COLUMNS)}
"""  # noqa: S608 - our own names


def _set(name: str) -> str:
    """The assignment of a column. Heartbeats extend a stored lease without a new revision, and it stays so."""
    if name in _EXTENDED:
        return f'"{name}" = CASE WHEN new."{name}" IS NOT NULL THEN greatest(jobs."{name}", new."{name}") END'
    return f'"{name}" = new."{name}"'


# `locked` waits for writers of the same jobs, and has only the rows with the revision that was read. `done` has a row
# when all of them have it and no session was lost, so that a batch is written as a whole or not at all; the robots of
# the sessions cannot begin others meanwhile. A number of updated rows that differs from that of the locked ones ends
# the statement with an error.
APPLY = f"""
WITH fence AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE newest.session_id IS DISTINCT FROM mine.session_id) AS lost
    FROM json_to_recordset($2::json) AS mine (robot_id text, session_id text)
    CROSS JOIN LATERAL (
        SELECT session_id FROM robot_sessions WHERE robot_sessions.robot_id = mine.robot_id FOR SHARE) AS newest
),
new AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json)
    AS new (job_id text, old_revision bigint, over_lease bigint, over_offer bigint, {typed(jobs, UPDATED_COLUMNS)})
    WHERE (SELECT lost FROM fence) = 0
),
locked AS MATERIALIZED (
    SELECT new.* FROM new CROSS JOIN LATERAL (
        SELECT 1 FROM jobs WHERE jobs.job_id = new.job_id AND jobs.revision = new.old_revision
        AND (new.over_lease IS NULL OR jobs.lease_expires_at = new.over_lease)
        AND (new.over_offer IS NULL OR jobs.offer_expires_at = new.over_offer) FOR NO KEY UPDATE
    ) AS stored
),
fit AS MATERIALIZED (
    SELECT 1 WHERE (SELECT lost FROM fence) = 0 AND (SELECT count(*) FROM locked) = (SELECT count(*) FROM new)
),
written AS (
    UPDATE jobs SET {", ".join(map(_set, UPDATED_COLUMNS))}
    FROM locked AS new WHERE jobs.job_id = new.job_id AND EXISTS (SELECT 1 FROM fit) RETURNING 1
),
done AS MATERIALIZED (
    SELECT 1 / (CASE WHEN (SELECT count(*) FROM written) = (SELECT count(*) FROM new) THEN 1 ELSE 0 END) FROM fit
),
{_history(EVENT_COLUMNS)}
"""  # noqa: S608 - our own names
# The last numbered entries of jobs, newest first.
NUMBERS = """
SELECT job_id, seq, tenant_seq FROM job_events WHERE job_id = ANY($1::text[]) AND seq IS NOT NULL
ORDER BY event_id DESC
"""


class Bases(NamedTuple):
    """The numbers before the first one of a statement."""

    last: int
    of_tenants: dict[str, int]

    def of(self, numbers: ChangeNumbers, tenant_id: str) -> ChangeNumbers:
        """The numbers in the store of a change whose numbers count from 1."""
        if numbers.tenant_seq is None:
            return replace(numbers, seq=self.last + numbers.seq)
        tenant_seq = self.of_tenants[tenant_id] + numbers.tenant_seq
        return replace(numbers, seq=self.last + numbers.seq, tenant_seq=tenant_seq)


async def load(connection: Connection, job_ids: Iterable[str]) -> dict[str, Job]:
    """The jobs that exist, by id. A NUL in an id is U+FFFD, as in `json_parameter`: PostgreSQL refuses it."""
    wanted = sorted({job_id.replace("\x00", "\ufffd") for job_id in job_ids})
    found: dict[str, Job] = {}
    for first in range(0, len(wanted), LOADED_AT_ONCE):
        rows = await connection.fetch(LOAD, wanted[first : first + LOADED_AT_ONCE])
        found.update((job.job_id, job) for job in map(job_of, rows))
    return found


class JobStatement(NamedTuple):
    """The parameters of one statement."""

    sql: str
    parameters: tuple[Any, ...]

    async def run(self, connection: Connection) -> Bases | None:
        """The bases of its numbers; `None` if it wrote nothing because rows have changed."""
        done, last, of_tenants = await connection.fetchrow(self.sql, *self.parameters)
        return Bases(last, json.loads(of_tenants) if of_tenants else {}) if done else None


def add_statement(
    decided: Submits, counters: Counters, audits: Sequence[tuple[NewAudit, int]], tally_slot: int
) -> JobStatement:
    """The insert of new jobs. `counters` counted from 0."""
    rows = [
        _NewRow(*_plain(row_of(one.job), _NEW_TRUTHS)) for one in sorted(decided.jobs, key=lambda one: one.job.job_id)
    ]
    keys = [dict(zip(_KEY_COLUMNS, key, strict=True)) for key in decided.keys]
    moves = tallies_of_submits(one.job for one in decided.jobs)
    history = _parameters(SUBMITTED_COLUMNS, decided.events, moves, counters, audits, tally_slot)
    return JobStatement(ADD, (json_parameter(rows), json_parameter(keys), *history))


def apply_statement(
    decided: Changes,
    counters: Counters,
    audits: Sequence[tuple[NewAudit, int]],
    sessions: Iterable[SessionKey],
    tally_slot: int,
) -> JobStatement:
    """The update of changed jobs, in these sessions. `counters` counted from 0."""
    rows = [
        _ChangedRow(
            one.after.job_id,
            one.before.revision,
            _over(one.before.lease_expires_at, one.at),
            _over(one.before.offer_expires_at, one.at),
            *_plain(updated_row(one.after, one.at), _CHANGED_TRUTHS),
        )
        for one in sorted(decided.written, key=lambda one: one.after.job_id)
    ]
    mine = [{"robot_id": robot_id, "session_id": session_id} for robot_id, session_id in sorted(sessions)]
    moves = tallies_of_changes(decided.written)
    history = _parameters(EVENT_COLUMNS, decided.events, moves, counters, audits, tally_slot)
    return JobStatement(APPLY, (json_parameter(rows), json_parameter(mine), *history))


def _parameters(
    columns: tuple[str, ...],
    events: Sequence[EventRow],
    moves: Counter[Tally],
    counters: Counters,
    audits: Sequence[tuple[NewAudit, int]],
    tally_slot: int,
) -> tuple[Any, ...]:
    """The parameters of `_history`: entries, tallies, slot, audit entries, numbers of all, numbers of each tenant."""
    entry = _ENTRIES[columns]
    entries = [entry(place, *event) for place, event in enumerate(events)]
    tally_rows = [dict(zip(_TALLY_COLUMNS, (*key, number), strict=True)) for key, number in moves.items() if number]
    audit_rows = [
        dict(zip(_AUDIT_COLUMNS, (one.at, one.by, one.action, one.target, one.note_of(done)), strict=True))
        for one, done in audits
    ]
    tenants = [{"tenant_id": name, "added": added} for name, added in sorted(counters.of_tenants.items())]
    return (
        json_parameter(entries),
        json_parameter(tally_rows),
        tally_slot,
        json_parameter(audit_rows),
        counters.last,
        json_parameter(tenants),
    )


def _over(expires_at: Instant | None, at: Instant) -> Instant | None:
    """An instant that has passed. The change may rely on it, so that it must be the stored one still."""
    return expires_at if expires_at is not None and expires_at <= at else None


def _plain(values: list[Any], places: Sequence[int]) -> list[Any]:
    """The values, in which the truth values at these places are numbers."""
    for place in places:
        values[place] = int(values[place])
    return values


def numbered_submits(answers: list[list[Added | None]], bases: Bases) -> list[list[Added | None]]:
    """The answers with the numbers of the store."""

    def one(added: Added | None) -> Added | None:
        if added is None or added.numbers is None:
            return added
        return replace(added, numbers=bases.of(added.numbers, added.job.tenant_id))

    return [[one(added) for added in answer] for answer in answers]


def numbered_changes(answers: list[list[Applied]], bases: Bases) -> list[list[Applied]]:
    """The answers with the numbers of the store."""

    def one(applied: Applied) -> Applied:
        if applied.numbers is None or applied.before is None:
            return applied
        return replace(applied, numbers=bases.of(applied.numbers, applied.before.tenant_id))

    return [[one(applied) for applied in answer] for answer in answers]
