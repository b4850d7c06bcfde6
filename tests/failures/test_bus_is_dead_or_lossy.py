"""Row 7: the bus is dead, or loses hints. Changes of other instances are seen up to a second later; nothing is lost.

tests/orchestrator/test_two_instances.py loses, repeats and delays hints at random; so does the simulation.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.conftest import Api
from api.test_health import figures
from audit_entries import AN_ENTRY
from bus.servers import NATS_SERVERS, nats_server
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.logs import LogFilter
from casare_rpa.domain.protocol import JobReport, RobotLog
from casare_rpa.domain.vocabulary import Channel, ReportStatus
from casare_rpa.infrastructure.orchestrator.bus.alone import Alone, Polling
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.maintenance.readiness import NO_HINTS
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.resync import (
    RESYNC_SECONDS,
    SHARED_RESYNC_SECONDS,
    shared_pause_seconds,
)
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.views.log_stream import audience_of
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, documents
from new_database import new_database
from orchestrator.slices import ADMIN, Instance, InterceptedStore
from postgres_server import DEBIAN
from storage.postgres_database import empty_database

pytestmark = pytest.mark.slow

STEP_SECONDS = 0.0625
"""A power of two, so that a second is a whole number of steps."""
DEADLINE_SECONDS = 30.0


@dataclass(slots=True)
class Polled:
    """`here` runs all of its loops without a bus; `there` commits to the same store."""

    here: ControlPlane
    there: Instance
    clock: FakeClock

    async def settle(self) -> None:
        """Let `here` finish its reads and writes."""
        for _ in range(4):
            for _ in range(20):
                await asyncio.sleep(0)
            await self.here.store.stream()
            await self.here.store.check()

    async def within_a_second(self, shown: Callable[[], Any]) -> None:
        """Let a second pass, then wait for the effect without letting more time pass."""
        for _ in range(round(1 / STEP_SECONDS)):
            self.clock.advance(STEP_SECONDS)
            await self.settle()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await shown() if asyncio.iscoroutinefunction(shown) else not shown():
                await asyncio.sleep(0.001)

    async def viewer(self, *audiences: Any) -> FakePeer:
        peer = FakePeer(self.clock)
        self.here.hub.attach(peer.session)
        for audience in audiences:
            self.here.hub.subscribe(peer.session, audience)
        await peer.session.accept()
        return peer

    async def dashboard(self) -> FakePeer:
        peer = FakePeer(self.clock)
        self.here.hub.attach(peer.session)
        await self.here.job_stream.join_with_snapshot(peer.session, "jobs", None)
        await peer.session.accept()
        return peer


@pytest.fixture
async def polled(tmp_path: Path) -> AsyncIterator[Polled]:
    store = await InterceptedStore.open(new_database(tmp_path))
    clock = FakeClock()
    try:
        there = Instance(store, clock=clock, name="there")
        await there.instances.hear()
        async with ControlPlane.started(Settings(data_dir=tmp_path), store, clock, bus=Polling()) as here:
            one = Polled(here, there, clock)
            for _ in range(round(5 / STEP_SECONDS)):  # every loop has had its first round
                clock.advance(STEP_SECONDS)
                await one.settle()
            yield one
    finally:
        await store.close()


async def last_update(viewer: FakePeer) -> dict[str, Any]:
    found = [document for document in await documents(viewer) if document["type"] == "job_update"]
    payload: dict[str, Any] = found[-1]["payload"] if found else {}
    return payload


async def running(polled: Polled) -> tuple[Any, Any]:
    _, link = await polled.there.robot("robot-1")
    job = await polled.there.job(target_robot_id="robot-1")
    await polled.there.dispatch()
    await polled.there.report(link, job, "running")
    return link, job


async def test_status_of_a_job(polled: Polled) -> None:
    viewer = await polled.dashboard()
    link, job = await running(polled)
    await polled.there.report(link, job, "completed")

    async def shown() -> bool:
        return (await last_update(viewer)).get("status") == "completed"

    await polled.within_a_second(shown)


async def test_progress_and_cancel_of_a_job(polled: Polled) -> None:
    link, job = await running(polled)
    viewer = await polled.dashboard()
    await polled.within_a_second(lambda: True)
    await polled.within_a_second(lambda: True)
    await polled.there.report(link, job, "running", progress=40.0)

    async def progressed() -> bool:
        return (await last_update(viewer)).get("progress") == 40

    await polled.within_a_second(progressed)
    await polled.there.commands.jobs.cancel(ADMIN, job.job_id, "stop")

    async def cancelling() -> bool:
        return "cancel" in await last_update(viewer)

    await polled.within_a_second(cancelling)


async def test_log_line(polled: Polled) -> None:
    viewer = await polled.viewer(audience_of(LogFilter()))
    link, _ = await running(polled)
    line = RobotLog(robot_id="robot-1", level="info", message="hello", timestamp=datetime.now(UTC))
    polled.there.log_stream.ingest(link, [line], None)
    await polled.there.log_stream.write()

    async def shown() -> bool:
        return any("hello" in str(document) for document in await documents(viewer))

    await polled.within_a_second(shown)


async def test_robot_and_its_job(polled: Polled) -> None:
    link, job = await running(polled)
    fleet = polled.here.fleet

    def busy() -> bool:
        live = fleet.get("robot-1")
        return live is not None and live.elsewhere and set(live.held) == {job.job_id}

    await polled.within_a_second(busy)
    await polled.there.store.change_robot("robot-1", "a new name", None, None, audit=AN_ENTRY)
    await polled.there.report(link, job, "completed")
    polled.there.hub.detach(link.session)
    await polled.there.presence.disconnect(link)

    def gone() -> bool:
        live = fleet.get("robot-1")
        return live is not None and not live.elsewhere and not live.held and live.robot.name == "a new name"

    await polled.within_a_second(gone)


async def test_figures_of_the_queue(polled: Polled) -> None:
    viewer = await polled.viewer((Channel.QUEUE, None))
    await polled.there.job()

    async def shown() -> bool:
        found = [document for document in await documents(viewer) if document["type"] == "queue_metrics"]
        return bool(found) and found[-1]["payload"]["pending"] == 1

    await polled.within_a_second(shown)
    await polled.there.job()

    async def again() -> bool:
        found = [document for document in await documents(viewer) if document["type"] == "queue_metrics"]
        return bool(found) and found[-1]["payload"]["pending"] == 2

    await polled.within_a_second(again)


async def test_cancel_reaches_a_robot_of_this_instance(polled: Polled) -> None:
    peer, link = await robot_here(polled)
    job = await polled.there.job(target_robot_id="robot-2")

    async def offered() -> bool:
        return any(document["type"] == "job_assign" for document in await documents(peer))

    await polled.within_a_second(offered)
    report = JobReport(
        job_id=job.job_id, status=ReportStatus.RUNNING, timestamp=datetime.now(UTC), progress=None, attempt=None
    )
    assert polled.here.reports.report(link, report, None) is None
    await polled.settle()
    await polled.there.commands.jobs.cancel(ADMIN, job.job_id, "stop")

    async def cancelled() -> bool:
        return any(document["type"] == "job_cancel" for document in await documents(peer))

    await polled.within_a_second(cancelled)


async def robot_here(polled: Polled) -> tuple[FakePeer, RobotConnection]:
    """A robot that is connected to `here`."""
    _, link = await polled.there.robot("robot-2")
    await polled.there.presence.disconnect(link)
    known = await polled.there.store.robot("robot-2")
    assert known is not None
    peer = FakePeer(polled.clock, robot_id="robot-2")
    peer.session.session_id = "ses-here"
    polled.here.hub.attach(peer.session)
    link = await polled.here.presence.connect(peer.session, known)
    await peer.session.accept()
    live = polled.here.fleet.get("robot-2")
    assert live is not None
    live.accept_offers(after=0.0)
    return peer, link


# How often


@pytest.mark.parametrize(
    ("took", "hints", "pause"),
    [
        (0.0, True, SHARED_RESYNC_SECONDS),
        (0.01, True, SHARED_RESYNC_SECONDS - 0.01),
        (0.04, True, 2.0),
        (0.04, False, SHARED_RESYNC_SECONDS - 0.04),
        (0.2, False, 2.0),
        (1.0, True, RESYNC_SECONDS),
        (60.0, False, RESYNC_SECONDS),
    ],
)
def test_comparisons_use_a_small_share_of_the_time(took: float, hints: bool, pause: float) -> None:
    assert shared_pause_seconds(took, hints=hints) == pytest.approx(pause)


@pytest.mark.parametrize(("bus", "pause"), [(Alone(), RESYNC_SECONDS), (Polling(), SHARED_RESYNC_SECONDS)])
async def test_copies_are_compared_each_second_if_others_write(
    tmp_path: Path, bus: Alone | Polling, pause: float
) -> None:
    store = await InterceptedStore.open(new_database(tmp_path))
    clock = FakeClock()
    try:
        async with ControlPlane.started(Settings(data_dir=tmp_path), store, clock, bus=bus) as plane:
            for _ in range(round(6 / STEP_SECONDS)):
                clock.advance(STEP_SECONDS)
                await Polled(plane, Instance(store, clock=clock), clock).settle()
            rounds = {name: plane.loops.statistics[name].rounds for name in plane.copies}
            least, most = (6 - pause) / (pause * 1.1), 6 / (pause * 0.9) + 1
            assert all(least - 1 <= count <= most for count in rounds.values()), rounds
            assert plane.ringer is None
    finally:
        await store.close()


# A bus that dies, with PostgreSQL and NATS

LATE_SECONDS = 1.0
MACHINE_SECONDS = 1.0
"""The time that a busy machine needs besides."""


@pytest.mark.parametrize("program", [NATS_SERVERS["nats of the system"]])
async def test_dead_bus_delays_changes_by_a_second_and_is_shown(tmp_path: Path, program: str) -> None:
    url = empty_database(DEBIAN)
    with nats_server(program) as nats:
        settings = [
            Settings(
                data_dir=tmp_path,
                api_secret="admin-secret-of-the-tests-0123456789",
                database_url=url,
                bus_url=f"nats://127.0.0.1:{nats.port}",
                instance_name=name,
                jwt_secret="jwt-secret-of-the-tests-Zm9vYmFyZm9v",
                admin_password="password-of-the-tests",
            )
            for name in ("here", "there")
        ]
        async with ControlPlane.open(settings[0]) as here, ControlPlane.open(settings[1]) as there:
            app = create_app(settings[0])
            app.state.control_plane, app.state.connection_gate = here, None
            api = Api(app)
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not (here.bus.alive and there.bus.alive):
                    await asyncio.sleep(0.01)
            assert (await api.client().get("/health/ready")).json() == {"status": "ok"}
            assert (await figures(api))["casare_bus_alive",] == 1
            viewer = FakePeer(FakeClock())
            here.hub.attach(viewer.session)
            await here.job_stream.join_with_snapshot(viewer.session, "jobs", None)
            await viewer.session.accept()
            nats.kill()
            async with asyncio.timeout(DEADLINE_SECONDS):
                while here.bus.alive or there.bus.alive:
                    await asyncio.sleep(0.01)
            answer = (await api.client().get("/health/ready")).json()
            assert answer == {"status": "degraded", "reason": NO_HINTS, "part": "bus"}
            found = await figures(api)
            assert (found["casare_bus_alive",], found["casare_degraded",]) == (0, 1)
            for number in range(1, 4):
                await there.commands.jobs.submit(ADMIN, NewSubmission(workflow_id="w", tenant_id="default"))
                async with asyncio.timeout(LATE_SECONDS + MACHINE_SECONDS):
                    while len([one for one in await documents(viewer) if one["type"] == "job_update"]) < number:
                        await asyncio.sleep(0.01)
