"""The slices together, with a clock that the test controls: presence, dispatch, rescue, views, logs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import Conflict, NotFound, ProtocolError, StoreUnavailable
from casare_rpa.domain.instants import after
from casare_rpa.domain.job import Job, Phase, Reason
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogFilter
from casare_rpa.domain.protocol import Heartbeat, JobReject, RobotLog
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.vocabulary import CloseCode, JobStatus, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import (
    ASSUMED_BUSY_SECONDS,
    MISSED_OFFERS,
    SKIP_SECONDS,
    RobotConnection,
)
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from casare_rpa.infrastructure.orchestrator.views.log_stream import audience_of
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, seen
from orchestrator.slices import ADMIN, ROBOT, Instance, hello, instance


@pytest.fixture
def parts() -> dict[str, Any]:
    """Arguments of `instance`; a test overrides them with a parameter of this name."""
    return {}


@pytest.fixture
async def plane(tmp_path: Path, parts: dict[str, Any]) -> AsyncIterator[Instance]:
    async with instance(tmp_path, **parts) as opened:
        await opened.rescuer.rescue()
        yield opened


class SlowFleet(Fleet):
    """A fleet whose reads of slots take `seconds` of the test's clock."""

    clock: FakeClock
    seconds = 0.01

    def slots(self, now: float) -> Slots:
        self.clock.advance(self.seconds)
        return super().slots(now)


async def working(plane: Instance, **wishes: Any) -> tuple[FakePeer, Any, Job]:
    """A robot that runs a job."""
    peer, link = await plane.robot()
    job = await plane.job(**wishes)
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, await plane.stored(job)


# Dispatch


async def test_job_goes_to_an_idle_robot_and_its_end_frees_the_slot(plane: Instance) -> None:
    peer, link, job = await working(plane)
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert (live.status, live.current_job) == (RobotStatus.BUSY, job.job_id)
    await plane.report(link, job, "completed")
    assert live.status is RobotStatus.IDLE
    await plane.job()
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 2


@pytest.mark.parametrize("parts", [{"fleet": SlowFleet()}])
async def test_dispatch_pauses_after_a_long_round_over_a_large_fleet(plane: Instance) -> None:
    assert isinstance(plane.fleet, SlowFleet)
    plane.fleet.clock = plane.clock
    peer, _ = await plane.robot()
    await plane.job()
    resting = asyncio.create_task(plane.dispatch())
    async with asyncio.timeout(5):
        while not plane.clock.sleeping:
            await asyncio.sleep(0)
    assert len(await seen(peer, "job_assign")) == 1, "the job does not wait for the end of the pause"
    assert plane.clock.sleeping == [pytest.approx(0.04)], "rounds take at most a fifth of the time"
    plane.clock.advance(0.04)
    await resting


@pytest.mark.parametrize("parts", [{"dispatcher": {"rest_seconds": 600.0}}])
async def test_dispatch_without_work_waits_for_a_job(plane: Instance) -> None:
    peer, _ = await plane.robot()
    resting = asyncio.create_task(plane.dispatch())
    async with asyncio.timeout(5):
        await plane.job()
        await resting
        await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 1


@pytest.mark.parametrize("parts", [{"dispatcher": {"poll_seconds": 600.0}, "limits": StoreLimits(offers=1)}])
async def test_dispatch_continues_at_once_while_claims_return_jobs(plane: Instance) -> None:
    peers = [(await plane.robot(robot_id))[0] for robot_id in ("robot-1", "robot-2", "robot-3")]
    for _ in peers:
        await plane.job()
    await plane.dispatch()
    async with asyncio.timeout(5):
        for _ in peers[1:]:
            await plane.dispatcher.dispatch()
    assert [len(await seen(peer, "job_assign")) for peer in peers] == [1, 1, 1]


async def test_robot_that_reports_busy_or_offline_gets_no_jobs(plane: Instance) -> None:
    peer, link = await plane.robot()
    await plane.job()
    for status in ("busy", "offline"):
        await plane.beat(link, status)
        await plane.dispatch()
    assert await seen(peer, "job_assign") == []
    await plane.beat(link, "idle")
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 1


