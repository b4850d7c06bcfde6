"""What a PostgreSQL server says about its settings, standbys and oldest transaction."""

import time

import asyncpg

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.store_facts import DatabaseServerFacts, OpenTransaction
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, LOST, Connection, Target

_SETTINGS = """
SELECT current_setting('server_version') AS version,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS max_connections,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS open_connections,
    current_setting('fsync')::bool AS fsync, current_setting('full_page_writes')::bool AS full_page_writes,
    current_setting('autovacuum')::bool AS autovacuum,
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standbys,
    extract(epoch FROM clock_timestamp())::float8 AS now
"""
# Without the role pg_read_all_stats, the rows of other users have no state.
_STANDBYS = """
SELECT application_name, coalesce(sync_state, 'unknown') FROM pg_stat_replication
ORDER BY 1
"""
_OLDEST = """
SELECT owner, seconds, transactions FROM (
    SELECT coalesce(nullif(application_name, ''), 'an unnamed program') || ' (process ' || pid || ')' AS owner,
        extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds,
        age(coalesce(backend_xmin, backend_xid)) AS transactions
    FROM pg_stat_activity
    WHERE coalesce(backend_xmin, backend_xid) IS NOT NULL AND pid <> pg_backend_pid()
        AND backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT 'the replication slot ' || slot_name, NULL, age(coalesce(xmin, catalog_xmin))
    FROM pg_replication_slots WHERE coalesce(xmin, catalog_xmin) IS NOT NULL
    UNION ALL
    SELECT 'the prepared transaction ' || gid, extract(epoch FROM clock_timestamp() - prepared)::float8,
        age(transaction)
    FROM pg_prepared_xacts
) AS holder ORDER BY transactions DESC, seconds DESC NULLS LAST LIMIT 1
"""


async def read_facts(target: Target) -> DatabaseServerFacts:
    """The facts of the server that takes writes. It writes nothing.

    Raises:
        StoreUnavailable: no server of the URL takes writes, or the login fails.
    """
    try:
        connection = await target.connect(COLD)
        try:
            return await _read(connection)
        finally:
            connection.terminate()
    except (*LOST, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"the database did not answer as needed: {type(error).__name__}: {error}") from error


async def _read(connection: Connection) -> DatabaseServerFacts:
    before = time.time()
    settings = await connection.fetchrow(_SETTINGS)
    assert settings is not None
    after = time.time()
    oldest = await connection.fetchrow(_OLDEST)
    values = dict(settings)
    now: float = values.pop("now")
    return DatabaseServerFacts(
        **values,
        major=connection.get_server_version().major,
        standbys=tuple((name, state) for name, state in await connection.fetch(_STANDBYS)),
        oldest=OpenTransaction(*oldest) if oldest is not None else None,
        # A question and its answer take time, in which the clock of the server may have been read at any moment.
        seconds_ahead=0.0 if before <= now <= after else now - (after if now > after else before),
    )
