"""Brings a database file to the current schema, at every start."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.migrate import (
    MIGRATIONS,
    Migrations,
    UpgradeProgress,
    UpgradeReporter,
    log_progress,
)

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
        StoreUnavailable: the file is not a database, cannot be written, or is newer than this program.
    """
    steps = Migrations(migrations)
    try:
        missing = steps.missing(_revision(path), str(path))
        if missing:
            _upgrade(path, steps, missing, report, monotonic)
    except (SQLAlchemyError, sqlite3.Error, CommandError) as error:
        raise StoreUnavailable(f"the database {path} cannot be opened: {error}") from error


def _upgrade(
    path: Path,
    steps: Migrations,
    missing: list[str],
    report: Callable[[UpgradeProgress], None],
    monotonic: Callable[[], float],
) -> None:
    engine = _transactional(create_engine(URL.create("sqlite", database=str(path))))
    try:
        with engine.begin() as connection:
            driver = _driver_connection(connection)
            reporter = UpgradeReporter(missing, lambda: driver.total_changes, report, monotonic)
            # The statement continues after `None`.
            driver.set_progress_handler(reporter.work_done, PROGRESS_INSTRUCTIONS)
            steps.upgrade(connection, reporter)
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


def _revision(path: Path) -> str | None:
    """The revision of the schema, read without Alembic, which takes longer; `None` for a database without a schema."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return None
    finally:
        connection.close()