async def test_robot_that_rejects_five_offers_in_a_row_gets_none_for_a_minute(plane: Instance) -> None:
    peer, link = await plane.robot()
    job = await plane.job()
    for _ in range(MISSED_OFFERS):
        await plane.dispatch()
        await plane.dispatch()  # it waits before it is offered again
        assert plane.reports.reject(link, JobReject(job_id=job.job_id), None) is None
        await plane.reports.write()
        again = (await plane.stored(job)).not_before
        assert again is not None
        assert again > plane.clock.now()
        plane.clock.advance(SKIP_SECONDS / 2)
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS, "it is skipped"
    plane.clock.advance(SKIP_SECONDS / 2)
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS + 1


async def test_job_whose_workflow_vanished_from_its_robot_goes_to_another_robot(plane: Instance) -> None:
    first, link = await plane.robot()
    await plane.presence.introduce(link, msgspec.structs.replace(hello("process-1"), workflows=["w"]))
    job = await plane.job()
    await plane.dispatch()
    assert len(await seen(first, "job_assign")) == 1
    await plane.presence.introduce(link, msgspec.structs.replace(hello("process-1"), workflows=[]))
    assert plane.reports.reject(link, JobReject(job_id=job.job_id, attempt=1, reason="no workflow 'w'"), None) is None
    await plane.reports.write()
    second, other = await plane.robot("robot-2")
    await plane.presence.introduce(other, msgspec.structs.replace(hello("process-2"), workflows=["w"]))
    plane.clock.advance(1)
    await plane.dispatch()
    pending = await plane.stored(job)
    assert (pending.phase, pending.robot_id, pending.starts) == (Phase.OFFER, "robot-2", 0)
    assert len(await seen(second, "job_assign")) == 1
    assert len(await seen(first, "job_assign")) <= 2, "at most the repeat after its hello"


async def test_robot_with_unanswered_offers_gets_none_for_a_minute(plane: Instance) -> None:
    peer, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-1"))
    await plane.job()
    for _ in range(MISSED_OFFERS):
        await plane.dispatch()
        for _ in range(4):
            plane.clock.advance(4)
            await plane.rescuer.rescue()
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS
    assert {cancel["reason"] for cancel in await seen(peer, "job_cancel")} == {"offer expired"}
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS
    plane.clock.advance(SKIP_SECONDS + 1)
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == MISSED_OFFERS + 1


async def test_submit_refuses_unknown_ids_and_another_body_with_the_same_key(plane: Instance) -> None:
    with pytest.raises(NotFound, match="tenant_id"):
        await plane.job(tenant_id="nobody")
    with pytest.raises(NotFound, match="robot_id"):
        await plane.job(target_robot_id="nobody")
    first = await plane.job(idempotency_key="k")
    assert (await plane.job(idempotency_key="k")).job_id == first.job_id
    with pytest.raises(Conflict):
        await plane.job(idempotency_key="k", priority=9)


# Robots that reconnect


async def test_robot_that_reconnects_as_the_same_process_keeps_its_job(plane: Instance) -> None:
    _, link, job = await working(plane)
    await plane.presence.introduce(link, hello("process-1"))
    await plane.presence.disconnect(link)
    assert (await plane.stored(job)).contact_lost_at is not None
    peer, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-1", job))
    back = await plane.stored(job)
    assert (back.status, back.contact_lost_at, back.session_id) == (JobStatus.RUNNING, None, peer.session.session_id)


async def worked_on_by(plane: Instance, instance_id: str, journal: str | None, **wishes: Any) -> Job:
    """A job that this process of the robot runs; its connection is still open."""
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello(instance_id, journal=journal))
    job = await plane.job(**wishes)
    await plane.dispatch()
    await plane.report(link, job, "running")
    return await plane.stored(job)


@pytest.mark.parametrize(
    ("instance_id", "journal", "lost_at_once"),
    [("new", "journal-1", True), ("new", "journal-2", False), ("new", None, False), ("old", "journal-1", True)],
)
async def test_job_is_lost_at_once_only_if_the_journal_proves_that_its_process_ended(
    plane: Instance, instance_id: str, journal: str | None, lost_at_once: bool
) -> None:
    job = await worked_on_by(plane, "old", "journal-1")
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello(instance_id, journal=journal))
    assert ((await plane.stored(job)).reason is Reason.ROBOT_LOST) is lost_at_once


