"""Changes of other instances are read from PostgreSQL without the ones that the instance knows."""

import pytest

from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from postgres_server import DEBIAN
from storage.postgres_database import empty_database
from storage.values import a_job

pytestmark = pytest.mark.slow

GAPS_READ = 499
"""Further gaps are read with all that follows them."""


async def test_known_changes_are_not_read() -> None:
    store = await PostgresStore.open(empty_database(DEBIAN))

    async def read(after: int, limit: int, known: list[int]) -> list[int]:
        return [one.seq for one in (await store.changes_after(None, after, limit, known)).changes]

    try:
        await store.add_jobs([JobToAdd(a_job(), None, "") for _ in range(1_500)])
        assert await read(2, 10, [4, 5, 7]) == [3, 6, *range(8, 16)]
        assert await read(2, 2, [4, 5, 7]) == [3, 6]
        assert await read(1_490, 99, [1_491, *range(1_495, 1_501)]) == [1_492, 1_493, 1_494]
        assert await read(1_500, 99, []) == []
        odd = [*range(1, 1_501, 2)]
        assert await read(0, 9_999, odd) == [*range(2, 2 * GAPS_READ + 1, 2), *range(2 * GAPS_READ + 2, 1_501)]
    finally:
        await store.close()
