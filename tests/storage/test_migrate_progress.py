"""An upgrade that takes long reports its steps and its rows; a short one reports nothing."""

import logging
import shutil
import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.migrate import (
    MIGRATIONS,
    QUIET_SECONDS,
    REPORT_SECONDS,
    UpgradeProgress,
    log_progress,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate

STEP = """
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    {body}
"""
ROWS = 300
IN_BATCHES = f"""
    for first in range(0, {ROWS}, 100):
        op.execute(f"UPDATE audit SET note = 'moved' WHERE audit_id > {{first}} AND audit_id <= {{first}} + 100")
        op.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT max(i) FROM n")
"""  # noqa: E501
ONE_LONG_STATEMENT = """
    op.execute(
        "INSERT INTO queues WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT 'q' || i, 0, 'ana' FROM n"
    )
"""


class Ticking:
    """A clock that advances by a number of seconds with each read."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the current schema with rows to move."""
    path = tmp_path / "casare.db"
    migrate(path)
    connection = sqlite3.connect(path)
    connection.executemany(
        """INSERT INTO audit (at, "by", action, target, note) VALUES (?, 'ana', 'x', 'y', '')""",
        [(number,) for number in range(ROWS)],
    )
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def with_steps(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the migrations with more steps after the last one."""

    def make(*bodies: str) -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        before = max(file.name[:4] for file in (folder / "versions").glob("0*.py"))
        for number, body in enumerate(bodies, 1):
            revision = f"9{number:03d}"
            text = STEP.format(revision=revision, before=before, body=body.strip())
            (folder / "versions" / f"{revision}_slow.py").write_text(text)
            before = revision
        return folder

    return make


def test_slow_upgrade_reports_each_step_with_its_rows(path: Path, with_steps: Callable[..., Path]) -> None:
    reports: list[UpgradeProgress] = []
    migrate(path, migrations=with_steps(IN_BATCHES, "pass"), report=reports.append, monotonic=Ticking(1.5))
    done = [report for report in reports if report.done]
    assert [(one.revision, one.step, one.steps, one.rows >= ROWS) for one in done] == [
        ("9001", 1, 2, True),
        ("9002", 2, 2, True),
    ]
    under_way = [report.rows for report in reports if not report.done]
    assert under_way == sorted(under_way)
    assert any(0 < rows < ROWS for rows in under_way), "rows are reported before their step is complete"
    assert all(report.elapsed_seconds >= QUIET_SECONDS for report in reports)


def test_one_long_statement_reports_while_it_runs(path: Path, with_steps: Callable[..., Path]) -> None:
    reports: list[UpgradeProgress] = []
    migrate(path, migrations=with_steps(ONE_LONG_STATEMENT), report=reports.append, monotonic=Ticking(1.0))
    under_way = [report for report in reports if not report.done]
    assert len(under_way) > 1
    assert {(report.revision, report.step, report.steps) for report in under_way} == {("9001", 1, 1)}
    pauses = [b.elapsed_seconds - a.elapsed_seconds for a, b in pairwise(under_way)]
    assert min(pauses) >= REPORT_SECONDS


def test_short_upgrade_reports_nothing(path: Path, with_steps: Callable[..., Path]) -> None:
    reports: list[UpgradeProgress] = []
    migrate(path, migrations=with_steps(IN_BATCHES), report=reports.append, monotonic=Ticking(0.0))
    assert reports == []


def test_current_schema_reports_nothing_even_if_slow(path: Path) -> None:
    reports: list[UpgradeProgress] = []
    migrate(path, report=reports.append, monotonic=Ticking(60.0))
    assert reports == []


def test_failing_step_rolls_back_the_earlier_steps(path: Path, with_steps: Callable[..., Path]) -> None:
    folder = with_steps(IN_BATCHES, 'op.execute("INSERT INTO no_such_table VALUES (1)")')
    with pytest.raises(StoreUnavailable, match="no_such_table"):
        migrate(path, migrations=folder)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM audit WHERE note = 'moved'").fetchone() == (0,)
    connection.close()
    migrate(path)  # the earlier version still opens it


def test_progress_is_logged_as_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        log_progress(UpgradeProgress("0005", 1, 2, 12_000, 3.2))
        log_progress(UpgradeProgress("0005", 1, 2, 15_000, 4.4, done=True))
    assert [record.getMessage() for record in caplog.records] == [
        "upgrading the database: step 1 of 2 (schema 0005) in progress, 12000 rows written, 3 s",
        "upgrading the database: step 1 of 2 (schema 0005) done, 15000 rows written, 4 s",
    ]