async def test_second_process_of_a_robot_gets_the_next_attempt_only_after_the_lease_of_the_first(
    plane: Instance,
) -> None:
    job = await worked_on_by(plane, "old", "journal-1", max_attempts=2)
    peer, link = await plane.robot()
    await plane.presence.introduce(link, hello("new", journal="journal-2"))
    for _ in range(17):
        await plane.talks_on(link, 5)
        await plane.dispatch()
    assert await seen(peer, "job_assign") == [], "the first process may be at work"
    await plane.talks_on(link, 20)
    await plane.dispatch()
    assert [assign["attempt"] for assign in await seen(peer, "job_assign")] == [2]
    assert (await plane.stored(job)).starts == 1


@pytest.mark.parametrize("journal", [None, "journal-1"])
async def test_frames_of_a_connection_without_hello_renew_no_lease_of_a_process_that_said_hello(
    plane: Instance, journal: str | None
) -> None:
    job = await worked_on_by(plane, "old", journal)
    _, link = await plane.robot()
    await plane.presence.welcome_next()
    await plane.presence.welcome_next()
    await plane.talks_on(link, 95)
    assert (await plane.stored(job)).reason is Reason.ROBOT_LOST


async def idle_for(plane: Instance, link: RobotConnection, seconds: float) -> None:
    await plane.beat(link)
    plane.clock.advance(seconds)
    await plane.beat(link)


async def test_robot_of_1_0_with_one_slot_that_says_idle_for_30_seconds_after_it_returned_has_lost_its_job(
    plane: Instance,
) -> None:
    _, link, job = await working(plane)
    await idle_for(plane, link, 31)
    assert (await plane.stored(job)).status is JobStatus.RUNNING, "it did not reconnect since it reported"
    await plane.presence.disconnect(link)
    _, link = await plane.robot()
    await plane.presence.welcome_next()
    await idle_for(plane, link, 29)
    await plane.beat(link, "busy")
    await idle_for(plane, link, 29)
    assert (await plane.stored(job)).status is JobStatus.RUNNING
    plane.clock.advance(1)
    await plane.beat(link)
    assert (await plane.stored(job)).reason is Reason.ROBOT_LOST


@pytest.mark.parametrize(("slots", "logs"), [(3, False), (1, True)])
async def test_robot_of_1_0_that_has_room_or_logs_about_its_job_keeps_it(
    plane: Instance, slots: int, logs: bool
) -> None:
    _, link, job = await working(plane)
    await plane.store.change_robot(ROBOT, None, None, slots, audit=AN_ENTRY)
    await plane.presence.disconnect(link)
    _, link = await plane.robot()
    if logs:
        line = RobotLog(level="INFO", message="still here", job_id=job.job_id)
        plane.reports.note_log_lines(link, [line])
    for _ in range(3):
        await idle_for(plane, link, 31)
    assert (await plane.stored(job)).status is JobStatus.RUNNING


# Robots that speak 1.0 only, and say little


async def offered_to_1_0(plane: Instance, **wishes: Any) -> tuple[FakePeer, RobotConnection, Job]:
    peer, link = await plane.robot()
    job = await plane.job(**wishes)
    await plane.dispatch()
    return peer, link, await plane.stored(job)


@pytest.mark.parametrize("sign", ["busy", "log"])
async def test_robot_of_1_0_that_shows_that_it_works_keeps_its_job_without_a_claim(plane: Instance, sign: str) -> None:
    peer, link, job = await offered_to_1_0(plane, max_attempts=3)
    if sign == "busy":
        await plane.beat(link, "busy")
        plane.reports.note_busy(link)
    else:
        lines = [RobotLog(level="INFO", message="begins", job_id=of) for of in (job.job_id, job.job_id, "unknown")]
        plane.reports.note_log_lines(link, lines)
    await plane.reports.write()
    assert (await plane.stored(job)).status is JobStatus.CLAIMED
    await plane.talks_on(link, 300)
    await plane.dispatch()
    await plane.report(link, job, "completed")
    done = await plane.stored(job)
    assert (done.status, done.starts, done.attempt) == (JobStatus.COMPLETED, 1, 1)
    assert len(await seen(peer, "job_assign")) == 1
    assert await seen(peer, "job_cancel") == await seen(peer, "error") == []


