"""Brings a database file to the current schema with Alembic, at every start."""

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
QUIET_SECONDS = 2.0
"""An upgrade that ends within this time reports nothing."""
REPORT_SECONDS = 2.0
"""The time between two reports of one step."""
PROGRESS_INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between two calls of the progress handler: few enough for a report every two
seconds, and too many to slow a statement down."""


@dataclass(frozen=True, slots=True)
class UpgradeProgress:
    """How far an upgrade of the schema has come.

    `rows` counts the rows that completed statements of the whole upgrade have inserted, updated or deleted.
    """

    revision: str
    step: int
    steps: int
    rows: int
    elapsed_seconds: float
    done: bool = False
    """Whether this step is complete; it is committed with the last one."""


def log_progress(progress: UpgradeProgress) -> None:
    """Log one line. A warning, as the start of the server waits for the upgrade."""
    logger.warning(
        "upgrading the database: step %d of %d (schema %s) %s, %d rows written, %.0f s",
        progress.step,
        progress.steps,
        progress.revision,
        "done" if progress.done else "in progress",
        progress.rows,
        progress.elapsed_seconds,
    )


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
    config = alembic.config.Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    try:
        revision = _revision(path)
        steps = [script.revision for script in scripts.walk_revisions()][::-1]  # oldest first
        if revision is not None and revision not in steps:
            raise StoreUnavailable(
                f"the database {path} was made by a newer version of this program (its schema is {revision}, this one "
                f"knows up to {head}); start that version again, or choose another data directory"
            )
        if revision != head:
            missing = steps[steps.index(revision) + 1 :] if revision is not None else steps
            _upgrade(path, config, _Reporter(missing, report, monotonic))
    except (SQLAlchemyError, sqlite3.Error, alembic.util.CommandError) as error:
        raise StoreUnavailable(f"the database {path} cannot be opened: {error}") from error


class _Reporter:
    """Calls `report` for an upgrade that takes long."""

    def __init__(
        self, steps: list[str], report: Callable[[UpgradeProgress], None], monotonic: Callable[[], float]
    ) -> None:
        self._steps = steps
        self._report = report
        self._monotonic = monotonic
        self._started = monotonic()
        self._next_seconds = QUIET_SECONDS
        self._done = 0
        self._connection: sqlite3.Connection | None = None

    def attach(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.set_progress_handler(self._work, PROGRESS_INSTRUCTIONS)

    def step_done(self, **_: Any) -> None:  # noqa: ANN401 - Alembic's keyword arguments
        """Alembic calls this after each revision."""
        self._show(done=True)
        self._done += 1

    def _work(self) -> None:
        """Called by SQLite during a statement; after `None`, the statement continues."""
        if self._done < len(self._steps):
            self._show(done=False)

    def _show(self, *, done: bool) -> None:
        elapsed = self._monotonic() - self._started
        if elapsed < (QUIET_SECONDS if done else self._next_seconds):
            return
        self._next_seconds = elapsed + REPORT_SECONDS
        rows = self._connection.total_changes if self._connection is not None else 0
        step = self._steps[self._done]
        self._report(UpgradeProgress(step, self._done + 1, len(self._steps), rows, elapsed, done))


def _upgrade(path: Path, config: alembic.config.Config, reporter: _Reporter) -> None:
    engine = _transactional(create_engine(URL.create("sqlite", database=str(path))))
    try:
        with engine.begin() as connection:
            reporter.attach(_driver_connection(connection))
            config.attributes["connection"] = connection
            config.attributes["on_version_apply"] = reporter.step_done
            alembic.command.upgrade(config, "head")
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
