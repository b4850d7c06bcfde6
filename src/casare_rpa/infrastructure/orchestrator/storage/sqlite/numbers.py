"""The counter rows: the newest numbers of changes and of log lines. They are written last in each transaction.

A number is thus committed with its change: numbers become visible in order, without gaps, and survive a restart.
"""

import sqlite3

from casare_rpa.infrastructure.orchestrator.storage.decisions import Counters

JOBS = "jobs"
OF_TENANT = "jobs:"
"""The beginning of the name of a tenant's counter."""
LOGS = "logs"

_ALL = "SELECT name, last FROM numbers"
_ONE = "SELECT last FROM numbers WHERE name = ?"
SAVE_LOGS = "INSERT INTO numbers (name, last) VALUES ('logs', ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last"
SAVE = (
    "INSERT INTO numbers (name, last) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true "
    "ON CONFLICT (name) DO UPDATE SET last = excluded.last"
)


def read_counters(connection: sqlite3.Connection) -> Counters:
    """The counters of changes."""
    rows: dict[str, int] = dict(connection.execute(_ALL).fetchall())
    of_tenants = {name.removeprefix(OF_TENANT): last for name, last in rows.items() if name.startswith(OF_TENANT)}
    return Counters(rows.get(JOBS, 0), of_tenants)


def last_log_id(connection: sqlite3.Connection) -> int:
    row = connection.execute(_ONE, (LOGS,)).fetchone()
    return int(row[0]) if row is not None else 0
