"""Lost, repeated and late events: memory is corrected within seconds, because it is compared with the store."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.stored_state import FleetState
from casare_rpa.domain.vocabulary import Channel, JobStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    Event,
    JobsAdded,
    JobsChanged,
    JobsOffered,
    JobsProgressed,
    RobotChanged,
)
from casare_rpa.infrastructure.orchestrator.robots.resync import RESYNC_SECONDS, Resync
from casare_rpa.infrastructure.orchestrator.views.job_stream import REMEMBERED_SECONDS
from hub.fake_peer import FakePeer, documents, seen
from orchestrator.slices import ADMIN, ROBOT, Instance, LossyBus, instance

JITTER = 1.05
"""The largest random extension of the interval of a loop."""


class CountingStore:
    """A store that counts its calls, and runs code of a test while the fleet is read."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: list[str] = []
        self.while_read: Callable[[], Any] | None = None

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._store, name)

    async def fleet_state(self, robot_ids: Sequence[str] | None = None) -> FleetState:
        self.calls.append("fleet_state")
        state: FleetState = await self._store.fleet_state(robot_ids)
        if self.while_read is not None:
            await self.while_read()
        return state


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path, LossyBus()) as opened:
        await opened.rescuer.rescue()
        await opened.job_stream.compare()
        yield opened


def bus_of(plane: Instance) -> LossyBus:
    assert isinstance(plane.bus, LossyBus)
    return plane.bus


async def working(plane: Instance, **wishes: Any) -> tuple[FakePeer, Any, Any]:
    peer, link = await plane.robot()
    job = await plane.job(**wishes)
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, job


async def next_rounds(plane: Instance) -> None:
    """The rounds that come within a second."""
    for _ in range(2):
        plane.clock.advance(0.5)
        await plane.job_stream.show_held_progress()


async def statuses(viewer: FakePeer) -> list[str]:
    return [d["payload"]["status"] for d in await documents(viewer) if d["type"] == "job_update"]


def test_rounds_come_within_five_seconds() -> None:
    assert RESYNC_SECONDS * JITTER < 5
    assert 2 * RESYNC_SECONDS * JITTER < REMEMBERED_SECONDS, "a change is kept until its entry was compared"


# Slots


async def test_lost_end_frees_its_slot_in_the_next_round(plane: Instance) -> None:
    peer, link, job = await working(plane)
    bus_of(plane).lose(JobsChanged, RobotChanged)
    await plane.report(link, job, "completed")
    bus_of(plane).lose()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert live.status is RobotStatus.BUSY, "the event of the end was lost"
    dashboard = await plane.viewer((Channel.ROBOTS, None))
    await plane.resync.compare()
    assert (live.status, live.held) == (RobotStatus.IDLE, {})
    assert [d["payload"]["status"] for d in await documents(dashboard)] == ["idle"]
    await plane.job(target_robot_id=ROBOT)
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 2


async def test_lost_offer_takes_its_slot_in_the_next_round(plane: Instance) -> None:
    await plane.robot()
    job = await plane.job()
    bus_of(plane).lose(JobsOffered)
    await plane.dispatch()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert live.free_slots == 1
    await plane.resync.compare()
    assert live.held == {job.job_id: JobStatus.PENDING}


async def test_lost_claim_shows_the_job_in_the_next_round(plane: Instance) -> None:
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    bus_of(plane).lose(JobsChanged)
    await plane.report(link, job, "running")
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert live.current_job is None
    await plane.resync.compare()
    assert live.current_job == job.job_id


async def test_lost_unconfirmed_end_leaves_the_robot_busy_until_an_idle_heartbeat(plane: Instance) -> None:
    """The robot may still run the job, however the server learns of the end."""
    _, link, job = await working(plane)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus_of(plane).lose(JobsChanged)
    for _ in range(2):
        await plane.talks_on(link, 35)
    assert (await plane.stored(job)).unconfirmed
    bus_of(plane).lose()
    await plane.resync.compare()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert (live.held, live.status) == ({}, RobotStatus.BUSY)
    await plane.beat(link)
    assert live.status is RobotStatus.IDLE


