"""The migrations: from an empty file and from every older database to the schema, also after a kill."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine

from casare_rpa.domain.failure_groups import FailureSpan
from casare_rpa.domain.instants import FOREVER
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from storage.values import START

KILLED_AT_EACH_STATEMENT = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate

folder, every = Path(sys.argv[1]), int(sys.argv[2])
statements, last = 0, None

def reach(*_):
    global statements
    statements += 1
    if statements == last:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", reach)
event.listen(Engine, "commit", reach)
migrate(folder / "whole.db")
total = statements
for last in (*range(1, total, every), total - 2, total - 1, total, total + 1):
    if (child := os.fork()) == 0:
        statements = 0
        migrate(folder / f"killed-{last}.db")
        os.kill(os.getpid(), signal.SIGKILL)  # after COMMIT
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
print(total)
"""


def make(path: Path, revision: str) -> None:
    """A database of an older version."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
    engine.dispose()


def test_migrations_result_in_the_schema(tmp_path: Path) -> None:
    migrate(tmp_path / "casare.db")
    engine = create_engine(URL.create("sqlite", database=str(tmp_path / "casare.db")))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    finally:
        connection.close()


@pytest.mark.slow
def test_first_start_killed_at_any_statement_leaves_no_partial_schema(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_AT_EACH_STATEMENT, str(tmp_path), "6"]
    total = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout)
    whole = tables(tmp_path / "whole.db")
    killed = sorted(tmp_path.glob("killed-*.db"))
    assert len(killed) > 10
    for path in killed:
        assert tables(path) == (whole if path.stem == f"killed-{total + 1}" else set()), path.name
        migrate(path)
        assert tables(path) == whole
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT tenant_id FROM tenants").fetchall() == [("default",)]
        connection.close()


async def test_jobs_of_the_first_schema_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    make(path, "0001")
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO jobs (job_id, tenant_id, workflow_id, submitted_at, queue, status, priority, parameters, tags, "
        "timeout_seconds, max_attempts, attempt, starts, former_robots, claim_ack, forced, unconfirmed, reconciled, "
        "late_reports, progress, revision, placement, rank, ready) VALUES ('job-1', 'default', 'w', ?, 'default', "
        "'pending', 5, '{}', '[]', 60, 1, 0, 0, '[]', 0, 0, 0, 0, 0, 0, 0, '[\"default\",\"default\",null,[]]', 0, 1)",
        (START,),
    )
    connection.commit()
    connection.close()
    store = await SqliteStore.open(path)
    job = await store.job("job-1")
    assert job is not None
    assert (job.workflow_id, job.submitted_at, job.retry_of) == ("w", START, None)
    await store.close()


async def test_jobs_and_audit_entries_of_the_third_schema_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    make(path, "0003")
    connection = sqlite3.connect(path)
    needed = [row[1:3] for row in connection.execute("PRAGMA table_info(jobs)") if row[3]]
    given = {
        "job_id": "job-1", "tenant_id": "default", "workflow_id": "w", "queue": "default", "parameters": "{}",
        "tags": "[]", "former_robots": "[]", "submitted_at": START, "status": "failed", "ready": 0,
        "placement": '["default","default",null,[]]', "reason": "timeout", "finished_at": START,
    }  # fmt: skip
    row = {name: "" if kind == "TEXT" else 1 for name, kind in needed} | given
    names = ", ".join(row)
    connection.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    connection.execute(
        """INSERT INTO audit (at, "by", action, target, note) VALUES (?, 'ana', 'drain_robot', 'alpha', 'update')""",
        (START,),
    )
    connection.commit()
    connection.close()
    store = await SqliteStore.open(path)
    (job,) = await store.jobs(JobFilter(reasons=(Reason.TIMEOUT,)), 9, None)
    assert (job.job_id, job.finished_at, job.reason) == ("job-1", START, Reason.TIMEOUT)
    assert [one.note for one in await store.audit("alpha", (), 9, None)] == ["update"]
    assert (
        await store.failures(None, FailureSpan(START, FOREVER, START), 9)
    ).groups == []  # fingerprints were not stored then
    await store.sample_queues(START)
    assert len(await store.queue_samples(START)) == 1
    await store.close()