async def test_busy_or_a_line_that_came_before_the_offer_claims_nothing(plane: Instance) -> None:
    _, link = await plane.robot()
    job = await plane.job()
    plane.reports.note_busy(link)
    plane.reports.note_log_lines(link, [RobotLog(level="INFO", message="x", job_id=job.job_id)])
    await plane.dispatch()
    assert (await plane.stored(job)).phase is Phase.OFFER


async def test_robot_of_1_0_that_sends_no_report_for_40_seconds_runs_its_job_once(plane: Instance) -> None:
    peer, link, job = await offered_to_1_0(plane, max_attempts=3)
    await plane.talks_on(link, 40)
    await plane.beat(link)
    await plane.dispatch()
    await plane.report(link, job, "completed")
    assert (await plane.stored(job)).status is JobStatus.COMPLETED
    assert len(await seen(peer, "job_assign")) == 1


async def test_end_that_a_robot_of_1_0_reports_after_its_offer_expired_counts_until_the_next_offer(
    plane: Instance,
) -> None:
    peer, link, job = await offered_to_1_0(plane)
    await plane.talks_on(link, 95)
    assert [cancel["reason"] for cancel in await seen(peer, "job_cancel")] == ["offer expired"]
    await plane.report(link, job, "completed")
    done = await plane.stored(job)
    assert (done.status, done.robot_id, done.starts) == (JobStatus.COMPLETED, ROBOT, 1)
    assert await seen(peer, "error") == []


async def test_robot_of_1_0_that_reports_after_reconnecting_keeps_its_job(plane: Instance) -> None:
    _, link, job = await working(plane)
    await plane.presence.disconnect(link)
    _, link = await plane.robot()
    await plane.report(link, job, "running", progress=60)
    for _ in range(3):
        await plane.beat(link)
    assert (await plane.stored(job)).progress == 60


async def test_robot_that_missed_a_cancel_gets_it_when_it_reconnects(plane: Instance) -> None:
    _, link, job = await working(plane)
    await plane.presence.disconnect(link)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    peer, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-1", job))
    cancels = await seen(peer, "job_cancel")
    assert cancels
    assert (cancels[0]["reason"], cancels[0]["grace_seconds"]) == ("enough", 30)


async def test_newest_connection_of_a_robot_replaces_the_old_one(plane: Instance) -> None:
    old, old_link, job = await working(plane)
    new, _ = await plane.robot()
    assert old.session.close_code is CloseCode.REPLACED
    plane.hub.detach(old.session)
    await plane.presence.disconnect(old_link)
    assert plane.hub.robot(ROBOT) is new.session
    assert (await plane.stored(job)).contact_lost_at is None
    await old.session.closed()


async def test_job_that_ends_while_its_robot_reconnects_leaves_no_slot_taken(plane: Instance) -> None:
    _, link, job = await working(plane)

    async def look_then_end(look: Callable[[], Awaitable[list[Job]]], _robot_id: str) -> list[Job]:
        found = await look()
        if plane.store.interceptors.pop("held_jobs", None):
            await plane.report(link, job, "completed")
        return found

    plane.store.interceptors["held_jobs"] = look_then_end
    await plane.robot()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert (live.held, live.status) == ({}, RobotStatus.IDLE)


