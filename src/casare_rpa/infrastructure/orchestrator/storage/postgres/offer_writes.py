"""The write of a claim: offered jobs with their history, in the transaction that has locked them.

It gives no number of a change, because viewers do not see an offer. So it locks no row that other writes need.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.decisions import (
    EVENT_COLUMNS,
    EventRow,
    Written,
    tallies_of_changes,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter, row_type
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.held_slots import HELD, LOST
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_writes import typed
from casare_rpa.infrastructure.orchestrator.storage.rows import change_of, is_ready
from casare_rpa.infrastructure.orchestrator.storage.schema import job_events, jobs, tallies

_EVENTS = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
_TALLIES = ("tenant_id", "status", "minute", "queue", "number")
_Entry = row_type("Entry", EVENT_COLUMNS)
_KEY = "tenant_id, status, minute, queue, slot"


# The robots are looked at again: if a session or another claim has changed one since the claim counted it, nothing is
# written. The join by the place of a row cannot become a scan of all jobs, as one by its id can when the plan was made
# for an empty table; the row cannot move, because this transaction has locked it.
@lru_cache(maxsize=64)
def offer_of(columns: tuple[str, ...]) -> str:
    """The statement that writes these columns of offered jobs."""
    return f"""
WITH stale AS MATERIALIZED (
    SELECT 1 FROM json_to_recordset($2::json) AS mine (robot_id text, session_id text, held bigint)
    WHERE {HELD.format("mine")} <> mine.held OR {LOST.format("mine")}
),
locked AS MATERIALIZED (
    SELECT new.*, found.place
    FROM json_to_recordset($1::json) AS new (job_id text, old_revision bigint, {typed(jobs, columns)})
    CROSS JOIN LATERAL (
        SELECT ctid AS place FROM jobs
        WHERE jobs.job_id = new.job_id AND jobs.revision = new.old_revision FOR NO KEY UPDATE
    ) AS found
    WHERE NOT EXISTS (SELECT 1 FROM stale)
),
written AS (
    UPDATE jobs SET {", ".join(f"{name} = new.{name}" for name in columns)}
    FROM locked AS new WHERE jobs.ctid = new.place RETURNING jobs.job_id
),
counted AS (
    INSERT INTO tallies ({_KEY}, number)
    SELECT tenant_id, status, minute, queue, $5, number
    FROM json_to_recordset($4::json) AS moved ({typed(tallies, _TALLIES)})
    WHERE NOT EXISTS (SELECT 1 FROM stale)
    ORDER BY tenant_id, status, minute, queue
    ON CONFLICT ({_KEY}) DO UPDATE SET number = tallies.number + excluded.number
),
entered AS (
    INSERT INTO job_events ({_EVENTS})
    SELECT {_EVENTS} FROM json_to_recordset($3::json) AS entry ({typed(job_events, EVENT_COLUMNS)})
    WHERE NOT EXISTS (SELECT 1 FROM stale)
)
SELECT (SELECT count(*) FROM written) AS written, pg_current_xact_id()::text AS transaction
"""  # noqa: S608 - our own names


async def write(
    connection: Connection,
    written: Sequence[Written],
    events: Sequence[EventRow],
    robots: Sequence[Mapping[str, object]],
    tally_slot: int,
) -> str | None:
    """Write offers of jobs that this transaction has locked. Returns the number of the transaction.

    `robots` are those of the offers, each with its session and the number of jobs that it held when the claim counted.
    Returns `None`, and writes nothing, if one of them has changed since.

    Raises:
        StoreUnavailable: a job has another revision than the one that the claim locked.
    """
    changes = [dict(zip(*change_of(one.before, one.after, one.at), strict=True)) for one in written]
    columns = tuple(sorted({*chain.from_iterable(changes)}))
    rows = [
        {
            "job_id": one.after.job_id,
            "old_revision": one.before.revision,
            **{name: _number(change[name] if name in change else _value(one, name)) for name in columns},
        }
        for one, change in zip(written, changes, strict=True)
    ]
    moved = tallies_of_changes(written).items()
    moves = [dict(zip(_TALLIES, (*key, number), strict=True)) for key, number in moved if number]
    row = await connection.fetchrow(
        offer_of(columns),
        json_parameter(rows),
        json_parameter(robots),
        json_parameter([_Entry(*event) for event in events]),
        json_parameter(moves),
        tally_slot,
    )
    assert row is not None
    if row["written"] not in (0, len(written)):
        raise StoreUnavailable("jobs have another revision than the claim locked")
    return str(row["transaction"]) if row["written"] else None


def _value(one: Written, name: str) -> Any:  # noqa: ANN401 - a SQL value
    """The value of a column that this job keeps and another one changes."""
    if name == "fingerprint":
        return fingerprint(one.after) if one.after.status is JobStatus.FAILED else None
    value = is_ready(one.after, one.at) if name == "ready" else getattr(one.after, name)
    return json.dumps(value) if isinstance(value, tuple) else value


def _number(value: object) -> object:
    """A truth value as a number."""
    return int(value) if isinstance(value, bool) else value
