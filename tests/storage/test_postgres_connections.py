"""How an instance connects to PostgreSQL: its locks, poolers before it, and errors at the start."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import HeldLocks
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres
from casare_rpa.infrastructure.orchestrator.storage.postgres.poolers import refuse_transaction_pooler
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from postgres_server import DEBIAN, PostgresServer, free_port, running

pytestmark = pytest.mark.slow

DEADLINE = 30.0


@pytest.fixture
def server() -> PostgresServer:
    return running(DEBIAN)


@pytest.fixture
async def locks(server: PostgresServer) -> AsyncIterator[HeldLocks]:
    held = HeldLocks(Target(server.url()))
    await held.start()
    yield held
    await held.close()


@contextmanager
def pooler(server: PostgresServer, mode: str) -> Iterator[str]:
    """The URL of a PgBouncer in a mode."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="casare-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        settings = folder / "settings.ini"
        settings.write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={server.port} user=casare\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
            "unix_socket_dir =\n"
        )
        user = "nobody" if os.getuid() == 0 else None
        with subprocess.Popen(["/usr/sbin/pgbouncer", "-q", str(settings)], user=user) as process:
            try:
                yield f"postgresql://casare@127.0.0.1:{port}/postgres"
            finally:
                process.kill()


async def answering(url: str) -> Target:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            connection = await Target(url).connect(COLD)
        except OSError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            connection.terminate()
            return Target(url)


async def test_each_instance_has_a_slot_of_its_own(server: PostgresServer, locks: HeldLocks) -> None:
    second = HeldLocks(Target(server.url()))
    await second.start()
    assert locks.slot != second.slot
    freed = second.slot
    await second.close()
    third = HeldLocks(Target(server.url()))
    await third.start()
    assert third.slot == freed
    await third.close()


async def test_second_instance_with_a_name_is_refused_until_the_first_ends(
    server: PostgresServer, locks: HeldLocks
) -> None:
    second = HeldLocks(Target(server.url()))
    await second.start()
    assert await locks.hold("one")
    assert not await second.hold("one")
    assert await second.hold("two")
    await locks.close()
    assert await second.hold("one")
    await second.close()


HOLDER = """
import asyncio, sys
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import HeldLocks
async def main():
    locks = HeldLocks(Target(sys.argv[1]))
    await locks.start()
    print(await locks.hold("killed"), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_name_of_a_killed_process_is_free_at_once(server: PostgresServer, locks: HeldLocks) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, server.url()], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert not await locks.hold("killed")
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE
    while not await locks.hold("killed"):  # the server notices the end of the process
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_lost_connection_of_the_locks_is_opened_again(server: PostgresServer, locks: HeldLocks) -> None:
    held = HeldLocks(Target(server.url(), name="lost"), check_seconds=0.05)
    await held.start()
    assert await held.hold("again")
    server.run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lost locks'")
    deadline = time.monotonic() + DEADLINE
    taken = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name = 'lost locks'"
    while server.run_sql(taken) != "2":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert not await locks.hold("again")
    await held.close()


async def test_pooler_in_transaction_mode_is_refused_with_the_way_out(server: PostgresServer) -> None:
    with pooler(server, "transaction") as url:
        target = await answering(url)
        with pytest.raises(StoreUnavailable, match=r"names a pooler in transaction mode.*the server itself"):
            await refuse_transaction_pooler(target)


async def test_pooler_in_session_mode_is_accepted(server: PostgresServer) -> None:
    with pooler(server, "session") as url:
        await refuse_transaction_pooler(await answering(url))


@pytest.mark.parametrize("database", ["missing", "postgres"])
async def test_error_at_the_start_names_the_reason_and_no_password(server: PostgresServer, database: str) -> None:
    port = server.port if database == "missing" else free_port()
    url = f"postgresql://casare:hidden-word@127.0.0.1:{port}/{database}"
    with pytest.raises(StoreUnavailable, match=r'"missing" does not exist|refused|Connect call failed') as raised:
        await PostgresStore.open(url)
    assert "hidden-word" not in f"{raised.value} {raised.value.__cause__}"


async def test_instances_that_start_together_make_one_schema(server: PostgresServer) -> None:
    url = server.new_database("together")
    await asyncio.gather(*(migrate_postgres(Target(url)) for _ in range(4)))
    assert server.run_sql("SELECT count(*) FROM alembic_version", "together") == "1"


async def test_settings_of_the_database_do_not_weaken_a_connection(server: PostgresServer) -> None:
    url = server.new_database("weakened")
    for setting in (
        "synchronous_commit = off",
        "default_transaction_isolation = 'serializable'",
        "idle_session_timeout = '1s'",
        "statement_timeout = '1ms'",
        "idle_in_transaction_session_timeout = 0",
    ):
        server.run_sql(f"ALTER DATABASE weakened SET {setting}")
    connection = await Target(url).connect(COLD)
    try:
        names = (
            "synchronous_commit",
            "transaction_isolation",
            "idle_session_timeout",
            "statement_timeout",
            "idle_in_transaction_session_timeout",
        )
        shown = [await connection.fetchval(f"SHOW {name}") for name in names]
    finally:
        connection.terminate()
    assert shown == ["on", "read committed", "0", "15s", "5s"]


async def test_setting_that_waits_for_a_standby_stays(server: PostgresServer) -> None:
    url = server.new_database("remote")
    server.run_sql("ALTER DATABASE remote SET synchronous_commit = remote_apply")
    connection = await Target(url).connect(COLD)
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == "remote_apply"
    finally:
        connection.terminate()


async def test_database_that_cannot_store_every_text_is_refused(server: PostgresServer) -> None:
    server.run_sql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StoreUnavailable, match=r"encoding LATIN1.*createdb --encoding=UTF8"):
        await migrate_postgres(Target(server.url("latin")))
