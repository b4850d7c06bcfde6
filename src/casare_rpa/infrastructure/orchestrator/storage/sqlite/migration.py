"""Brings a database file to the current schema, at every start."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.migrate import (
    MIGRATIONS,
    Migrations,
    StoredSchema,
    UpgradeProgress,
    UpgradeReporter,
    log_progress,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite.file_lock import lock_database

PROGRESS_INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between two calls of the progress handler: few enough for a report every two
seconds, and too many to slow a statement down."""


def migrate(
    path: Path,
    *,
    migrations: Path = MIGRATIONS,
    report: Callable[[UpgradeProgress], None] = log_progress,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Upgrade the database file, which is made if it does not exist; takes about a millisecond if it is current.

    One transaction: a process that is killed meanwhile leaves the schema and the data as they were.

    Args:
        path: the database file.
        migrations: the Alembic folder.
        report: called during an upgrade that takes longer than `QUIET_SECONDS`: after each step, and every
            `REPORT_SECONDS` within one, also within one long statement.
        monotonic: seconds from an arbitrary start.

    Raises:
        StoreUnavailable: the file is not a database, cannot be written, or no longer works with this program.
    """
    steps = Migrations(migrations)
    try:
        missing = steps.missing(_stored(path), str(path))
        if missing:
            with _transaction(path, missing, report, monotonic) as (connection, reporter):
                steps.upgrade(connection, reporter)
    except (SQLAlchemyError, sqlite3.Error, CommandError) as error:
        raise StoreUnavailable(f"the database {path} cannot be opened: {error}") from error


def contract(
    path: Path,
    *,
    migrations: Path = MIGRATIONS,
    report: Callable[[UpgradeProgress], None] = log_progress,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Remove the structures that only older versions need, after an upgrade; returns the names of the contracts.

    One transaction after that of `migrate`, whose arguments it has.

    Raises:
        StoreUnavailable: a process uses the file, it cannot be written, or it no longer works with this program.
    """
    with lock_database(path):
        migrate(path, migrations=migrations, report=report, monotonic=monotonic)
        steps = Migrations(migrations)
        missing = steps.contracts(_stored(path))
        try:
            if missing:
                with _transaction(path, missing, report, monotonic) as (connection, reporter):
                    steps.contract(connection, missing, reporter)
        except (SQLAlchemyError, sqlite3.Error, CommandError) as error:
            raise StoreUnavailable(f"the database {path} cannot be changed: {error}") from error
        return missing


@contextmanager
def _transaction(
    path: Path, steps: list[str], report: Callable[[UpgradeProgress], None], monotonic: Callable[[], float]
) -> Iterator[tuple[Connection, UpgradeReporter]]:
    """A write transaction that reports the progress of long statements."""
    engine = _transactional(create_engine(URL.create("sqlite", database=str(path))))
    try:
        with engine.begin() as connection:
            driver = _driver_connection(connection)
            reporter = UpgradeReporter(steps, lambda: driver.total_changes, report, monotonic)
            # The statement continues after `None`.
            driver.set_progress_handler(reporter.work_done, PROGRESS_INSTRUCTIONS)
            yield connection, reporter
    finally:
        engine.dispose()


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _transactional(engine: Engine) -> Engine:
    """Make the engine begin its transactions itself: the driver begins none before CREATE TABLE."""

    def disable_implicit_transactions(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        connection.isolation_level = None

    event.listen(engine, "connect", disable_implicit_transactions)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _stored(path: Path) -> StoredSchema:
    """The schema of the file, read without Alembic, which takes longer."""
    connection = sqlite3.connect(path)
    try:
        revision = _row(connection, "SELECT version_num FROM alembic_version")
        info = _row(connection, "SELECT min_reader, contracted FROM schema_info")
    finally:
        connection.close()
    return StoredSchema(*(revision or (None,)), *(info or ()))


def _row(connection: sqlite3.Connection, statement: str) -> tuple[Any, ...] | None:
    """The row of a table; `None` without the table, or without a row."""
    try:
        row: tuple[Any, ...] | None = connection.execute(statement).fetchone()
    except sqlite3.OperationalError:
        return None
    return row
