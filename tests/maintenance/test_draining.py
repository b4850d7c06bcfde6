"""The stop of an instance: robots first, their reports are written, and their jobs do not count as cut off."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Phase
from casare_rpa.domain.vocabulary import CloseCode, JobStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.hub.waves import SMALLEST_WAVE, WAVE_SECONDS
from casare_rpa.infrastructure.orchestrator.maintenance.draining import ConnectionDrain
from casare_rpa.infrastructure.orchestrator.robots.departures import RETURN_SECONDS
from fake_clock import FakeClock
from hub.fake_peer import FakePeer
from new_database import new_database
from orchestrator.slices import Instance, InterceptedStore


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    store = await InterceptedStore.open(new_database(tmp_path))
    yield Instance(store, clock=FakeClock())
    await store.close()


def drain_of(plane: Instance) -> ConnectionDrain:
    writers = [plane.reports, plane.log_stream, plane.presence.departures]
    return ConnectionDrain(plane.hub, plane.presence, writers, plane.clock)


async def serve(plane: Instance, peer: FakePeer, link: Any) -> None:
    """The part of the endpoint: when the session is closed, the connection ends."""
    while not peer.session.closing:
        await asyncio.sleep(0)
    plane.hub.detach(peer.session)
    await plane.presence.disconnect(link)


async def test_robots_are_closed_before_viewers(plane: Instance) -> None:
    viewers = [await plane.viewer() for _ in range(3)]
    robots = [await plane.robot(f"robot-{n}") for n in range(SMALLEST_WAVE)]
    ends = [asyncio.create_task(serve(plane, peer, link)) for peer, link in robots]
    closing = asyncio.create_task(drain_of(plane).close_connections(60.0))
    while not robots[0][0].session.closing:
        await asyncio.sleep(0)
    assert all(peer.session.close_code is CloseCode.SERVICE_RESTART for peer, _ in robots)
    assert not any(viewer.session.closing for viewer in viewers)
    plane.clock.advance(WAVE_SECONDS)
    while not closing.done():
        await asyncio.sleep(0)
        plane.clock.advance(0.01)
    assert [viewer.close_codes for viewer in viewers] == [[CloseCode.SERVICE_RESTART]] * 3
    await asyncio.gather(*ends)
    assert await plane.store.open_sessions() == []


async def test_running_job_is_not_cut_off_and_its_robot_is_expected_back(plane: Instance) -> None:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    offered = await plane.job()
    history = len(await plane.store.job_history(job.job_id, 100))
    end = asyncio.create_task(serve(plane, peer, link))
    peer.session.close(CloseCode.SERVICE_RESTART)
    await end
    stored = await plane.stored(job)
    assert (stored.status, stored.contact_lost) == (JobStatus.RUNNING, False)
    assert len(await plane.store.job_history(job.job_id, 100)) == history
    live = plane.fleet.get(link.robot_id)
    assert live is not None
    assert live.status is not RobotStatus.OFFLINE
    plane.clock.advance(RETURN_SECONDS + 1)
    await plane.presence.close_silent()
    assert live.status is RobotStatus.OFFLINE, "it did not return"
    assert (await plane.stored(offered)).robot_id is None


async def test_offer_that_the_robot_did_not_claim_is_held_for_its_return(plane: Instance) -> None:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    end = asyncio.create_task(serve(plane, peer, link))
    peer.session.close(CloseCode.SERVICE_RESTART)
    await end
    stored = await plane.stored(job)
    assert (stored.phase, stored.contact_lost) == (Phase.OFFER, True)


async def test_no_job_is_claimed_after_the_stop_and_reports_are_taken(plane: Instance) -> None:
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    waiting = await plane.job()
    plane.dispatcher.stop_offering()
    await plane.report(link, job, "completed")
    await plane.dispatch()
    assert (await plane.stored(job)).status is JobStatus.COMPLETED
    assert (await plane.stored(waiting)).robot_id is None


async def test_stop_waits_until_reports_are_written(plane: Instance) -> None:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    written = asyncio.Event()

    async def slowly(apply: Any, _: Any) -> Any:
        await written.wait()
        return await apply()

    plane.store.interceptors["apply"] = slowly
    report = asyncio.create_task(plane.report(link, job, "running"))
    while not plane.reports.unwritten:
        await asyncio.sleep(0)
    end = asyncio.create_task(serve(plane, peer, link))
    closing = asyncio.create_task(drain_of(plane).close_connections(60.0))
    for _ in range(50):
        await asyncio.sleep(0)
        plane.clock.advance(0.01)
    assert peer.session.closing
    assert not closing.done()
    written.set()
    await asyncio.gather(report, end)
    while not closing.done():
        await asyncio.sleep(0)
        plane.clock.advance(0.01)
    assert (await plane.stored(job)).status is JobStatus.RUNNING


async def test_stop_ends_in_time_while_the_store_is_away(plane: Instance, caplog: pytest.LogCaptureFixture) -> None:
    peer, link = await plane.robot()
    plane.hears(link)

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("the store is away")

    plane.store.interceptors["beat"] = away
    drain = asyncio.create_task(drain_of(plane).close_connections(0.05))
    while not drain.done():
        await asyncio.sleep(0)
    assert peer.session.close_code is CloseCode.SERVICE_RESTART
    texts = [record.getMessage() for record in caplog.records]
    assert "draining: the last heartbeats are not stored: the store is away" in texts
    assert "draining: after 0.05 s, 1 connections were still open and 0 messages of robots not written" in texts
