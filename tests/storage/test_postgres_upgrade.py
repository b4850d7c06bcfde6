"""Upgrades of a PostgreSQL database that several versions use: expand at the start, contract by a command."""

import asyncio
import logging
from pathlib import Path

import asyncpg
import pytest

from casare_rpa.cli.exits import Exit
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import SCHEMA_LOCKS, UPGRADE_LOCK, HeldLocks
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import (
    contract_postgres,
    migrate_postgres,
    refuse_contracted,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from contract.server_process import serving
from contract.stranger import stranger
from contract.test_robot_life import robot_address
from postgres_server import DEBIAN, running
from storage.newer_version import newer_migrations

pytestmark = pytest.mark.slow

SCHEMA = "SELECT version_num, min_reader, contracted FROM alembic_version, schema_info"


@pytest.fixture
async def target(tmp_path: Path) -> Target:
    name = f"upgrade_{abs(hash(str(tmp_path)))}"
    target = Target(running(DEBIAN).new_database(name))
    await migrate_postgres(target)
    return target


async def run_sql(target: Target, sql: str, *arguments: object) -> tuple[object, ...]:
    connection = await asyncpg.connect(target.url)
    try:
        return tuple(await connection.fetchrow(sql, *arguments) or ())
    finally:
        await connection.close()


async def test_older_version_starts_until_the_contract(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = newer_migrations(tmp_path)
    revision, reader, contracted = await run_sql(target, SCHEMA)
    assert (reader, contracted) == ("0025", None)
    await migrate_postgres(target, newer)
    assert await run_sql(target, SCHEMA) == ("9001", "0025", None)
    await migrate_postgres(target)
    assert f"this one knows up to {revision}" in caplog.text
    assert await contract_postgres(target, newer) == ["c9001"]
    assert await contract_postgres(target, newer) == []
    assert await run_sql(target, SCHEMA) == ("9001", "9001", "c9001")
    with pytest.raises(StoreUnavailable, match="contracted by a newer version"):
        await migrate_postgres(target)


async def test_contract_is_refused_while_an_older_instance_runs(target: Target, tmp_path: Path) -> None:
    newer = newer_migrations(tmp_path)
    hear = (
        "INSERT INTO instances (instance, seen_at, facts) VALUES ($1, "
        f"(extract(epoch FROM clock_timestamp()) * {MICROSECONDS_PER_SECOND})::bigint - $3, $2)"
    )
    await run_sql(target, hear, "a1", '{"name": "east", "schema": "0026"}', 5 * MICROSECONDS_PER_SECOND)
    await run_sql(target, hear, "a2", '{"name": "west", "schema": "9001"}', 5 * MICROSECONDS_PER_SECOND)
    await run_sql(target, hear, "a3", '{"name": "dead", "schema": "0026"}', 60 * MICROSECONDS_PER_SECOND)
    with pytest.raises(StoreUnavailable, match=r"older version, which needs the structures: east; upgrade or stop"):
        await contract_postgres(target, newer)
    assert await run_sql(target, SCHEMA) == ("9001", "0025", None)
    await run_sql(target, "DELETE FROM instances WHERE instance = 'a1'")
    assert await contract_postgres(target, newer) == ["c9001"]


async def test_instances_that_start_together_upgrade_once(target: Target, tmp_path: Path) -> None:
    newer = newer_migrations(tmp_path)
    await asyncio.gather(*(migrate_postgres(target, newer) for _ in range(4)))
    assert await run_sql(target, SCHEMA) == ("9001", "0025", None)


@pytest.mark.long
async def test_upgrade_does_not_queue_before_requests_for_a_table_in_use(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = newer_migrations(tmp_path)
    holder = await asyncpg.connect(target.url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE presets IN ACCESS SHARE MODE")
    upgrade = asyncio.create_task(migrate_postgres(target, newer))
    while not [record for record in caplog.records if "a table was in use for 5s" in record.getMessage()]:
        assert not upgrade.done()
        await asyncio.sleep(0.05)
    await transaction.commit()
    await holder.close()
    await upgrade
    assert [record.levelno for record in caplog.records if "in use" in record.getMessage()] == [logging.WARNING]
    assert await run_sql(target, SCHEMA) == ("9001", "0025", None)


async def test_contract_is_refused_while_an_older_instance_starts(target: Target, tmp_path: Path) -> None:
    newer = newer_migrations(tmp_path)
    starting = await PostgresStore.open(target.url)  # it has no row of `instances` yet
    with pytest.raises(StoreUnavailable, match="1 instances of an older version start on this database"):
        await contract_postgres(target, newer)
    await starting.close()
    assert await contract_postgres(target, newer) == ["c9001"]


async def test_instance_that_starts_during_a_contract_is_refused(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = newer_migrations(tmp_path)
    await migrate_postgres(target, newer)
    contract = await asyncpg.connect(target.url)
    transaction = contract.transaction()
    await transaction.start()
    await contract.execute(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
    await contract.execute("UPDATE schema_info SET min_reader = '9001'")
    starting = asyncio.create_task(PostgresStore.open(target.url))
    while "another process upgrades or contracts the database" not in caplog.text:
        assert not starting.done()
        await asyncio.sleep(0.05)
    await transaction.commit()
    await contract.close()
    with pytest.raises(StoreUnavailable, match="contracted by a newer version"):
        await starting


async def test_instance_that_was_cut_off_during_a_contract_says_so(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = newer_migrations(tmp_path)
    locks = HeldLocks(target, schema=26, check=refuse_contracted, check_seconds=0.05)
    await locks.start()
    await migrate_postgres(target, newer)
    await run_sql(target, "UPDATE schema_info SET min_reader = '9001' RETURNING min_reader")
    await run_sql(target, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE classid = $1", SCHEMA_LOCKS)
    async with asyncio.timeout(20):
        refused = await locks.refused()
    assert "the database at CASARE_DATABASE_URL was contracted by a newer version of this program" in str(refused)
    assert "this instance must end: " in caplog.text
    await locks.close()


async def test_instance_that_was_cut_off_during_a_contract_ends(target: Target, tmp_path: Path) -> None:
    """It would serve on a schema that it does not know. Its robots connect to another instance."""
    environment = {"CASARE_DATABASE_URL": target.url, "CASARE_DRAIN_DELAY_SECONDS": "600"}
    with serving(tmp_path / "data", **environment) as server:
        account = server.robot()
        async with stranger(robot_address(server, account)) as robot:
            await robot.next("connected")
            await migrate_postgres(target, newer_migrations(tmp_path))
            await run_sql(target, "UPDATE schema_info SET min_reader = '9001' RETURNING min_reader")
            await run_sql(target, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE classid = $1", SCHEMA_LOCKS)
            assert await robot.closed() == CloseCode.SERVICE_RESTART
        code = await asyncio.to_thread(server.wait)
    assert code == Exit.FAILED
    assert "casare: the database at CASARE_DATABASE_URL was contracted by a newer version" in server.output
    assert "Traceback" not in server.output