async def test_robots_keep_their_status_for_ten_seconds_after_a_server_restart(plane: Instance) -> None:
    for robot_id in ("comes-back", "stays-away"):
        _, link = await plane.robot(robot_id)
        await plane.beat(link)
        plane.hears(link)
    await plane.presence.write_heartbeats()
    restarted = Instance(plane.store)
    restarted.clock.advance(5)
    await restarted.presence.load()
    viewer = await restarted.viewer(("robots", None))
    back, away = restarted.fleet.get("comes-back"), restarted.fleet.get("stays-away")
    assert back is not None
    assert away is not None
    assert (back.status, away.status) == (RobotStatus.IDLE, RobotStatus.IDLE)
    assert len(restarted.fleet.slots(restarted.clock.monotonic())) == 0, "a disconnected robot gets no jobs"
    await restarted.robot("comes-back")
    restarted.clock.advance(11)
    await restarted.presence.close_silent()
    assert (back.status, away.status) == (RobotStatus.IDLE, RobotStatus.OFFLINE)
    told = await seen(viewer, "robot_status")
    assert {(state["robot_id"], state["status"]) for state in told} == {
        ("comes-back", "idle"),
        ("stays-away", "offline"),
    }


async def test_silent_robot_is_disconnected_and_a_quiet_one_pinged(plane: Instance) -> None:
    peer, _ = await plane.robot()
    peer.session.waiting_since = plane.clock.monotonic()
    plane.clock.advance(31)
    await plane.presence.close_silent()
    assert len(await seen(peer, "ping")) == 1
    plane.clock.advance(60)
    await plane.presence.close_silent()
    assert peer.session.close_code is CloseCode.HEARTBEAT_TIMEOUT
    await peer.session.closed()


async def test_heartbeat_of_another_robot_is_refused(plane: Instance) -> None:
    _, link = await plane.robot()
    beat = Heartbeat(
        robot_id="another", status=RobotStatus.IDLE, cpu_percent=1, memory_mb=1, timestamp=datetime.now(UTC)
    )
    with pytest.raises(ProtocolError, match="robot_id"):
        plane.presence.record_heartbeat(link, beat)


# Rescue


async def test_frames_renew_the_lease_in_the_next_batch(plane: Instance) -> None:
    _, link, job = await working(plane)
    plane.clock.advance(60)
    plane.hears(link)
    await plane.presence.write_heartbeats()
    assert (await plane.stored(job)).lease_expires_at == after(plane.clock.now(), 90)


async def test_expired_lease_ends_the_attempt(plane: Instance) -> None:
    _, _, job = await working(plane)
    for _ in range(19):
        plane.clock.advance(5)
        await plane.rescuer.rescue()
    assert (await plane.stored(job)).reason is Reason.ROBOT_LOST


@pytest.mark.parametrize("pause", ["late", "jump"])
async def test_pause_of_the_server_extends_live_leases(plane: Instance, pause: str) -> None:
    _, _, job = await working(plane)
    for _ in range(17):
        plane.clock.advance(5)
        await plane.rescuer.rescue()
    if pause == "late":
        plane.clock.advance(11)
    else:
        plane.clock.advance(6)
        plane.clock.jump = -3600.0
    await plane.rescuer.rescue()
    kept = await plane.stored(job)
    assert (kept.status, kept.lease_expires_at) == (JobStatus.RUNNING, after(plane.clock.now(), 90))


async def test_report_sent_during_a_pause_does_not_shorten_the_extension(plane: Instance) -> None:
    peer, _, job = await working(plane)
    report = Report(ROBOT, peer.session.session_id, 1, ReportStatus.RUNNING, progress=50)
    under_way = Change(job.job_id, report, plane.clock.now())
    plane.clock.advance(100)
    await plane.rescuer.rescue()
    await plane.store.apply([under_way])
    plane.clock.advance(1)
    await plane.rescuer.rescue()
    assert (await plane.stored(job)).status is JobStatus.RUNNING
    for _ in range(18):
        plane.clock.advance(5)
        await plane.rescuer.rescue()
    assert (await plane.stored(job)).reason is Reason.ROBOT_LOST


async def test_offer_made_before_a_pause_is_not_withdrawn_after_it(plane: Instance) -> None:
    """A robot without `claim_ack` may have started the job; its offer is written with the time before the pause."""
    await plane.robot()
    job = await plane.job()
    before = plane.clock.now()
    plane.clock.advance(100)
    await plane.rescuer.rescue()
    await plane.store.claim(plane.fleet.slots(plane.clock.monotonic()), before)
    plane.clock.advance(1)
    await plane.rescuer.rescue()
    assert (await plane.stored(job)).phase is Phase.OFFER
    for _ in range(18):
        plane.clock.advance(5)
        await plane.rescuer.rescue()
    assert (await plane.stored(job)).phase is Phase.PENDING


