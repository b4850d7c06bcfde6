"""Brings a database to the present schema, with Alembic, at every start."""

import sqlite3
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from casare_rpa.domain.errors import StoreUnavailable

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(path: Path) -> None:
    """Upgrade the database file, making it if need be; quick when there is nothing to do.

    One transaction: a process that is killed meanwhile leaves the schema as it was.

    Raises:
        StoreUnavailable: it is not a database, cannot be written, or is newer than this program.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    try:
        revision = _revision(path)
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreUnavailable(
                f"the database {path} was made by a newer version of this program (its schema is {revision}, this one "
                f"knows up to {head}); start that version again, or choose another data directory"
            )
        if revision != head:
            _upgrade(path, config)
    except (SQLAlchemyError, sqlite3.Error, alembic.util.CommandError) as error:
        raise StoreUnavailable(f"the database {path} cannot be opened: {error}") from error


def _upgrade(path: Path, config: alembic.config.Config) -> None:
    engine = _transactional(create_engine(URL.create("sqlite", database=str(path))))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
    finally:
        engine.dispose()


def _transactional(engine: Engine) -> Engine:
    """The driver begins no transaction before CREATE TABLE by itself; so it begins none, and we do."""

    def leave_transactions_to_us(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        connection.isolation_level = None

    event.listen(engine, "connect", leave_transactions_to_us)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _revision(path: Path) -> str | None:
    """The schema's revision, looked up without the toolkit; `None` when there is none yet."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return None
    finally:
        connection.close()
