"""Two instances, with a clock that the test controls, from which the store can be away."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from away_store import AwayStore
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Job
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from fake_clock import FakeClock
from hub.fake_peer import FakePeer
from new_database import new_database
from orchestrator.slices import Instance, InterceptedStore

STEP_SECONDS = 5


@dataclass(slots=True)
class Outage:
    """Two instances on one store; each has its own connection to it, which can be away."""

    here: Instance
    there: Instance
    of_here: AwayStore
    of_there: AwayStore
    clock: FakeClock

    def away(self, *, here: bool = True, there: bool = True) -> None:
        self.of_here.away, self.of_there.away = here, there

    async def run(self, seconds: float, *links: RobotConnection) -> None:
        """Every round of both instances, while these robots send frames."""
        for _ in range(0, round(seconds), STEP_SECONDS):
            self.clock.advance(STEP_SECONDS)
            for link in links:
                self.here.hears(link)
            for one in (self.there, self.here):
                for act in (one.rescuer.rescue, one.instances.hear, one.presence.write_heartbeats, one.dispatch):
                    with contextlib.suppress(StoreUnavailable):  # as a loop does
                        await act()


@asynccontextmanager
async def two_instances(folder: Path) -> AsyncIterator[Outage]:
    store = await InterceptedStore.open(new_database(folder))
    clock = FakeClock()
    stores = [AwayStore(store) for _ in range(2)]
    here, there = (
        Instance(cast(InterceptedStore, away), name=name, clock=clock)
        for away, name in zip(stores, ("here", "there"), strict=True)
    )
    outage = Outage(here, there, *stores, clock)
    await outage.run(60)
    try:
        yield outage
    finally:
        outage.away(here=False, there=False)
        await store.close()


async def working(plane: Instance) -> tuple[FakePeer, RobotConnection, Job]:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, await plane.stored(job)
