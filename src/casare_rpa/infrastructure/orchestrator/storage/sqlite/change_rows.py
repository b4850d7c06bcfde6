"""Reads of the numbered changes of jobs.

Each is one statement that returns one row of JSON. A cursor would take and release the GIL for each row.
"""

import sqlite3

import msgspec

from casare_rpa.domain.job_records import ShownChange, ShownChanges, StreamState
from casare_rpa.infrastructure.orchestrator.storage.cold import epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite import numbers

_TOLD = """
SELECT
    coalesce((SELECT last FROM numbers WHERE name = :counter), 0),
    (SELECT json_group_array(json_insert(
        shown, '$[#]', job_id, '$[#]', workflow_id, '$[#]', tenant_id, '$[#]', status, '$[#]', attempt,
        '$[#]', seq, '$[#]', tenant_seq, '$[#]', at))
     FROM (SELECT told.shown, told.job_id, jobs.workflow_id, told.tenant_id, told.status, told.attempt, told.seq,
                  told.tenant_seq, told.at
           FROM job_events AS told CROSS JOIN jobs ON jobs.job_id = told.job_id
           WHERE {} LIMIT :most))
"""
TOLD = _TOLD.format("told.seq > :after ORDER BY told.seq")
TOLD_OF_TENANT = _TOLD.format(
    "told.tenant_id = :tenant_id AND told.tenant_seq > :after ORDER BY told.tenant_id, told.tenant_seq"
)

_changes = msgspec.json.Decoder(list[ShownChange])


def told(connection: sqlite3.Connection, tenant_id: str | None, after: int, limit: int) -> ShownChanges:
    """Up to `limit` changes after a number, of a tenant or of all."""
    values = {"after": after, "most": limit}
    if tenant_id is None:
        row = connection.execute(TOLD, {**values, "counter": numbers.JOBS}).fetchone()
    else:
        of_tenant = {**values, "tenant_id": tenant_id, "counter": numbers.OF_TENANT + tenant_id}
        row = connection.execute(TOLD_OF_TENANT, of_tenant).fetchone()
    return ShownChanges(row[0], _changes.decode(row[1]))


def stream(connection: sqlite3.Connection) -> StreamState:
    """The epoch and the newest numbers."""
    counters = numbers.read_counters(connection)
    return StreamState(epoch_rows.find(connection), counters.last, counters.of_tenants)
