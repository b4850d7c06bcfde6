"""Row 2: PostgreSQL is away from all instances, and returns or fails over: no job is assigned, acknowledged or lost."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from failures.outage import STEP_SECONDS, Outage, two_instances, working
from hub.fake_peer import seen
from orchestrator.slices import hello


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Outage]:
    async with two_instances(tmp_path) as outage:
        yield outage


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
