"""Brings a PostgreSQL database to the current schema, at every start.

A new database gets the schema of this version in one step; an existing one gets the migrations that it lacks. Alembic
needs the synchronous interface of SQLAlchemy, which runs asyncpg in greenlets; nothing else uses them.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.robot_sessions import DEAD_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.migrate import (
    FIRST_READER,
    MIGRATIONS,
    Migrations,
    StoredSchema,
    UpgradeReporter,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, LOST, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import SCHEMA_LOCKS, UPGRADE_LOCK
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_TIMEOUT = "5s"
LOCK_NOT_AVAILABLE = "55P03"
ATTEMPTS = 6
PAUSE_SECONDS = 2.0
MIN_VERSION = 15
ENCODING = "UTF8"
DATABASE = "at CASARE_DATABASE_URL"
"""Its name in errors: the URL may hold a password."""
# The numbers of audit entries become visible in order, because a transaction that takes one holds the row to its end.
# An entry is the last row of its transaction.
_FUNCTIONS = """
CREATE OR REPLACE FUNCTION next_number(counter text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO numbers (name, last) VALUES (counter, 1)
    ON CONFLICT (name) DO UPDATE SET last = numbers.last + 1 RETURNING last
$$
"""
_OLDER = """
SELECT coalesce(json_extract_path_text(facts::json, 'name'), instance) FROM instances
WHERE seen_at > :since
AND coalesce(nullif(json_extract_path_text(facts::json, 'schema'), '')::bigint, 0) < CAST(:reader AS bigint)
ORDER BY 1
"""
# An instance holds its lock from before its check of the schema until its process ends.
_OLDER_LOCKS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND classid = CAST(:kind AS bigint) AND objsubid = 2 AND objid::bigint < CAST(:reader AS bigint)
"""
_FIRST_ROWS = (
    "ALTER TABLE audit ALTER audit_id SET DEFAULT next_number('audit')",
    "INSERT INTO numbers (name, last) VALUES ('jobs', 0), ('logs', 0), ('audit', 0)",
    "INSERT INTO tenants (tenant_id, name, created_at) VALUES ('default', 'Default', 0)",
    "INSERT INTO epoch (epoch_id, epoch) VALUES (1, :epoch)",
    "INSERT INTO schema_info (info_id, min_reader, contracted) VALUES (1, :reader, :contracted)",
)


async def migrate_postgres(target: Target, migrations: Path = MIGRATIONS) -> None:
    """Make or upgrade the schema; a few statements if it is current.

    One transaction: a process that is killed meanwhile leaves the schema and the data as they were.

    Raises:
        StoreUnavailable: the server cannot be reached or is too old, the login fails, or the schema is newer.
    """
    steps = Migrations(migrations)
    try:
        connection = await target.connect(COLD)
        try:
            await _check_server(connection)
            stored = await _stored(connection)
        finally:
            await connection.close()
        if steps.missing(stored, DATABASE):
            await _in_transaction(target, partial(_upgrade_in, steps=steps))
    except (*LOST, asyncpg.PostgresError, SQLAlchemyError, CommandError) as error:
        raise StoreUnavailable(f"the database at CASARE_DATABASE_URL cannot be opened: {error}") from error


async def _check_server(connection: "asyncpg.Connection[Any]") -> None:
    version = connection.get_server_version().major
    if version < MIN_VERSION:
        raise StoreUnavailable(f"the database is PostgreSQL {version}; {MIN_VERSION} or newer is needed")
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != ENCODING:
        raise StoreUnavailable(
            f"the database has the encoding {encoding}, which cannot store every text; make one with "
            f"createdb --encoding={ENCODING} --template=template0"
        )


async def _stored(connection: "asyncpg.Connection[Any]") -> StoredSchema:
    """The schema of the database, read without Alembic."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return StoredSchema()
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return StoredSchema(revision, *await connection.fetchrow("SELECT min_reader, contracted FROM schema_info"))


async def refuse_contracted(connection: "asyncpg.Connection[Any]") -> None:
    """Raises StoreUnavailable if the database was contracted by a version that is newer than this one."""
    Migrations().check_reader(await _stored(connection), DATABASE)


async def contract_postgres(target: Target, migrations: Path = MIGRATIONS) -> list[str]:
    """Remove the structures that only older versions need, after an upgrade; returns the names of the contracts.

    One transaction after that of `migrate_postgres`.

    Raises:
        StoreUnavailable: an instance of an older version runs, or the database cannot be changed.
    """
    await migrate_postgres(target, migrations)
    try:
        return await _in_transaction(target, partial(_contract_in, steps=Migrations(migrations)))
    except (*LOST, asyncpg.PostgresError, SQLAlchemyError, CommandError) as error:
        raise StoreUnavailable(f"the database at CASARE_DATABASE_URL cannot be changed: {error}") from error


async def _in_transaction(target: Target, act: "Callable[[Connection, UpgradeReports], T]") -> T:
    """Run `act` in a transaction that has the lock of upgrades, and report its progress every second.

    A statement that waits too long for a lock of a table ends the transaction, so that the requests behind it do not
    wait as well. It is then run again.
    """

    async def connect() -> "asyncpg.Connection[Any]":
        # A statement of an upgrade may take long; asyncpg's own limit would end it.
        return await asyncpg.connect(target.url, target_session_attrs="read-write", timeout=10)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await _once(engine, act)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE or attempt == ATTEMPTS:
                    raise
                logger.warning("upgrading the database: a table was in use for %s; trying again", LOCK_TIMEOUT)
                await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError("the last attempt returns or raises")
    finally:
        await engine.dispose()


async def _once(engine: AsyncEngine, act: "Callable[[Connection, UpgradeReports], T]") -> T:
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))  # a role can have a limit
        taken = await connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({UPGRADE_LOCK})"))
        if not taken:
            logger.warning("another instance upgrades the database: waiting for it")
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"))
        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        reports = UpgradeReports()
        showing = asyncio.create_task(_show(reports), name="progress of the upgrade")
        try:
            return await connection.run_sync(act, reports)
        finally:
            showing.cancel()
            await asyncio.wait({showing})


class UpgradeReports:
    """The reporter of the upgrade that runs, if there is one, and the rows that it has written."""

    def __init__(self) -> None:
        self.reporter: UpgradeReporter | None = None
        self._rows = 0

    def begin(self, connection: Connection, steps: list[str]) -> UpgradeReporter:
        def count(_connection: object, cursor: Any, *_: object) -> None:  # noqa: ANN401 - the driver's
            self._rows += max(0, cursor.rowcount)

        event.listen(connection, "after_cursor_execute", count)
        self.reporter = UpgradeReporter(steps, lambda: self._rows)
        return self.reporter


async def _show(reports: UpgradeReports) -> None:
    while True:
        await asyncio.sleep(1.0)
        if reports.reporter is not None:
            reports.reporter.work_done()


def _stored_in(connection: Connection) -> StoredSchema:
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return StoredSchema()
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return StoredSchema(revision, *connection.execute(text("SELECT min_reader, contracted FROM schema_info")).one())


def _upgrade_in(connection: Connection, reports: UpgradeReports, *, steps: Migrations) -> None:
    stored = _stored_in(connection)
    missing = steps.missing(stored, DATABASE)
    if not missing:  # another instance upgraded while this one waited for the lock
        return
    if stored.revision is not None:
        steps.upgrade(connection, reports.begin(connection, missing))
        return
    logger.info("making the tables of a new database")
    metadata.create_all(connection)
    connection.execute(text(_FUNCTIONS))
    # The tables of a new database lack everything that a contract removes.
    contracts = steps.contracts(stored)
    values = {
        "epoch": secrets.token_hex(8),
        "reader": steps.readers(contracts) if contracts else FIRST_READER,
        "contracted": contracts[-1] if contracts else None,
    }
    for statement in _FIRST_ROWS:
        connection.execute(text(statement), values)
    steps.stamp(connection)


def _contract_in(connection: Connection, reports: UpgradeReports, *, steps: Migrations) -> list[str]:
    missing = steps.contracts(_stored_in(connection))
    if missing:
        _refuse_older(connection, steps.readers(missing))
        steps.contract(connection, missing, reports.begin(connection, missing))
    return missing


def _refuse_older(connection: Connection, reader: str) -> None:
    """Raises StoreUnavailable if an instance runs whose program does not know this revision."""
    older = connection.scalars(
        text(_OLDER),
        {"since": _now(connection) - round(DEAD_SECONDS * MICROSECONDS_PER_SECOND), "reader": int(reader)},
    ).all()
    if older:
        raise StoreUnavailable(
            f"these instances run an older version, which needs the structures: {', '.join(older)}; upgrade or stop "
            "them first"
        )
    starting = connection.scalar(text(_OLDER_LOCKS), {"kind": SCHEMA_LOCKS, "reader": int(reader)})
    if starting:
        raise StoreUnavailable(
            f"{starting} instances of an older version start on this database, or do not answer; stop them first"
        )


def _now(connection: Connection) -> int:
    seconds = connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    return int((seconds or 0) * MICROSECONDS_PER_SECOND)
