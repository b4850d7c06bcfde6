"""The attention list of an instance: problems in the store, the fleet and the placements of pending jobs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.instants import after, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.protocol import Heartbeat, RobotLog
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.domain.waiting import AvailabilityGroup
from casare_rpa.infrastructure.orchestrator.maintenance.queue_sampler import SAMPLE_SECONDS, QueueSampler
from casare_rpa.infrastructure.orchestrator.maintenance.retention import DAY_SECONDS, TALLY_DAYS, Retention
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.views.attention import (
    GUARANTEED_PER_KIND,
    SHOWN,
    Attention,
    AttentionList,
    Trouble,
)
from orchestrator.slices import ADMIN, ROBOT, Instance, instance


@pytest.fixture
def parts() -> dict[str, Any]:
    """Arguments of `instance`; a test overrides them with a parameter of this name."""
    return {}


@pytest.fixture
async def plane(tmp_path: Path, parts: dict[str, Any]) -> AsyncIterator[Instance]:
    async with instance(tmp_path, **parts) as opened:
        await opened.rescuer.rescue()
        yield opened


async def attention(plane: Instance, tenant_id: str | None = None) -> list[Attention]:
    return await AttentionList(plane.store, plane.fleet, plane.pending_reasons, plane.clock).attention(tenant_id)


async def seen(plane: Instance, tenant_id: str | None = None) -> list[tuple[Trouble, str]]:
    return [(one.kind, one.target) for one in await attention(plane, tenant_id)]


async def working(plane: Instance) -> tuple[RobotConnection, Job]:
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return link, job


async def test_list_is_empty_without_a_problem(plane: Instance) -> None:
    await working(plane)
    await plane.job()
    assert await seen(plane) == []


async def test_job_without_a_matching_robot_is_listed_once_per_placement(plane: Instance) -> None:
    await plane.robot()
    first = await plane.job(tags=("sap",))
    plane.clock.advance(1)
    await plane.job(tags=("sap",))
    targeted = await plane.job(target_robot_id=ROBOT, tags=("excel",))
    found = await attention(plane)
    assert {(one.kind, one.target) for one in found} == {
        (Trouble.NO_ROBOT, first.job_id),
        (Trouble.NO_ROBOT, targeted.job_id),
    }
    assert any("sap" in one.message for one in found)


async def test_lost_contact_is_listed_until_the_robot_reconnects(plane: Instance) -> None:
    link, job = await working(plane)
    await plane.presence.disconnect(link)
    assert await seen(plane) == [(Trouble.CONTACT_LOST, job.job_id), (Trouble.ROBOT_OFFLINE, ROBOT)]


async def test_lost_contact_names_the_remaining_lease(plane: Instance) -> None:
    link, job = await working(plane)
    await plane.presence.disconnect(link)
    stored = await plane.store.job(job.job_id)
    assert stored is not None
    assert stored.lease_expires_at is not None
    plane.clock.advance(seconds_between(plane.clock.now(), stored.lease_expires_at) - 54)
    lost, _ = await attention(plane)
    end = "if it does not reconnect within 54 s, the job fails as robot lost"
    assert lost.message == f"{job.workflow_id}: {ROBOT} is disconnected; {end}"


async def test_robot_offline_for_a_day_is_not_listed(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.presence.disconnect(link)
    assert await seen(plane) == [(Trouble.ROBOT_OFFLINE, ROBOT)]
    plane.clock.advance(DAY_SECONDS + 1)
    assert await seen(plane) == []


async def test_unconfirmed_cancel_is_listed_first(plane: Instance) -> None:
    link, job = await working(plane)
    await plane.store.pause_queue(PausedQueue("*", plane.clock.now(), "ana", "month end"), audit=AN_ENTRY)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.talks_on(link, 65)
    assert await seen(plane) == [(Trouble.CANCEL_UNCONFIRMED, job.job_id), (Trouble.QUEUE_PAUSED, "*")]
    unconfirmed, paused = await attention(plane)
    assert ROBOT in unconfirmed.message
    assert paused.message == "all queues paused by ana: month end"


async def test_wrong_clock_is_listed_with_its_direction(plane: Instance) -> None:
    _, link = await plane.robot()
    there = datetime.fromtimestamp(plane.clock.now() / 1e6, UTC) + timedelta(seconds=90)
    beat = Heartbeat(robot_id=ROBOT, status=RobotStatus.IDLE, cpu_percent=1, memory_mb=2, timestamp=there)
    assert plane.presence.record_heartbeat(link, beat) is None
    (found,) = await attention(plane)
    assert (found.kind, found.message) == (Trouble.CLOCK_SKEW, f"the clock of {ROBOT} is 90 s ahead")


async def test_paused_queue_is_listed_despite_many_offline_robots(plane: Instance) -> None:
    for number in range(SHOWN + 5):
        _, link = await plane.robot(f"robot-{number}")
        await plane.presence.disconnect(link)
    await plane.store.pause_queue(PausedQueue("default", plane.clock.now(), "ana", ""), audit=AN_ENTRY)
    found = await seen(plane)
    assert len(found) == SHOWN
    assert found[0] == (Trouble.QUEUE_PAUSED, "default")


async def test_tenant_sees_its_own_jobs_and_robots(plane: Instance) -> None:
    await plane.store.add_tenant(Tenant("other", "Other", plane.clock.now()), audit=AN_ENTRY)
    _, link = await plane.robot()
    await plane.presence.disconnect(link)
    mine = await plane.job(tags=("sap",))
    theirs = await plane.job(tags=("sap",), tenant_id="other")
    assert await seen(plane, "other") == [(Trouble.NO_ROBOT, theirs.job_id)]
    assert await seen(plane, "default") == [(Trouble.NO_ROBOT, mine.job_id), (Trouble.ROBOT_OFFLINE, ROBOT)]


class CountedFleet(Fleet):
    """A fleet that counts the reads of its groups."""

    reads = 0

    def availability(self, placement: Placement, now: float) -> list[AvailabilityGroup]:
        self.reads += 1
        return super().availability(placement, now)


@pytest.mark.parametrize("parts", [{"fleet": CountedFleet()}])
async def test_fleet_is_read_once_for_any_number_of_placements(plane: Instance) -> None:
    assert isinstance(plane.fleet, CountedFleet)
    for number in range(20):
        await plane.job(tags=(f"tag-{number}",))
    assert len(await seen(plane)) == 20
    assert plane.fleet.reads == 1


async def test_changed_tags_are_used_by_the_next_dispatch(plane: Instance) -> None:
    peer, _ = await plane.robot()
    job = await plane.job(tags=("sap",))
    await plane.dispatch()
    assert (await plane.stored(job)).robot_id is None
    await plane.commands.robots.change(ADMIN, ROBOT, tags=("sap",))
    await plane.dispatcher.dispatch()
    assert (await plane.stored(job)).robot_id == ROBOT
    assert peer.session.close_code is None


async def test_change_of_a_robot_keeps_a_concurrent_command(plane: Instance) -> None:
    await plane.robot()
    await plane.store.order_robots([a_drain(ROBOT, plane.clock.now())], None)
    await plane.commands.robots.change(ADMIN, ROBOT, name="Desk 7")
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert (live.robot.name, live.robot.draining_at) == ("Desk 7", plane.clock.now())


async def test_heartbeats_are_stored_with_their_status(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.beat(link, "idle")
    plane.clock.advance(30)
    await plane.beat(link, "busy")
    live = plane.fleet.get(ROBOT)
    assert live is not None
    first, second = live.heartbeats
    assert (first.status, second.status) == (RobotStatus.IDLE, RobotStatus.BUSY)
    assert second.at - first.at == 30_000_000


async def test_samples_are_stored_under_the_full_minute_for_eight_days(plane: Instance) -> None:
    sampler = QueueSampler(plane.store, plane.clock)
    await plane.job()
    start = plane.clock.now()
    await sampler.sample()
    plane.clock.advance(SAMPLE_SECONDS + 1)
    await sampler.sample()
    samples = await plane.store.queue_samples(after(start, -SAMPLE_SECONDS))
    assert [one.at % 60_000_000 for one in samples] == [0, 0]
    assert samples[1].at - samples[0].at == 60_000_000
    plane.clock.advance(TALLY_DAYS * DAY_SECONDS - SAMPLE_SECONDS)
    await Retention(plane.store, plane.clock, Settings()).delete_expired()
    assert [one.at for one in await plane.store.queue_samples(samples[0].at)] == [samples[1].at]


async def test_every_kind_of_problem_has_room_in_the_list(plane: Instance) -> None:
    for number in range(SHOWN + 5):
        await plane.store.pause_queue(PausedQueue(f"q-{number}", plane.clock.now(), "ana", ""), audit=AN_ENTRY)
        _, link = await plane.robot(f"robot-{number}")
        await plane.presence.disconnect(link)
    kinds = [kind for kind, _ in await seen(plane)]
    assert (len(kinds), kinds.count(Trouble.ROBOT_OFFLINE)) == (SHOWN, GUARANTEED_PER_KIND)
    assert kinds == sorted(kinds, key=list(Trouble).index)


async def test_silent_job_of_a_robot_with_several_slots_is_listed_after_five_minutes(plane: Instance) -> None:
    link, job = await working(plane)
    await plane.store.change_robot(ROBOT, None, None, 3, audit=AN_ENTRY)
    await plane.resync.compare()
    await plane.talks_on(link, 295)
    assert await seen(plane) == []
    await plane.talks_on(link, 5)
    (found,) = await attention(plane)
    assert (found.kind, found.target) == (Trouble.JOB_SILENT, job.job_id)
    assert found.message == f"{ROBOT} has sent no report and no log line of this job for 5 minutes"
    plane.reports.note_log_lines(link, [RobotLog(level="INFO", message="still at work", job_id=job.job_id)])
    assert await seen(plane) == []


async def test_silent_job_of_a_robot_with_one_slot_is_not_listed(plane: Instance) -> None:
    link, _ = await working(plane)
    await plane.talks_on(link, 600)
    assert await seen(plane) == []


async def test_problems_name_a_robot_by_its_display_name(plane: Instance) -> None:
    link, _ = await working(plane)
    await plane.commands.robots.change(ADMIN, ROBOT, name="Desk 7")
    await plane.presence.disconnect(link)
    found = {one.kind: one.message for one in await attention(plane)}
    assert found[Trouble.ROBOT_OFFLINE] == "Desk 7 is offline"
    assert "Desk 7 is disconnected" in found[Trouble.CONTACT_LOST]