async def test_robot_with_an_unwritten_heartbeat_keeps_its_job(plane: Instance) -> None:
    _, link, job = await working(plane)
    for _ in range(19):  # the lease expires after 18
        plane.hears(link)
        await plane.rescuer.rescue()
        plane.clock.advance(5)
    assert (await plane.stored(job)).status is JobStatus.RUNNING, "its heartbeat is not written yet"
    link.active_jobs = ()
    await plane.rescuer.rescue()
    assert (await plane.stored(job)).reason is Reason.ROBOT_LOST, "it sends frames, but does not list this job"


async def test_robot_with_a_heartbeat_in_a_pending_write_keeps_its_job(plane: Instance) -> None:
    _, link, job = await working(plane)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow_write(write: Callable[[], Awaitable[object]], *_: object) -> object:
        began.set()
        await go_on.wait()
        return await write()

    plane.store.interceptors["beat"] = slow_write
    for number in range(17):
        if number == 4:
            plane.hears(link)
            lease_expires_at = after(plane.clock.now(), 90)
        plane.clock.advance(5)
        await plane.rescuer.rescue()
    beating = asyncio.create_task(plane.presence.write_heartbeats())
    async with asyncio.timeout(5):
        await began.wait()
    plane.clock.advance(6)
    await plane.rescuer.rescue()
    assert (await plane.stored(job)).status is JobStatus.RUNNING, "its lease in the store has expired"
    go_on.set()
    await beating
    assert (await plane.stored(job)).lease_expires_at == lease_expires_at
    assert not plane.fleet.renews(job.job_id), "it has sent nothing since"


