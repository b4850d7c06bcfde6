"""The counter rows: the newest numbers of changes and of log lines. They are written last in each transaction.

A number is thus committed with its change: numbers become visible in order, without gaps, and survive a restart.
"""

import sqlite3
from collections.abc import Sequence

from casare_rpa.infrastructure.orchestrator.storage.decisions import Counters
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter

JOBS = "jobs"
OF_TENANT = "jobs:"
"""The beginning of the name of a tenant's counter."""
LOGS = "logs"
DELETED = "deleted:"
"""The beginning of the name of the greatest number that retention has deleted; the name of the counter follows."""

_ALL = "SELECT name, last FROM numbers"
_ONE = "SELECT last FROM numbers WHERE name = ?"
SAVE_LOGS = "INSERT INTO numbers (name, last) VALUES ('logs', ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last"
SAVE = (
    "INSERT INTO numbers (name, last) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true "
    "ON CONFLICT (name) DO UPDATE SET last = excluded.last"
)

DELETED_NUMBERS = (
    "SELECT tenant_id, max(seq), max(tenant_seq) FROM job_events "
    "WHERE job_id IN (SELECT value FROM json_each(?)) AND seq IS NOT NULL GROUP BY tenant_id"
)
_SAVE_DELETED = (
    "INSERT INTO numbers (name, last) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true "
    "ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last)"
)


def note_deleted(connection: sqlite3.Connection, job_ids: Sequence[str]) -> None:
    """Record that the changes of these jobs will be missing. Called in the transaction that deletes them."""
    rows = []
    for tenant_id, seq, tenant_seq in connection.execute(DELETED_NUMBERS, (json_parameter(job_ids),)):
        rows += [(DELETED + JOBS, seq), (f"{DELETED}{OF_TENANT}{tenant_id}", tenant_seq)]
    for row in rows:  # one after the other: the number of all changes occurs once for each tenant
        connection.execute(_SAVE_DELETED, (json_parameter([row]),))


def read_counters(connection: sqlite3.Connection) -> Counters:
    """The counters of changes."""
    rows: dict[str, int] = dict(connection.execute(_ALL).fetchall())
    of_tenants = {name.removeprefix(OF_TENANT): last for name, last in rows.items() if name.startswith(OF_TENANT)}
    return Counters(rows.get(JOBS, 0), of_tenants)


def last_log_id(connection: sqlite3.Connection) -> int:
    row = connection.execute(_ONE, (LOGS,)).fetchone()
    return int(row[0]) if row is not None else 0
