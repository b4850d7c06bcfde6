"""Row 8: the clocks of the machines differ. All instants come from the clock of PostgreSQL.

The simulation runs every seed with clocks up to an hour apart: tests/simulation/cluster.py.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import cast

import pytest

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, after
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_sessions import DEAD_SECONDS
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.clock import StoreClock
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from fake_clock import FakeClock
from orchestrator.slices import Instance, InterceptedStore
from postgres_server import DEBIAN
from storage.postgres_database import empty_database

pytestmark = pytest.mark.slow

HOUR_SECONDS = 3600.0
AHEAD = {"right": 0.0, "an hour ahead": HOUR_SECONDS, "an hour behind": -HOUR_SECONDS}
ROUNDS = 3


async def instance(url: str, name: str, ahead: float, stack: AsyncExitStack) -> Instance:
    """An instance on a machine with a clock that is wrong by so many seconds."""
    store = await PostgresStore.open(url)
    stack.push_async_callback(store.close)
    clock = await StoreClock.of(store, lambda: time.time() + ahead)
    return Instance(cast(InterceptedStore, store), name=name, clock=cast(FakeClock, clock))


@pytest.fixture
async def three() -> AsyncIterator[list[Instance]]:
    url = empty_database(DEBIAN)
    async with AsyncExitStack() as stack:
        yield [await instance(url, name, ahead, stack) for name, ahead in AHEAD.items()]


async def rounds(instances: list[Instance]) -> None:
    for _ in range(ROUNDS):
        for one in instances:
            await one.instances.hear()
            await one.presence.write_heartbeats()
            await one.rescuer.rescue()


@pytest.mark.parametrize("connected", range(3))
async def test_three_instances_with_clocks_an_hour_apart_end_no_lease_and_no_instance(
    three: list[Instance], connected: int
) -> None:
    here = three[connected]
    await rounds(three)
    _, link = await here.robot()
    job = await three[connected - 1].job()
    await here.dispatch()
    await here.report(link, job, "running")
    here.hears(link)
    await rounds(three)
    stored = await three[connected - 2].stored(job)
    assert (stored.status, stored.contact_lost) == (JobStatus.RUNNING, False)
    running = await here.instances.all_stored()
    assert {one.instance for one in running} == set(AHEAD)
    for one in three:
        now = one.clock.now()
        assert stored.lease_expires_at is not None
        assert abs(stored.lease_expires_at - now) < 2 * LEASE_SECONDS * MICROSECONDS_PER_SECOND
        assert stored.submitted_at <= after(now, 1)
        assert all(seen.seen_at > after(now, -DEAD_SECONDS) for seen in running)
