"""Upgrades the schema of an open database with Alembic, and reports how far a long upgrade has come. No dialect.

There are two kinds of migrations. An *expand* (`migrations/versions`) runs at the start of a program. Programs that do
not know it can use the database as before. A *contract* (`migrations/contracts`) removes structures that older programs
need. It runs only by `casare db contract`, and sets `min_reader`, the oldest revision whose programs still work.
"""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
FIRST_READER = "0025"
"""The first revision that has `min_reader`: programs of it can use every schema that was never contracted."""
QUIET_SECONDS = 2.0
"""An upgrade that ends within this time reports nothing."""
REPORT_SECONDS = 2.0
"""The time between two reports of one step."""


@dataclass(frozen=True, slots=True)
class StoredSchema:
    """The schema of a database, as it says itself."""

    revision: str | None = None
    """The newest expand; `None` for a database without a schema."""
    min_reader: str | None = None
    """The oldest revision whose programs can use the database; `None` before revision 0025."""
    contracted: str | None = None
    """The newest contract, if there was one."""


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


def _number(revision: str | None) -> int:
    """The place of a revision: later programs know greater ones."""
    return int(revision or 0)


class Migrations:
    """The steps of one Alembic folder."""

    def __init__(self, folder: Path = MIGRATIONS) -> None:
        self._config = alembic.config.Config()
        self._config.set_main_option("script_location", str(folder).replace("%", "%%"))
        self._folder = folder
        scripts = ScriptDirectory.from_config(self._config)
        self._head = scripts.get_current_head()
        self._scripts = scripts

    @property
    def head(self) -> str:
        """The newest revision."""
        assert self._head is not None
        return self._head

    def missing(self, stored: StoredSchema, database: str) -> list[str]:
        """The expands from the schema of a database to the newest one, oldest first. A newer schema needs none.

        Args:
            stored: the schema of the database.
            database: its name in the error.

        Raises:
            StoreUnavailable: programs of this version can no longer use the database.
        """
        self.check_reader(stored, database)
        revision, reader = stored.revision, stored.min_reader
        if revision == self._head:
            return []
        steps = [script.revision for script in self._scripts.walk_revisions()][::-1]
        if revision is None:
            return steps
        if revision in steps:
            return steps[steps.index(revision) + 1 :]
        if reader is None:
            raise StoreUnavailable(
                f"the database {database} has the schema {revision}, which this version does not know (it knows up to "
                f"{self._head}), and does not say which versions can use it"
            )
        logger.warning(
            "the database %s has the schema %s of a newer version; this one knows up to %s, and can use it until the "
            "newer version runs `casare db contract`",
            database,
            revision,
            self._head,
        )
        return []

    def check_reader(self, stored: StoredSchema, database: str) -> None:
        """Raises StoreUnavailable if programs of this version can no longer use the database, after a contract."""
        reader = stored.min_reader
        if reader is not None and _number(reader) > _number(self._head):
            raise StoreUnavailable(
                f"the database {database} was contracted by a newer version of this program (it needs the schema "
                f"{reader}, this one knows up to {self._head}); start that version again, or choose another database"
            )

    def upgrade(self, connection: Connection, reporter: "UpgradeReporter") -> None:
        """Run the missing steps in the transaction of the connection, which the caller commits."""
        self._config.attributes["connection"] = connection
        self._config.attributes["on_version_apply"] = reporter.step_done
        alembic.command.upgrade(self._config, "head")

    def contracts(self, stored: StoredSchema) -> list[str]:
        """The contracts that the database does not have, oldest first."""
        steps = [script.revision for script in self._contract_scripts()]
        if stored.contracted is None:
            return steps
        return steps[steps.index(stored.contracted) + 1 :] if stored.contracted in steps else []

    def readers(self, contracts: Sequence[str]) -> str:
        """The revision that programs must know after these contracts."""
        chosen = [script for script in self._contract_scripts() if script.revision in contracts]
        return max((str(script.module.min_reader) for script in chosen), key=_number)

    def contract(self, connection: Connection, contracts: Sequence[str], reporter: "UpgradeReporter") -> None:
        """Run contracts in the transaction of the connection, which the caller commits. All expands must be done."""
        with Operations.context(MigrationContext.configure(connection)):
            for script in self._contract_scripts():
                if script.revision in contracts:
                    script.module.upgrade()
                    connection.execute(
                        text("UPDATE schema_info SET min_reader = :reader, contracted = :contracted"),
                        {"reader": script.module.min_reader, "contracted": script.revision},
                    )
                    reporter.step_done()

    def _contract_scripts(self) -> list[Script]:
        folder = str(self._folder / "contracts")
        return list(ScriptDirectory(folder, version_locations=[folder]).walk_revisions())[::-1]

    def stamp(self, connection: Connection) -> None:
        """Record that the schema is the newest one, without a step."""
        self._config.attributes["connection"] = connection
        alembic.command.stamp(self._config, "head")


@functools.cache
def newest_revision() -> str:
    """The newest revision of the schema that this program knows."""
    return Migrations().head


class UpgradeReporter:
    """Calls `report` for an upgrade that takes long."""

    def __init__(
        self,
        steps: list[str],
        rows: Callable[[], int],
        report: Callable[[UpgradeProgress], None] = log_progress,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steps` as `Migrations.missing` returns them; `rows` counts the rows that the upgrade has written."""
        self._steps = steps
        self._rows = rows
        self._report = report
        self._monotonic = monotonic
        self._started = monotonic()
        self._next_seconds = QUIET_SECONDS
        self._done = 0

    def step_done(self, **_: Any) -> None:  # noqa: ANN401 - Alembic's keyword arguments
        """Alembic calls this after each revision."""
        self._show(done=True)
        self._done += 1

    def work_done(self) -> None:
        """To be called often while a statement runs."""
        if self._done < len(self._steps):
            self._show(done=False)

    def _show(self, *, done: bool) -> None:
        elapsed = self._monotonic() - self._started
        if elapsed < (QUIET_SECONDS if done else self._next_seconds):
            return
        self._next_seconds = elapsed + REPORT_SECONDS
        step = self._steps[self._done]
        self._report(UpgradeProgress(step, self._done + 1, len(self._steps), self._rows(), elapsed, done))