async def test_change_during_the_read_is_not_undone(plane: Instance) -> None:
    """The snapshot still has a job that ended while it was read."""
    _, link, job = await working(plane)
    store = CountingStore(plane.store)

    async def end() -> None:
        await plane.report(link, job, "completed")

    store.while_read = end
    await Resync(store, plane.bus, plane.fleet, plane.clock).compare()  # type: ignore[arg-type]
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert live.held == {}


async def test_round_needs_one_read_for_any_number_of_robots(plane: Instance, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        await plane.robot(f"robot-{number}")
        await plane.job()
    await plane.dispatch()
    published: list[Event] = []
    plane.bus.subscribe(_noted(published))
    store = CountingStore(plane.store)
    await Resync(store, plane.bus, plane.fleet, plane.clock).compare()  # type: ignore[arg-type]
    assert store.calls == ["fleet_state", "check"]
    assert published == [], "there was no difference"
    assert "lost" not in caplog.text


def _noted(published: list[Event]) -> Callable[[RobotChanged], None]:
    def note(event: RobotChanged) -> None:
        published.append(event)

    return note


# Robots


async def test_changed_profile_is_read_again(plane: Instance) -> None:
    """For example, another instance drained the robot, or the answer of a command was lost."""
    await plane.robot()
    await plane.store.order_robots([a_drain(ROBOT, plane.clock.now())], None)
    await plane.store.change_robot(ROBOT, "another", ("sap",), 3, audit=AN_ENTRY)
    published: list[Event] = []
    plane.bus.subscribe(_noted(published))
    await plane.resync.compare()
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert (live.robot.name, live.tags, live.capacity) == ("another", ("sap",), 3)
    assert live.robot.draining_at == plane.clock.now()
    assert published == [RobotChanged(ROBOT)]


async def test_lost_cancel_is_sent_once_in_the_next_round(plane: Instance) -> None:
    peer, link, job = await working(plane)
    bus_of(plane).lose(CancelOrdered)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus_of(plane).lose()
    await plane.mailbox.carry_out()
    await plane.mailbox.send_unsent()
    await plane.mailbox.carry_out()
    await plane.mailbox.send_unsent()
    await plane.dispatcher.keep_receipts()
    await plane.mailbox.carry_out()
    await plane.mailbox.send_unsent()
    assert [cancel["job_id"] for cancel in await seen(peer, "job_cancel")] == [job.job_id]
    assert link.session.session_id == (await plane.stored(job)).session_id


async def test_dashboard_sees_a_robot_whose_event_was_lost(plane: Instance) -> None:
    await plane.robot()
    dashboard = await plane.viewer((Channel.ROBOTS, None))
    plane.robot_stream.send_robots(dashboard.session, None)
    await plane.job()
    bus_of(plane).lose(RobotChanged)
    await plane.dispatch()
    for _ in range(21):
        plane.clock.advance(0.25)
        await plane.robot_stream.spread_robots()
    assert [d["payload"]["status"] for d in await documents(dashboard)] == ["idle", "busy"]


# Viewers


@pytest.mark.parametrize("lost", [JobsAdded, JobsChanged])
async def test_viewers_see_a_lost_change_in_the_next_round(plane: Instance, lost: type[Event]) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    bus_of(plane).lose(lost)
    job = await plane.job()
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.job_stream.compare()
    assert (await statuses(viewer))[-1] == "failed"
    shown = len(await statuses(viewer))
    await plane.job_stream.compare()
    assert len(await statuses(viewer)) == shown, "once"


async def test_lost_change_is_not_hidden_by_the_next_one(plane: Instance) -> None:
    """A cancel has no number. Viewers must also get the earlier change to `running`."""
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "claimed")
    bus_of(plane).lose(JobsChanged)
    await plane.report(link, job, "running")
    bus_of(plane).lose()
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    assert await statuses(viewer) == ["pending", "claimed"], "the cancel came after the change to `running`"
    await next_rounds(plane)
    assert await statuses(viewer) == ["pending", "claimed", "running", "running"]
    shown = await seen(viewer, "job_update")
    assert [(one.get("cancel"), one["status"]) for one in shown[-2:]] == [(None, "running"), ("requested", "running")]


