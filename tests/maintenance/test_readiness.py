"""Readiness: a row is written, at most once a second, and a slow or failing write is the answer."""

import asyncio

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.bus.alone import Alone
from casare_rpa.infrastructure.orchestrator.maintenance.readiness import FRESH_SECONDS, Readiness
from fake_clock import FakeClock


class Store:
    """Counts writes; each does what the test says."""

    shared = False

    def __init__(self) -> None:
        self.writes = 0
        self.fails = False
        self.hangs = False

    async def prove_writable(self, at: Instant) -> None:
        self.writes += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise StoreUnavailable("the store cannot be written: database or disk is full")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_many_requests_cause_one_write_a_second(store: Store, clock: FakeClock) -> None:
    readiness = Readiness(store, Alone(), clock)  # type: ignore[arg-type]
    await asyncio.gather(*(readiness.check() for _ in range(100)))
    assert store.writes == 1
    clock.advance(FRESH_SECONDS)
    await readiness.check()
    assert store.writes == 2


async def test_failure_is_the_answer_until_a_write_succeeds(store: Store, clock: FakeClock) -> None:
    readiness = Readiness(store, Alone(), clock)  # type: ignore[arg-type]
    store.fails = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await readiness.check()
    assert store.writes == 1
    store.fails = False
    clock.advance(FRESH_SECONDS)
    await readiness.check()


async def test_write_that_does_not_end_is_a_failure(store: Store, clock: FakeClock) -> None:
    readiness = Readiness(store, Alone(), clock, write_seconds=0.01)  # type: ignore[arg-type]
    store.hangs = True
    with pytest.raises(StoreUnavailable, match="did not commit within"):
        await readiness.check()
