"""Upgrades the schema of an open database with Alembic, and reports how far a long upgrade has come. No dialect."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
QUIET_SECONDS = 2.0
"""An upgrade that ends within this time reports nothing."""
REPORT_SECONDS = 2.0
"""The time between two reports of one step."""


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


class Migrations:
    """The steps of one Alembic folder."""

    def __init__(self, folder: Path = MIGRATIONS) -> None:
        self._config = alembic.config.Config()
        self._config.set_main_option("script_location", str(folder).replace("%", "%%"))
        scripts = ScriptDirectory.from_config(self._config)
        self._head = scripts.get_current_head()
        self._scripts = scripts

    def missing(self, revision: str | None, database: str) -> list[str]:
        """The steps from a revision to the newest one, oldest first.

        Args:
            revision: of the schema of the database; `None` for a database without a schema.
            database: its name in the error.

        Raises:
            StoreUnavailable: the schema is newer than this program.
        """
        if revision == self._head:
            return []
        steps = [script.revision for script in self._scripts.walk_revisions()][::-1]
        if revision is None:
            return steps
        if revision not in steps:
            raise StoreUnavailable(
                f"the database {database} was made by a newer version of this program (its schema is {revision}, this "
                f"one knows up to {self._head}); start that version again, or choose another data directory"
            )
        return steps[steps.index(revision) + 1 :]

    def upgrade(self, connection: Connection, reporter: "UpgradeReporter") -> None:
        """Run the missing steps in the transaction of the connection, which the caller commits."""
        self._config.attributes["connection"] = connection
        self._config.attributes["on_version_apply"] = reporter.step_done
        alembic.command.upgrade(self._config, "head")


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
