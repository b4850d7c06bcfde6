"""Reads of the numbered changes of jobs.

Each is one statement that returns one row of JSON. A cursor would take and release the GIL for each row.
"""

import sqlite3

import msgspec

from casare_rpa.domain.job_records import ShownChange, ShownChanges, StreamState
from casare_rpa.infrastructure.orchestrator.storage.cold import epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite import numbers

_CHANGES = """
SELECT
    coalesce((SELECT last FROM numbers WHERE name = :counter), 0),
    (SELECT json_group_array(json_insert(
        shown, '$[#]', job_id, '$[#]', workflow_id, '$[#]', tenant_id, '$[#]', status, '$[#]', attempt,
        '$[#]', seq, '$[#]', tenant_seq, '$[#]', at))
     FROM (SELECT entry.shown, entry.job_id, jobs.workflow_id, entry.tenant_id, entry.status, entry.attempt,
                  entry.seq, entry.tenant_seq, entry.at
           FROM job_events AS entry CROSS JOIN jobs ON jobs.job_id = entry.job_id
           WHERE {} LIMIT :most))
"""
ALL_CHANGES = _CHANGES.format("entry.seq > :after ORDER BY entry.seq")
CHANGES_OF_TENANT = _CHANGES.format(
    "entry.tenant_id = :tenant_id AND entry.tenant_seq > :after ORDER BY entry.tenant_id, entry.tenant_seq"
)

_changes = msgspec.json.Decoder(list[ShownChange])


def changes_after(connection: sqlite3.Connection, tenant_id: str | None, after: int, limit: int) -> ShownChanges:
    """Up to `limit` changes after a number, of a tenant or of all."""
    values = {"after": after, "most": limit}
    if tenant_id is None:
        row = connection.execute(ALL_CHANGES, {**values, "counter": numbers.JOBS}).fetchone()
    else:
        of_tenant = {**values, "tenant_id": tenant_id, "counter": numbers.OF_TENANT + tenant_id}
        row = connection.execute(CHANGES_OF_TENANT, of_tenant).fetchone()
    return ShownChanges(row[0], _changes.decode(row[1]))


def stream(connection: sqlite3.Connection) -> StreamState:
    """The epoch and the newest numbers."""
    counters = numbers.read_counters(connection)
    return StreamState(epoch_rows.find(connection), counters.last, counters.of_tenants)
