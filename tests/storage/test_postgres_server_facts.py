"""The facts that `casare doctor` reads from a PostgreSQL server: its settings, standbys and oldest transaction."""

import asyncio
import time

import asyncpg
import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.server_facts import read_facts
from postgres_server import DEBIAN, PostgresServer, free_port

pytestmark = pytest.mark.slow

DEADLINE = 30.0


async def test_facts_of_a_server_with_an_old_reader_a_slot_and_a_standby() -> None:
    primary = PostgresServer(DEBIAN)
    standby = PostgresServer(DEBIAN)
    try:
        primary.create()
        primary.start()
        target = Target(primary.url())
        facts = await read_facts(target)
        assert facts.major >= 15
        assert (facts.fsync, facts.full_page_writes, facts.autovacuum) == (False, True, True)
        assert (facts.synchronous_commit, facts.synchronous_standbys, facts.standbys) == ("on", "", ())
        assert facts.max_connections == 197
        assert facts.open_connections == 1
        assert facts.oldest is None
        assert abs(facts.seconds_ahead) < 1.0

        reader = await asyncpg.connect(primary.url(), server_settings={"application_name": "reports"})
        await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
        oldest = (await read_facts(target)).oldest
        assert oldest is not None
        assert oldest.owner.startswith("reports (process ")
        assert oldest.seconds is not None
        assert 0 <= oldest.seconds < DEADLINE
        await reader.close()
        assert (await read_facts(target)).oldest is None

        await asyncio.to_thread(standby.create_standby_of, primary)
        await asyncio.to_thread(standby.start)
        deadline = time.monotonic() + DEADLINE
        while not (facts := await read_facts(target)).standbys:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)  # the server has no event for this
        assert facts.standbys == (("standby", "async"),)

        with pytest.raises(StoreUnavailable):  # it takes no writes
            await read_facts(Target(standby.url()))
    finally:
        standby.close()
        primary.close()


async def test_server_that_does_not_answer() -> None:
    with pytest.raises(StoreUnavailable, match="Connect"):
        await read_facts(Target(f"postgresql://casare@127.0.0.1:{free_port()}/casare"))
