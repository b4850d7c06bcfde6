"""The store is away from two instances for minutes, and returns: no job is assigned, acknowledged or lost by that."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from away_store import AwayStore
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Job
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.hub.waves import WAVE_SECONDS
from casare_rpa.infrastructure.orchestrator.robots.cut_off import (
    AGREED_SECONDS,
    CUT_OFF_SECONDS,
    NOT_READY,
    CutOffInstance,
)
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, seen
from new_database import new_database
from orchestrator.slices import Instance, InterceptedStore, hello

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


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Outage]:
    store = await InterceptedStore.open(new_database(tmp_path))
    clock = FakeClock()
    stores = [AwayStore(store) for _ in range(2)]
    here, there = (
        Instance(cast(InterceptedStore, away), name=name, clock=clock)
        for away, name in zip(stores, ("here", "there"), strict=True)
    )
    outage = Outage(here, there, *stores, clock)
    await outage.run(60)
    yield outage
    outage.away(here=False, there=False)
    await store.close()


async def working(plane: Instance) -> tuple[FakePeer, RobotConnection, Job]:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, await plane.stored(job)


async def test_lease_ends_one_window_after_the_return_at_the_earliest(pair: Outage) -> None:
    """The robot died in the outage. Whether it did is known only after it had a whole window to reconnect."""
    _, _, job = await working(pair.here)
    pair.away()
    await pair.run(300)
    pair.away(here=False, there=False)
    await pair.run(LEASE_SECONDS - STEP_SECONDS)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING
    await pair.run(3 * STEP_SECONDS)
    assert (await pair.here.stored(job)).status is not JobStatus.RUNNING


async def test_robot_without_a_connection_has_a_window_too(pair: Outage) -> None:
    """It lost its connection before the outage, and could not reconnect: no instance could check its key."""
    _, link, job = await working(pair.here)
    pair.here.hub.detach(link.session)
    await pair.here.presence.disconnect(link)
    pair.away()
    await pair.run(300)
    pair.away(here=False, there=False)
    await pair.run(LEASE_SECONDS - STEP_SECONDS)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING


async def test_robot_that_sends_frames_in_the_outage_keeps_its_job(pair: Outage) -> None:
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    assert not link.session.closing, "sockets stay open"
    pair.away(here=False, there=False)
    await pair.run(300, link)
    stored = await pair.here.stored(job)
    assert (stored.status, stored.contact_lost, stored.starts) == (JobStatus.RUNNING, False, 1)


async def test_instance_that_returns_ten_seconds_later_keeps_its_robots(pair: Outage) -> None:
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    pair.away(here=True, there=False)
    await pair.run(10, link)
    pair.away(here=False, there=False)
    await pair.run(2 * LEASE_SECONDS, link)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.contact_lost, link.session.closing) == (JobStatus.RUNNING, False, False)


async def test_instance_that_returns_a_minute_later_asks_its_robots_to_connect_again(pair: Outage) -> None:
    """The other one took it for dead, and gave the leases of its robots a whole window."""
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    pair.away(here=True, there=False)
    await pair.run(60, link)
    pair.away(here=False, there=False)
    await pair.run(STEP_SECONDS, link)
    assert link.session.close_code is CloseCode.SERVICE_RESTART
    _, back = await pair.here.robot(link.robot_id)
    await pair.here.presence.introduce(back, hello("process-1", job))
    await pair.run(2 * LEASE_SECONDS, back)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.contact_lost, stored.starts) == (JobStatus.RUNNING, False, 1)


async def test_nothing_is_assigned_or_acknowledged_meanwhile(pair: Outage) -> None:
    peer, link, job = await working(pair.here)
    waiting = await pair.here.job()
    assigned = len(await seen(peer, "job_assign"))
    acknowledged = len(await seen(peer, "ack"))
    pair.away()
    with contextlib.suppress(StoreUnavailable):
        await pair.here.report(link, job, "completed")
    await pair.run(60, link)
    assert len(await seen(peer, "job_assign")) == assigned
    assert len(await seen(peer, "ack")) == acknowledged
    pair.away(here=False, there=False)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING
    await pair.here.report(link, job, "completed")
    await pair.run(STEP_SECONDS, link)
    assert (await pair.here.stored(job)).status is JobStatus.COMPLETED
    assert (await pair.here.stored(waiting)).robot_id == link.robot_id


def cut_off(pair: Outage, *, shared: bool = True, reachable: bool = True) -> CutOffInstance:
    """`reachable`: whether the other instance can be asked."""

    async def ask_instance(_: str) -> bool:
        return reachable and not pair.of_there.away

    pair.of_here.shared = shared
    return CutOffInstance(cast(Any, pair.of_here), pair.here.instances, pair.here.hub, pair.clock, ask_instance)


async def run(pair: Outage, moves: CutOffInstance, seconds: float, *links: RobotConnection) -> None:
    for _ in range(0, round(seconds), STEP_SECONDS):
        await pair.run(STEP_SECONDS, *links)
        await moves.move_robots()


async def test_instance_that_is_cut_off_sends_its_robots_to_the_others(pair: Outage) -> None:
    peer, link, job = await working(pair.here)
    viewer = await pair.here.viewer()
    moves = cut_off(pair)
    pair.away(here=True, there=False)
    await run(pair, moves, CUT_OFF_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None
    await run(pair, moves, STEP_SECONDS, link)
    pair.clock.advance(WAVE_SECONDS)
    assert link.session.close_code is CloseCode.OVERLOADED
    assert moves.problem == NOT_READY
    assert not viewer.session.closing
    await peer.settle()
    assert peer.close_codes == [1013]
    with pytest.raises(StoreUnavailable):
        await pair.here.presence.disconnect(link)
    _, moved = await pair.there.robot(link.robot_id)
    await pair.there.presence.introduce(moved, hello("process-1", job))
    for _ in range(40):
        pair.there.hears(moved)
        await pair.run(STEP_SECONDS)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.starts) == (JobStatus.RUNNING, 1)


@pytest.mark.parametrize("reason", ["the store is not shared", "no other instance runs"])
async def test_instance_without_another_place_keeps_its_robots(pair: Outage, reason: str) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair, shared=reason != "the store is not shared")
    if reason == "no other instance runs":
        await pair.there.instances.depart()
        await pair.here.instances.hear()
    pair.away(here=True, there=reason != "the store is not shared")
    await run(pair, moves, 2 * CUT_OFF_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None


@pytest.mark.parametrize("others", ["are away too", "do not answer"])
async def test_instance_keeps_its_robots_unless_another_one_reaches_the_store(pair: Outage, others: str) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair, reachable=others != "do not answer")
    pair.away(here=True, there=others == "are away too")
    await run(pair, moves, 300, link)
    assert not link.session.closing
    assert moves.problem is None


async def test_store_that_returns_to_another_instance_first_moves_no_robot(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away()
    await run(pair, moves, 300, link)
    pair.away(here=True, there=False)
    await run(pair, moves, AGREED_SECONDS - STEP_SECONDS, link)
    pair.away(here=False, there=False)
    await run(pair, moves, 2 * LEASE_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None


async def test_robots_move_when_the_store_returns_to_all_others_only(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away()
    await run(pair, moves, 300, link)
    pair.away(here=True, there=False)
    await run(pair, moves, AGREED_SECONDS + STEP_SECONDS, link)
    assert link.session.close_code is CloseCode.OVERLOADED


async def test_instance_is_ready_again_with_the_first_answer_of_the_store(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away(here=True, there=False)
    await run(pair, moves, 2 * CUT_OFF_SECONDS, link)
    assert moves.problem == NOT_READY
    pair.away(here=False, there=False)
    await pair.here.instances.hear()
    assert moves.problem is None
    pair.away(here=True, there=False)
    await run(pair, moves, CUT_OFF_SECONDS)
    assert moves.problem is None, "the time of the outage before does not count"


async def test_answer_of_the_store_ends_the_count(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    for _ in range(3):
        pair.away(here=True, there=False)
        await run(pair, moves, CUT_OFF_SECONDS - STEP_SECONDS, link)
        pair.away(here=False, there=False)
        await run(pair, moves, STEP_SECONDS, link)
    assert link.session.close_code is not CloseCode.OVERLOADED
