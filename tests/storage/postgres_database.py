"""Databases of the current schema on the servers of `postgres_server`, each emptied for the next test."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count

from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from postgres_server import running

_numbers = count()
_EMPTY = f"""
TRUNCATE {", ".join(metadata.tables.keys() - {"schema_info"})} RESTART IDENTITY;
INSERT INTO numbers (name, last) VALUES ('jobs', 0), ('logs', 0), ('audit', 0);
INSERT INTO tenants (tenant_id, name, created_at) VALUES ('default', 'Default', 0);
INSERT INTO epoch (epoch_id, epoch) VALUES (1, md5(random()::text));
"""


@cache
def _database(kind: str) -> str:
    """The name of a migrated database on the shared server of a kind."""
    name = f"conformance{next(_numbers)}"
    url = running(kind).new_database(name)
    # In a thread, because a fixture of an asynchronous test runs inside a loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate_postgres(Target(url))).result()
    return name


def empty_database(kind: str) -> str:
    """The URL of a database without data. A later call of this process empties the same one."""
    server = running(kind)
    name = _database(kind)
    server.run_sql(_EMPTY, name)
    return server.url(name)


def known_database(kind: str) -> str:
    """The URL of the same database, with its data."""
    return running(kind).url(_database(kind))
