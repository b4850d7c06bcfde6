"""The migrations: they arrive at the schema, from nothing and from every older database."""

import sqlite3
from pathlib import Path

import alembic.command
import alembic.config
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine

from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS, migrate
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from casare_rpa.infrastructure.orchestrator.storage.sqlite import SqliteStore
from storage.values import START


def make(path: Path, revision: str) -> None:
    """A database as an older program left it."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
    engine.dispose()


def test_migrations_arrive_at_the_schema(tmp_path: Path) -> None:
    migrate(tmp_path / "casare.db")
    engine = create_engine(URL.create("sqlite", database=str(tmp_path / "casare.db")))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


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
