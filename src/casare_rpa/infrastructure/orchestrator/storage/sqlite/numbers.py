"""The counter rows: the newest numbers of changes and of log lines. They are written last in each transaction.

A number is thus committed with its change: numbers become visible in order, without gaps, and survive a restart.
"""

import sqlite3

from casare_rpa.infrastructure.orchestrator.storage.decisions import Counters
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import json_parameter

JOBS = "jobs"
OF_TENANT = "jobs:"
"""The beginning of the name of a tenant's counter."""
LOGS = "logs"

_ALL = "SELECT name, last FROM numbers"
_ONE = "SELECT last FROM numbers WHERE name = ?"
_SAVE = (
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


def save_last_log_id(connection: sqlite3.Connection, log_id: int) -> None:
    connection.execute(_SAVE, (json_parameter([[LOGS, log_id]]),))


class ChangeCounters:
    """The counters of changes in memory: a cache of the writer's thread, which follows its transaction."""

    def __init__(self) -> None:
        self.counters = Counters()

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read the counters again, after anything was undone."""
        self.counters = read_counters(connection)

    def save(self, connection: sqlite3.Connection) -> None:
        """Write the counters that changed, in the transaction of the changes that they number."""
        counters = self.counters
        if counters.changed:
            rows: list[list[object]] = [[OF_TENANT + one, counters.of_tenants[one]] for one in sorted(counters.changed)]
            connection.execute(_SAVE, (json_parameter([[JOBS, counters.last], *rows]),))
            counters.changed.clear()
