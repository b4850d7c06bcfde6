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
    coalesce((SELECT last FROM numbers WHERE name = :deleted), 0),
    (SELECT epoch FROM epoch WHERE epoch_id = 1),
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

# The number before the last run of numbers without a gap. Takes time in proportion to the run.
_LAST_GAP = """
SELECT CASE WHEN EXISTS (SELECT 1 FROM job_events WHERE {where} AND {number} = :last) THEN (
    SELECT {number} - 1 FROM job_events AS entry
    WHERE {where} AND {number} <= :last AND NOT EXISTS (
        SELECT 1 FROM job_events AS earlier WHERE {earlier} AND earlier.{number} = entry.{number} - 1)
    ORDER BY {order} DESC LIMIT 1
) ELSE :last END
"""
GAP_OF_ALL = _LAST_GAP.format(where="seq IS NOT NULL", number="seq", earlier="true", order="seq")
GAP_OF_TENANT = _LAST_GAP.format(
    where="tenant_id = :tenant_id AND tenant_seq IS NOT NULL",
    number="tenant_seq",
    earlier="earlier.tenant_id = :tenant_id",
    order="tenant_seq",
)

_changes = msgspec.json.Decoder(list[ShownChange])


def changes_after(connection: sqlite3.Connection, tenant_id: str | None, after: int, limit: int) -> ShownChanges:
    """Up to `limit` changes after a number, of a tenant or of all."""
    counter = numbers.JOBS if tenant_id is None else numbers.OF_TENANT + tenant_id
    of_tenant = {} if tenant_id is None else {"tenant_id": tenant_id}
    values = {"after": after, "most": limit, "counter": counter, "deleted": numbers.DELETED + counter, **of_tenant}
    statement = ALL_CHANGES if tenant_id is None else CHANGES_OF_TENANT
    last, deleted, epoch, encoded = connection.execute(statement, values).fetchone()
    changes = _changes.decode(encoded)
    wanted = min(limit, max(0, last - after))
    reached = after if not changes else changes[-1].seq if tenant_id is None else changes[-1].tenant_seq
    if after >= deleted and (len(changes), reached) != (wanted, after + wanted):
        # A version that recorded no deleted numbers has deleted changes. Recorded ones are greater after a while.
        gap = GAP_OF_ALL if tenant_id is None else GAP_OF_TENANT
        (deleted,) = connection.execute(gap, {"last": last, **of_tenant}).fetchone()
    return ShownChanges(last, deleted, epoch, changes)


def stream(connection: sqlite3.Connection) -> StreamState:
    """The epoch and the newest numbers."""
    counters = numbers.read_counters(connection)
    return StreamState(epoch_rows.find(connection), counters.last, counters.of_tenants)