async def test_heartbeat_of_a_failed_write_is_in_the_next_one(plane: Instance) -> None:
    _, link, job = await working(plane)

    async def no_write(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    plane.clock.advance(30)
    plane.hears(link)
    lease_expires_at = after(plane.clock.now(), 90)
    plane.store.interceptors["beat"] = no_write
    with pytest.raises(StoreUnavailable):
        await plane.presence.write_heartbeats()
    del plane.store.interceptors["beat"]
    assert plane.fleet.renews(job.job_id)
    plane.clock.advance(50)
    await plane.presence.write_heartbeats()
    assert (await plane.stored(job)).lease_expires_at == lease_expires_at
    assert not plane.fleet.renews(job.job_id)


@pytest.mark.parametrize("while_writing", [False, True], ids=["before the write", "in the write"])
async def test_process_that_stood_still_renews_no_lease_of_a_robot_that_was_silent_since(
    while_writing: bool, plane: Instance
) -> None:
    """Another instance may have seen the robot die meanwhile, and may have started its job elsewhere."""
    _, silent, job = await working(plane)
    _, speaking = await plane.robot("robot-2")
    plane.clock.advance(20)
    for link in (silent, speaking):
        plane.hears(link)
    sent_at = plane.clock.now()

    async def write_late(write: Callable[[], Awaitable[object]], *_: object) -> object:
        plane.clock.advance(600 if while_writing else 0)
        return await write()

    plane.store.interceptors["beat"] = write_late
    plane.clock.advance(0 if while_writing else 600)
    await plane.presence.write_heartbeats()
    assert (await plane.stored(job)).lease_expires_at == after(sent_at, 90)
    assert (job.job_id, "lease_over") in await plane.store.due(plane.clock.now(), 10, "here")
    assert {one.last_seen_at for one in await plane.store.last_heartbeats()} == {sent_at}


async def test_heartbeat_that_waited_for_its_turn_counts_from_its_arrival(plane: Instance) -> None:
    _, link, job = await working(plane)
    plane.hears(link)
    sent_at = plane.clock.now()
    plane.clock.advance(80)
    unfinished = plane.presence.record_heartbeat(link, Heartbeat(robot_id=ROBOT, status=RobotStatus.BUSY))
    assert unfinished is None
    await plane.presence.write_heartbeats()
    (stored,) = await plane.store.last_heartbeats()
    assert (stored.last_heartbeat_at, stored.last_seen_at) == (sent_at, sent_at)
    assert (await plane.stored(job)).lease_expires_at == after(sent_at, 90)


async def test_unconfirmed_cancel_is_forced_then_ended_and_the_robot_gets_no_jobs(plane: Instance) -> None:
    peer, link, job = await working(plane)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.talks_on(link, 65)
    cancels = await seen(peer, "job_cancel")
    assert [cancel.get("force", False) for cancel in cancels] == [False, True]
    closed = await plane.stored(job)
    assert (closed.reason, closed.unconfirmed) == (Reason.CANCELLED, True)
    await plane.job()
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 1, "it gets no jobs until an idle heartbeat"
    await plane.beat(link)
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 2


@pytest.mark.parametrize("says_busy", [False, True])
async def test_robot_with_an_unconfirmed_end_gets_jobs_after_five_minutes_without_a_status(
    plane: Instance, *, says_busy: bool
) -> None:
    peer, link, job = await working(plane)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.talks_on(link, 65)
    assert (await plane.stored(job)).unconfirmed
    if says_busy:
        await plane.beat(link, "busy")
    await plane.job()
    for wait_seconds in (int(ASSUMED_BUSY_SECONDS) - 10, 10):
        assert len(await seen(peer, "job_assign")) == 1
        await plane.talks_on(link, wait_seconds)
        await plane.resync.compare()
        await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == (1 if says_busy else 2)


# Views


async def test_viewers_see_each_status_once_and_no_offer(plane: Instance) -> None:
    viewer = await plane.viewer(("jobs", None))
    live = await plane.viewer(("live-jobs", "default"))
    other = await plane.viewer(("jobs", "another-tenant"))
    _, link, job = await working(plane)
    await plane.report(link, job, "completed")
    assert [u["status"] for u in await seen(viewer, "job_update")] == ["pending", "running", "completed"]
    assert [u["status"] for u in await seen(live, "job_update")] == ["pending", "running", "completed"]
    assert await seen(other, "job_update") == []


async def test_progress_is_shown_at_most_twice_a_second_including_the_last_value(plane: Instance) -> None:
    viewer = await plane.viewer(("jobs", None))
    _, link, job = await working(plane)
    for progress in range(10, 60, 10):
        await plane.report(link, job, "running", progress=float(progress))
    told = [u["progress"] for u in await seen(viewer, "job_update") if u["status"] == "running"]
    assert told == [0, 10]
    plane.clock.advance(0.6)
    await plane.job_stream.show_held_progress()
    await plane.job_stream.show_held_progress()
    told = [u["progress"] for u in await seen(viewer, "job_update") if u["status"] == "running"]
    assert told == [0, 10, 50]


async def test_log_lines_reach_their_subscribers_and_the_store(plane: Instance) -> None:
    _, link, job = await working(plane)
    everything = await plane.viewer(audience_of(LogFilter()))  # type: ignore[arg-type]
    errors = await plane.viewer(audience_of(LogFilter(min_level=Level.ERROR, robot_id=ROBOT, tenant_id="default")))  # type: ignore[arg-type]
    others = await plane.viewer(audience_of(LogFilter(robot_id="robot-2")))  # type: ignore[arg-type]
    lines = [
        RobotLog(robot_id=ROBOT, level=level, message=level, timestamp=datetime.now(UTC), job_id=job.job_id)
        for level in ("debug", "fatal")
    ]
    assert plane.log_stream.ingest(link, lines, 7) is None
    await plane.log_stream.write()
    assert [line["level"] for line in await seen(everything, "log")] == ["DEBUG", "ERROR"]
    assert [line["level"] for line in await seen(errors, "log")] == ["ERROR"]
    assert await seen(others, "log") == []
    assert [stored.line.message for stored in await plane.store.job_logs(job.job_id, 10, 0)] == ["debug", "fatal"]
    with pytest.raises(ProtocolError, match="level"):
        plane.log_stream.ingest(link, [RobotLog(robot_id=ROBOT, level="x", message="", timestamp=datetime.now(UTC))], 8)
