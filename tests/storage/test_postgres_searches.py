"""Searches on PostgreSQL have a time limit as a whole, and end on the server with their caller."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from casare_rpa.domain.errors import SearchTooLong
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.readers import PostgresReaders
from postgres_server import DEBIAN, running

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 30.0
_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(%'"


@pytest.fixture
async def readers() -> AsyncIterator[PostgresReaders]:
    opened = PostgresReaders(Target(running(DEBIAN).url()), search_seconds=1.0)
    yield opened
    await opened.close()


def answer(connection: Any, _pace: object) -> int:
    found: int = connection.execute("SELECT 42").fetchone()[0]
    return found


async def sleeping(number: int) -> None:
    """Wait until this number of statements sleeps on the server."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while await asyncio.to_thread(running(DEBIAN).run_sql, _SLEEPING) != str(number):
        assert time.monotonic() < deadline


async def test_search_of_many_short_statements_is_limited(readers: PostgresReaders) -> None:
    def many(connection: Any, _pace: object) -> None:
        while True:
            connection.execute("SELECT pg_sleep(0.2)")

    with pytest.raises(SearchTooLong):
        await readers.search(many)
    assert await readers.search(answer) == 42, "the connection is used again"


async def test_long_statement_is_ended_on_the_server(readers: PostgresReaders) -> None:
    with pytest.raises(SearchTooLong):
        await readers.search(lambda c, _: c.execute("SELECT pg_sleep(20)"))
    await sleeping(0)
    assert await readers.search(answer) == 42


async def test_cancelled_search_ends_on_the_server() -> None:
    readers = PostgresReaders(Target(running(DEBIAN).url()), search_seconds=WITHIN_SECONDS)
    search = asyncio.ensure_future(readers.search(lambda c, _: c.execute("SELECT pg_sleep(25)")))
    await sleeping(1)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    await sleeping(0)
    assert await readers.search(answer) == 42
    await readers.close()
