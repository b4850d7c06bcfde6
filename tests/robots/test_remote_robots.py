"""Each instance shows and counts the robots of the others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.robot_sessions import Connecting
from casare_rpa.domain.vocabulary import CloseCode, RobotStatus
from casare_rpa.domain.waiting import Availability
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot
from casare_rpa.infrastructure.orchestrator.robots.remote_robots import UNCONNECTED_SECONDS
from orchestrator.slices import ROBOT, Instance, instance

Pair = tuple[Instance, Instance]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with instance(tmp_path) as here:
        yield here, Instance(here.store, name="there", clock=here.clock)


async def seen_from(plane: Instance) -> LiveRobot:
    await plane.resync.compare()
    await plane.remote_robots.compare()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    return live


async def test_robot_of_another_instance_is_shown_with_its_last_heartbeat(pair: Pair) -> None:
    here, there = pair
    _, link = await here.robot()
    assert (await seen_from(there)).status is RobotStatus.IDLE
    await here.beat(link, "busy")
    here.hears(link)
    await here.presence.write_heartbeats()
    live = await seen_from(there)
    assert (live.status, live.cpu_percent, live.memory_mb) == (RobotStatus.BUSY, 1, 2)
    assert live.availability(there.clock.monotonic()) is Availability.BUSY


async def test_heartbeats_at_another_instance_are_in_the_strip_once(pair: Pair) -> None:
    """A robot that moves between instances has one strip without a gap."""
    here, there = pair
    _, link = await here.robot()
    sent_at = []
    for status in ("idle", "busy", "idle"):
        here.clock.advance(30)
        await here.beat(link, status)
        sent_at.append(here.clock.now())
        here.hears(link)
        await here.presence.write_heartbeats()
        for _ in range(2):
            live = await seen_from(there)
    _, link = await there.robot()
    there.clock.advance(30)
    await there.beat(link, "busy")
    sent_at.append(there.clock.now())
    assert [beat.at for beat in live.heartbeats] == sent_at
    assert [beat.status for beat in live.heartbeats] == ["idle", "busy", "idle", "busy"]


async def test_robot_that_left_another_instance_is_offline(pair: Pair) -> None:
    here, there = pair
    _, link = await here.robot()
    await seen_from(there)
    here.hub.detach(link.session)
    await here.presence.disconnect(link)
    live = await seen_from(there)
    assert (live.status, live.availability(0.0)) == (RobotStatus.OFFLINE, Availability.OFFLINE)


async def test_robot_of_another_instance_gets_no_offer_from_this_one(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    live = await seen_from(there)
    assert live.slot(there.clock.monotonic()) is None


async def test_own_connection_is_not_shown_by_its_stored_signs_of_life(pair: Pair) -> None:
    here, _ = pair
    _, link = await here.robot()
    await here.beat(link, "busy")
    live = await seen_from(here)
    assert (live.elsewhere, live.status) == (False, RobotStatus.BUSY)


async def test_robot_that_comes_from_another_instance_is_connected_here(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    await seen_from(there)
    await there.robot()
    live = await seen_from(there)
    assert live.connection is not None
    assert not live.elsewhere
    assert (await seen_from(there)).status is RobotStatus.IDLE


async def test_session_without_a_connection_is_ended_in_the_second_round(pair: Pair) -> None:
    """The robot disconnected after its session was stored and before it counted."""
    here, there = pair
    _, link = await here.robot()
    here.hub.detach(link.session)
    await here.presence.disconnect(link)
    await here.store.connect(Connecting(ROBOT, "unfinished", "here", here.clock.now()))
    await here.remote_robots.compare()
    here.clock.advance(UNCONNECTED_SECONDS - 0.1)
    await here.remote_robots.compare()
    assert len(await here.store.open_sessions()) == 1, "it may be about to count"
    here.clock.advance(0.1)
    await there.remote_robots.compare()
    await here.remote_robots.compare()
    assert await here.store.open_sessions() == []


async def test_session_with_a_connection_stays(pair: Pair) -> None:
    here, _ = pair
    _, link = await here.robot()
    for _ in range(3):
        here.clock.advance(UNCONNECTED_SECONDS)
        await here.remote_robots.compare()
    assert [one.session_id for one in await here.store.open_sessions()] == [link.session.session_id]


async def test_connection_of_an_ended_session_is_closed_in_the_second_round(pair: Pair) -> None:
    """This instance stood still, another one ended its sessions, and the robot sends nothing that causes a write."""
    here, _ = pair
    _, link = await here.robot()
    await here.store.leave([(ROBOT, link.session.session_id)])
    await here.remote_robots.compare()
    assert not link.session.closing, "the read may be older than the connection"
    await here.remote_robots.compare()
    assert link.session.close_code == CloseCode.SERVICE_RESTART


async def test_old_connection_of_a_robot_that_returned_elsewhere_is_closed_as_replaced(pair: Pair) -> None:
    """The ended session names no instance that it moved from."""
    here, there = pair
    _, link = await here.robot()
    await here.store.leave([(ROBOT, link.session.session_id)])
    _, newer = await there.robot()
    for plane in (here, there) * 2:
        await plane.remote_robots.compare()
    assert link.session.close_code == CloseCode.REPLACED
    assert not newer.session.closing
