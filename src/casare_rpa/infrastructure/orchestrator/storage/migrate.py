"""Brings a database to the present schema, with Alembic, at every start."""

import sqlite3
from pathlib import Path

import alembic.command
import alembic.config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from casare_rpa.domain.errors import StoreUnavailable

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(path: Path) -> None:
    """Upgrade the database file, making it if need be; quick when there is nothing to do.

    Raises:
        StoreUnavailable: it is not a database, cannot be written, or is newer than this program.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    try:
        if _revision(path) == head:
            return
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
        engine.dispose()
    except (SQLAlchemyError, sqlite3.Error, alembic.util.CommandError) as error:
        raise StoreUnavailable(f"the database {path} cannot be opened: {error}") from error


def _revision(path: Path) -> str | None:
    """The schema's revision, looked up without the toolkit; `None` when there is none yet."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return None
    finally:
        connection.close()
