"""Texts with a NUL, which PostgreSQL does not store, are written and looked for by the portable methods."""

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.queues import Queue
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from postgres_server import DEBIAN
from storage.postgres_database import empty_database
from storage.values import START, a_robot

pytestmark = pytest.mark.slow


async def test_nul_becomes_a_replacement_character() -> None:
    store = await PostgresStore.open(empty_database(DEBIAN))
    try:
        assert await store.add_robot(a_robot("r", name="a\0b"), audit=AN_ENTRY)
        assert await store.add_queue(Queue("q\0", START, "ana\0"), audit=AN_ENTRY)
        assert [robot.name for robot in await store.robots(None)] == ["a\ufffdb"]
        assert await store.queues() == [Queue("q\ufffd", START, "ana\ufffd")]
        assert await store.robot("r\0") is None
    finally:
        await store.close()
