"""Brings a PostgreSQL database to the current schema, at every start.

A new database gets the schema of this version in one step; an existing one gets the migrations that it lacks. Alembic
needs the synchronous interface of SQLAlchemy, which runs asyncpg in greenlets; nothing else uses them.
"""

import logging
import secrets
from pathlib import Path
from typing import Any

import asyncpg
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS, Migrations, StoredSchema, UpgradeReporter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, LOST, Target
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata

logger = logging.getLogger(__name__)

MIN_VERSION = 15
DATABASE = "at CASARE_DATABASE_URL"
"""Its name in errors: the URL may hold a password."""
LOCK = 0x63617361
"""The advisory lock of an upgrade: instances that start together upgrade one after the other."""
# The numbers of audit entries become visible in order, because a transaction that takes one holds the row to its end.
# An entry is the last row of its transaction.
_FUNCTIONS = """
CREATE OR REPLACE FUNCTION next_number(counter text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO numbers (name, last) VALUES (counter, 1)
    ON CONFLICT (name) DO UPDATE SET last = numbers.last + 1 RETURNING last
$$
"""
_FIRST_ROWS = (
    "ALTER TABLE audit ALTER audit_id SET DEFAULT next_number('audit')",
    "INSERT INTO numbers (name, last) VALUES ('jobs', 0), ('logs', 0), ('audit', 0)",
    "INSERT INTO tenants (tenant_id, name, created_at) VALUES ('default', 'Default', 0)",
    "INSERT INTO epoch (epoch_id, epoch) VALUES (1, :epoch)",
    "INSERT INTO schema_info (info_id, min_reader) VALUES (1, :head)",
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
            _check_version(connection)
            stored = await _stored(connection)
        finally:
            await connection.close()
        if steps.missing(stored, DATABASE):
            await _upgrade(target, steps)
    except (*LOST, asyncpg.PostgresError, SQLAlchemyError, CommandError) as error:
        raise StoreUnavailable(f"the database at CASARE_DATABASE_URL cannot be opened: {error}") from error


def _check_version(connection: "asyncpg.Connection[Any]") -> None:
    version = connection.get_server_version().major
    if version < MIN_VERSION:
        raise StoreUnavailable(f"the database is PostgreSQL {version}; {MIN_VERSION} or newer is needed")


async def _stored(connection: "asyncpg.Connection[Any]") -> StoredSchema:
    """The schema of the database, read without Alembic."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return StoredSchema()
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return StoredSchema(revision, *await connection.fetchrow("SELECT min_reader, contracted FROM schema_info"))


async def _upgrade(target: Target, steps: Migrations) -> None:
    async def connect() -> "asyncpg.Connection[Any]":
        # A statement of an upgrade may take long; asyncpg's own limit would end it.
        return await asyncpg.connect(target.url, target_session_attrs="read-write", timeout=10)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_in, steps)
    finally:
        await engine.dispose()


def _upgrade_in(connection: Connection, steps: Migrations) -> None:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    stored = StoredSchema()
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is not None:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        row = connection.execute(text("SELECT min_reader, contracted FROM schema_info")).one()
        stored = StoredSchema(revision, *row)
    missing = steps.missing(stored, DATABASE)
    if not missing:  # another instance upgraded while this one waited for the lock
        return
    if stored.revision is not None:
        steps.upgrade(connection, UpgradeReporter(missing, lambda: 0))
        return
    logger.info("making the tables of a new database")
    metadata.create_all(connection)
    connection.execute(text(_FUNCTIONS))
    values = {"epoch": secrets.token_hex(8), "head": missing[-1]}
    for statement in _FIRST_ROWS:
        connection.execute(text(statement), values)
    steps.stamp(connection)
