"""The bus: typed events, isolated receivers, and receivers that do not depend on their order."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Transition
from casare_rpa.domain.protocol import JobReport
from casare_rpa.domain.vocabulary import Channel, JobStatus, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    Event,
    EventBus,
    JobChange,
    JobsAdded,
    JobsChanged,
    JobsOffered,
    JobsProgressed,
    QueueChanged,
    RobotChanged,
    WorkAvailable,
)
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from hub.fake_peer import FakePeer, documents, seen
from orchestrator.slices import ADMIN, Instance, hello, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


class Raising:
    """A receiver that raises for every event, registered before all others."""

    def __init__(self, bus: EventBus) -> None:
        self.got: list[Event] = []
        bus.subscribe(self.receive)
        for receivers in bus._receivers.values():
            receivers.insert(0, receivers.pop())

    def receive(
        self,
        event: JobsAdded
        | JobsOffered
        | JobsChanged
        | JobsProgressed
        | CancelOrdered
        | QueueChanged
        | RobotChanged
        | WorkAvailable,
    ) -> None:
        self.got.append(event)
        raise RuntimeError("receiver")

    def transitions(self) -> set[Transition]:
        return {one.transition for event in self.got if isinstance(event, JobsChanged) for one in event.changes}


async def report(
    plane: Instance, link: RobotConnection, job: Job, status: str, message_id: str, progress: float | None = None
) -> None:
    body = JobReport(
        job_id=job.job_id,
        status=ReportStatus(status),
        timestamp=datetime.now(UTC),
        progress=progress,
        attempt=None,
    )
    assert plane.reports.report(link, body, message_id) is None


def test_receiver_gets_only_the_event_types_of_its_annotation() -> None:
    bus = EventBus()
    one: list[Event] = []
    two: list[Event] = []

    def robots(event: RobotChanged) -> None:
        one.append(event)

    def both(event: RobotChanged | QueueChanged) -> None:
        two.append(event)

    bus.subscribe(robots)
    bus.subscribe(both)
    for event in (RobotChanged("r"), QueueChanged(), WorkAvailable()):
        bus.publish(event)
    assert one == [RobotChanged("r")]
    assert two == [RobotChanged("r"), QueueChanged()]


async def test_receiver_that_raises_is_logged_with_its_event_and_without_parameters(
    plane: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    Raising(plane.bus)
    job = await plane.job(parameters='{"password": "canary"}')
    assert f"event JobsAdded {job.job_id}: Raising.receive failed" in caplog.text
    assert "canary" not in caplog.text


async def test_raising_receiver_does_not_prevent_the_acks_of_the_batch(plane: Instance) -> None:
    """After the commit of a batch, every robot gets its ack, and every slot and viewer gets the ends."""
    viewer = await plane.viewer((Channel.JOBS, None))
    working = []
    for robot_id in ("robot-1", "robot-2"):
        peer, link = await plane.robot(robot_id)
        job = await plane.job(target_robot_id=robot_id)
        await plane.dispatch()
        await plane.report(link, job, "running")
        working.append((peer, link, job))
    raising = Raising(plane.bus)
    for _, link, job in working:
        await report(plane, link, job, "completed", f"end-{job.job_id}")
    await plane.reports.write()
    for peer, link, job in working:
        assert [ack["id"] for ack in await seen(peer, "ack")] == [f"end-{job.job_id}"]
        live = plane.fleet.get(link.robot_id)
        assert live is not None
        assert (live.status, live.held) == (RobotStatus.IDLE, {})
    ends = [d["payload"]["job_id"] for d in await documents(viewer) if d["payload"].get("status") == "completed"]
    assert ends == [job.job_id for _, _, job in working]
    assert raising.transitions() == {Transition.ENDED}


async def test_raising_receiver_does_not_stop_publishers(plane: Instance) -> None:
    """All slices that publish continue: submit, dispatch, reports, cancel, receipts, reconciler, presence, rescuer."""
    raising = Raising(plane.bus)
    peer, link = await plane.robot()
    first = await plane.job()
    await plane.dispatch()
    assert len(await seen(peer, "job_assign")) == 1
    await plane.report(link, first, "running")
    await plane.report(link, first, "running", progress=10)
    await plane.commands.jobs.cancel(ADMIN, first.job_id, "enough")
    assert len(await seen(peer, "job_cancel")) == 1
    await plane.dispatcher.keep_receipts()
    assert (await plane.stored(first)).cancel_sent_at is not None
    await plane.presence.disconnect(link)
    assert (await plane.stored(first)).contact_lost_at is not None
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-2", await plane.stored(first)))
    await plane.presence.disconnect(link)
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-2"))
    assert (await plane.stored(first)).status is JobStatus.FAILED
    second = await plane.job(queue_ttl_seconds=60, target_robot_id=link.robot_id)
    await plane.presence.disconnect(link)
    plane.clock.advance(61)
    await plane.rescuer.rescue()
    plane.clock.advance(1)
    await plane.rescuer.rescue()
    assert (await plane.stored(second)).status is JobStatus.FAILED
    kinds = {type(event) for event in raising.got}
    assert kinds == {JobsAdded, JobsOffered, JobsChanged, JobsProgressed, CancelOrdered, RobotChanged, WorkAvailable}


async def test_failed_send_of_an_offer_does_not_delay_the_others_of_the_batch(plane: Instance) -> None:
    peers: dict[str, FakePeer] = {}
    for robot_id in ("robot-1", "robot-2", "robot-3"):
        peers[robot_id], _ = await plane.robot(robot_id)
        await plane.job(target_robot_id=robot_id)

    def refuse(message: object) -> None:
        raise RuntimeError("this session cannot send")

    peers["robot-1"].session.send = refuse  # type: ignore[method-assign,assignment]
    await plane.dispatch()
    assert [len(await seen(peers[robot_id], "job_assign")) for robot_id in ("robot-2", "robot-3")] == [1, 1]


async def test_offer_of_a_disconnected_robot_is_withdrawn_after_all_others_are_sent(plane: Instance) -> None:
    """The commit for a disconnected robot must not delay the offers to connected robots."""
    peers = [(await plane.robot(robot_id))[0] for robot_id in ("robot-1", "robot-2")]
    jobs = [await plane.job(target_robot_id=robot_id) for robot_id in ("robot-1", "robot-2")]
    live = plane.fleet.get("robot-1")
    assert live is not None

    def leave(event: JobsOffered) -> None:
        live.disconnect(plane.clock.now())

    plane.bus.subscribe(leave)
    await plane.dispatch()
    assert [len(await seen(peer, "job_assign")) for peer in peers] == [0, 1]
    assert (await plane.stored(jobs[0])).contact_lost_at is not None


async def test_event_of_a_change_has_the_previous_state_of_the_job(plane: Instance) -> None:
    changes: list[JobChange] = []

    def note(event: JobsChanged) -> None:
        changes.extend(event.changes)

    plane.bus.subscribe(note)
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "claimed")
    await plane.report(link, job, "running")
    assert [(c.transition, c.before.status, c.job.status) for c in changes] == [
        (Transition.CLAIMED, JobStatus.PENDING, JobStatus.CLAIMED),
        (Transition.STARTED, JobStatus.CLAIMED, JobStatus.RUNNING),
    ]


async def _day(plane: Instance) -> tuple[list[tuple[str, object]], RobotStatus, int]:
    """The messages to viewers about a job that runs, is cancelled and confirmed, and the final state of the fleet."""
    viewer = await plane.viewer((Channel.JOBS, None))
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    for status in ("claimed", "running"):
        await plane.report(link, job, status)
    await plane.report(link, job, "running", progress=50)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.dispatcher.keep_receipts()
    await plane.report(link, job, "failed")
    live = plane.fleet.get(link.robot_id)
    assert live is not None
    shown = [(d["payload"]["status"], d["payload"].get("cancel")) for d in await documents(viewer)]
    return shown, live.status, len(await seen(peer, "job_cancel"))


@pytest.mark.parametrize("seed", range(6))
async def test_order_of_receivers_makes_no_difference(seed: int, tmp_path: Path) -> None:
    ends = []
    for shuffled in (False, True):
        folder = tmp_path / str(shuffled)
        folder.mkdir()
        async with instance(folder) as plane:
            await plane.rescuer.rescue()
            if shuffled:
                for receivers in plane.bus._receivers.values():
                    random.Random(seed).shuffle(receivers)
            ends.append(await _day(plane))
    assert ends[0] == ends[1]
