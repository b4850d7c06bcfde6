"""Every store by name."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from new_database import new_database
from postgres_server import DEBIAN, NEWEST
from storage.postgres_database import empty_database, known_database
from storage.shared_file import InTurns, open_in_turns, open_unlocked


async def open_postgres(kind: str, limits: StoreLimits) -> Store:
    return await PostgresStore.open(empty_database(kind), limits=limits)


async def open_postgres_in_turns(kind: str, limits: StoreLimits) -> Store:
    url = empty_database(kind)
    return cast(Store, InTurns(*[await PostgresStore.open(url, limits=limits) for _ in range(2)]))


OPENERS: dict[str, Callable[[Path, StoreLimits], Awaitable[Store]]] = {
    "sqlite": lambda folder, limits: SqliteStore.open(new_database(folder), limits=limits),
    "sqlite in turns": lambda folder, limits: open_in_turns(new_database(folder), limits),
    "postgresql": lambda _, limits: open_postgres(DEBIAN, limits),
    "postgresql in turns": lambda _, limits: open_postgres_in_turns(DEBIAN, limits),
    "newest postgresql": lambda _, limits: open_postgres(NEWEST, limits),
}
LONG = ("postgresql in turns", "newest postgresql")
"""The stores that only `make test-all` tries, because of the time."""
QUICK = ("sqlite",)
"""The stores that `make test QUICK=1` tries, too."""


def kinds() -> list[Any]:
    return [pytest.param(name, marks=[*_slow_unless_quick(name), *_long(name)]) for name in OPENERS]


def _slow_unless_quick(name: str) -> list[pytest.MarkDecorator]:
    return [] if name in QUICK else [pytest.mark.slow]


def _long(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.long] if name in LONG else []


@pytest.fixture
def limits() -> StoreLimits:
    """The limits of `store`; a test overrides them with a parameter of this name."""
    return StoreLimits()


@pytest.fixture(params=kinds())
async def store(request: pytest.FixtureRequest, tmp_path: Path, limits: StoreLimits) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    opened = await OPENERS[request.param](tmp_path, limits)
    yield opened
    await opened.close()


async def open_postgres_writer(slot: int) -> Store:
    url = empty_database(DEBIAN) if slot == 0 else known_database(DEBIAN)
    return await PostgresStore.open(url)


WRITERS: dict[str, Callable[[Path, int], Awaitable[Store]]] = {
    "sqlite": lambda folder, slot: open_unlocked(new_database(folder), slot),
    "postgresql": lambda _, slot: open_postgres_writer(slot),
}


@pytest.fixture(params=[pytest.param(name, marks=_slow_unless_quick(name)) for name in WRITERS])
async def writers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores of each kind on one empty database, with the tally slots 0 and 1."""
    first, second = [await WRITERS[request.param](tmp_path, slot) for slot in (0, 1)]
    yield first, second
    await first.close()
    await second.close()