async def test_lost_cancel_is_shown_in_the_next_round_of_comparison(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, _, job = await working(plane)
    bus_of(plane).lose(JobsChanged)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus_of(plane).lose()
    for _ in range(2):
        await plane.job_stream.compare()
    assert [one.get("cancel") for one in await seen(viewer, "job_update")] == [None, None, "requested"]


async def test_progress_does_not_overtake_a_lost_change(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    bus_of(plane).lose(JobsChanged)
    await plane.report(link, job, "running")
    bus_of(plane).lose()
    await plane.report(link, job, "running", progress=40)
    assert await statuses(viewer) == ["pending"]
    await next_rounds(plane)
    assert [one["progress"] for one in await seen(viewer, "job_update")] == [0, 0, 40]


async def test_changes_that_arrive_in_another_order_are_shown_in_the_order_of_their_numbers(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    bus = bus_of(plane)
    bus.lose(JobsAdded, JobsChanged)
    job = await plane.job()
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus.lose()
    for event in reversed(bus.lost):
        bus.publish(event)
    assert await statuses(viewer) == ["pending", "failed"]


async def test_changes_whose_jobs_were_deleted_are_skipped(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    bus_of(plane).lose(JobsAdded, JobsChanged)
    for _ in range(2):
        job = await plane.job()
        await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
        await plane.store.delete_oldest(RetainedKind.JOBS, Instant(plane.clock.now() + 1), 10)
    kept = await plane.job()
    await plane.job_stream.compare()
    assert [one["job_id"] for one in await seen(viewer, "job_update")] == [kept.job_id]
    await plane.commands.jobs.cancel(ADMIN, kept.job_id, "enough")
    await plane.store.delete_oldest(RetainedKind.JOBS, Instant(plane.clock.now() + 1), 10)
    bus_of(plane).lose()
    await plane.job_stream.compare()
    await plane.job()
    assert len(await statuses(viewer)) == 2


async def test_lost_end_of_an_old_job_is_not_hidden_by_a_late_report(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    for _ in range(2):
        plane.clock.advance(REMEMBERED_SECONDS)
        await plane.job_stream.compare()
    bus_of(plane).lose(JobsChanged)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus_of(plane).lose()
    await plane.report(link, job, "running")
    await plane.job_stream.compare()
    await plane.report(link, job, "completed")
    await plane.job_stream.compare()
    assert await statuses(viewer) == ["pending", "failed"]


async def test_end_before_a_restart_is_not_shown_again_with_a_late_report(plane: Instance) -> None:
    await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    again = Instance(plane.store)
    await again.job_stream.load()
    viewer = await again.viewer((Channel.JOBS, None))
    _, link = await again.robot()
    again.clock.advance(1)
    await again.report(link, job, "running")
    assert [entry.kind for entry in await plane.store.job_history(job.job_id, 10)][-1] == "late_report"
    assert await statuses(viewer) == []


async def test_lost_submission_is_shown_before_the_claim(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link = await plane.robot()
    bus_of(plane).lose(JobsAdded)
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "claimed")
    assert await statuses(viewer) == []
    await next_rounds(plane)
    assert await statuses(viewer) == ["pending", "claimed"]


async def test_old_job_is_not_shown_again_with_its_offer(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    await plane.job()
    for _ in range(4):
        plane.clock.advance(REMEMBERED_SECONDS)
        await plane.job_stream.compare()
    await plane.robot()
    await plane.dispatch()
    await plane.job_stream.compare()
    assert await statuses(viewer) == ["pending"]


async def test_published_changes_are_not_shown_again(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link, job = await working(plane)
    await plane.job_stream.compare()
    await plane.report(link, job, "running", progress=40)
    await plane.report(link, job, "completed")
    for _ in range(4):
        plane.clock.advance(RESYNC_SECONDS)
        await plane.job_stream.compare()
    assert await statuses(viewer) == ["pending", "running", "running", "completed"]


async def test_repeated_and_late_changes_are_shown_once_and_never_show_an_older_state(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    kept: list[Event] = []

    def keep(event: JobsAdded | JobsOffered | JobsChanged) -> None:
        kept.append(event)

    plane.bus.subscribe(keep)
    _, link, job = await working(plane)
    await plane.report(link, job, "completed")
    before = await statuses(viewer)
    for event in list(kept):
        plane.bus.publish(event)
    assert await statuses(viewer) == before == ["pending", "running", "completed"]


async def test_late_change_does_not_show_an_older_state_than_a_snapshot(plane: Instance) -> None:
    """The store was ahead of the events when the viewer joined. The other viewer still sees the newest state."""
    other = await plane.viewer((Channel.JOBS, None))
    late = bus_of(plane)
    late.lose(JobsAdded, JobsChanged)
    await working(plane)
    late.lose()
    viewer = await plane.viewer()
    await plane.job_stream.join(viewer.session, Channel.JOBS, None, None)
    for event in late.lost:
        plane.bus.publish(event)
    assert (await statuses(viewer))[0] == "running"
    assert set(await statuses(viewer)) == {"running"}
    assert (await statuses(other))[-1] == "running"


async def test_late_change_in_the_fleet_is_corrected(plane: Instance) -> None:
    """It restores an ended job in memory until the next round."""
    kept: list[Event] = []

    def keep(event: JobsChanged) -> None:
        kept.append(event)

    plane.bus.subscribe(keep)
    _, link, job = await working(plane)
    await plane.report(link, job, "completed")
    plane.bus.publish(kept[0])
    live = plane.fleet.get(ROBOT)
    assert live is not None
    assert live.status is RobotStatus.BUSY
    await plane.resync.compare()
    assert live.status is RobotStatus.IDLE


async def test_restarted_server_loads_the_held_jobs_of_robots(plane: Instance) -> None:
    """Otherwise the first round of every process would correct each robot."""
    _, _, job = await working(plane)
    again = Instance(plane.store)
    await again.presence.load()
    live = again.fleet.get(ROBOT)
    assert live is not None
    assert live.held == {job.job_id: JobStatus.RUNNING}


async def test_reasons_of_a_job_do_not_arrive_before_its_late_events(plane: Instance) -> None:
    """Otherwise viewers would get `pending`, then the late `running`, then `pending` again."""
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link, job = await working(plane, max_attempts=2)
    late = bus_of(plane)
    late.lose(JobsChanged)
    await plane.report(link, job, "failed")
    late.lose()
    assert (await plane.stored(job)).status is JobStatus.PENDING
    await plane.job_stream.show_reasons()
    for event in late.lost:
        plane.bus.publish(event)
    assert await statuses(viewer) == ["pending", "running", "pending", "pending"]
    assert "pending_reasons" in (await seen(viewer, "job_update"))[-1]


async def test_late_progress_does_not_show_an_older_state_than_the_reasons(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link, job = await working(plane, max_attempts=2)
    for _ in range(3):
        plane.clock.advance(11)
        await plane.job_stream.compare()
    late = bus_of(plane)
    late.lose(JobsProgressed, JobsChanged)
    await plane.report(link, job, "running", 50)
    await plane.report(link, job, "failed")
    late.lose()
    await plane.job_stream.show_reasons()
    assert (await statuses(viewer))[-1] == "pending"
    shown = len(await statuses(viewer))
    for event in late.lost:
        plane.bus.publish(event)
    assert len(await statuses(viewer)) == shown


async def test_lost_end_of_a_job_that_was_quiet_is_not_hidden_by_a_late_report(plane: Instance) -> None:
    viewer = await plane.viewer((Channel.JOBS, None))
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    for _ in range(3):
        plane.clock.advance(11)
        await plane.job_stream.compare()
    bus_of(plane).lose(JobsChanged)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    bus_of(plane).lose()
    await plane.report(link, job, "running")
    await next_rounds(plane)
    assert await statuses(viewer) == ["pending", "failed"]
    await plane.job_stream.compare()
    assert await statuses(viewer) == ["pending", "failed"]
