"""The slices on a real store, a real bus and a clock that the test owns; robots and viewers are fake peers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from casare_rpa.domain.job import Job
from casare_rpa.domain.protocol import ActiveJob, Feature, Heartbeat, Hello, JobReport, ReportStatus, RobotStatus
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, WorkAvailable
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.jobs.commands import Commands
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher, NewSubmission
from casare_rpa.infrastructure.orchestrator.jobs.job_reports import JobReports
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import Rescuer
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler
from casare_rpa.infrastructure.orchestrator.robots.resync import Resync
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream
from casare_rpa.infrastructure.orchestrator.views.log_stream import LogStream
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.robot_stream import RobotStream
from fake_clock import FakeClock
from hub.fake_peer import FakePeer

ROBOT = "robot-1"


class Instance:
    """One instance without its loops: a test runs their rounds."""

    def __init__(self, store: SqliteStore, bus: EventBus | None = None) -> None:
        self.store = store
        self.clock = FakeClock()
        self.bus, self.hub, self.fleet = bus or EventBus(), Hub(), Fleet()
        shared = (self.bus, self.hub, self.fleet, self.clock)
        self.reconciler = Reconciler(store, self.bus, self.fleet, self.clock)
        self.presence = Presence(store, self.bus, self.hub, self.fleet, self.reconciler, self.clock)
        self.dispatcher = Dispatcher(store, *shared)
        self.waiting = PendingReasons(store, self.fleet, self.clock)
        self.job_stream = JobStream(store, self.bus, self.hub, self.waiting, self.clock)
        self.monitor = RobotStream(store, *shared)
        self.commands = Commands(store, self.bus, self.fleet, self.dispatcher, self.clock)
        self.reports = JobReports(store, self.bus, self.fleet, self.hub.load, self.clock)
        self.resync = Resync(store, self.bus, self.fleet, self.clock)
        self.rescuer = Rescuer(store, self.bus, self.fleet, self.clock)
        self.log_stream = LogStream(store, self.hub, self.clock)

    async def robot(self, robot_id: str = ROBOT) -> tuple[FakePeer, RobotConnection]:
        """A robot that has just connected, known from before or new."""
        known = await self.store.robot(robot_id)
        if known is None:
            known = Robot(
                robot_id=robot_id,
                tenant_id="default",
                name="",
                tags=(),
                max_concurrent_jobs=None,
                created_at=self.clock.now(),
            )
            await self.store.add_robot(known)
        peer = FakePeer(self.clock, robot_id=robot_id)
        peer.session.session_id = f"ses-{id(peer)}"
        self.hub.attach(peer.session)
        link = await self.presence.connect(peer.session, known)
        await peer.session.accept()
        link.offers_after = 0.0
        return peer, link

    async def viewer(self, *audiences: tuple[str, str | None]) -> FakePeer:
        peer = FakePeer(self.clock)
        self.hub.attach(peer.session)
        for audience in audiences:
            self.hub.subscribe(peer.session, audience)
        await peer.session.accept()
        return peer

    async def job(self, **wishes: object) -> Job:
        fields: dict[str, object] = {"workflow_id": "w", "tenant_id": "default", "by": "test", **wishes}
        added = await self.dispatcher.submit(NewSubmission(**fields))  # type: ignore[arg-type]
        return added.job

    async def dispatch(self) -> None:
        self.bus.publish(WorkAvailable())
        await self.dispatcher.dispatch()

    async def report(self, link: RobotConnection, job: Job, status: str, progress: float | None = None) -> None:
        report = JobReport(
            job_id=job.job_id, status=ReportStatus(status), timestamp=datetime.now(UTC), progress=progress, attempt=None
        )
        assert self.reports.report(link, report, None) is None
        await self.reports.write()

    async def beat(self, link: RobotConnection, status: str = "idle", active: list[ActiveJob] | None = None) -> None:
        beat = Heartbeat(
            robot_id=link.robot_id,
            status=RobotStatus(status),
            cpu_percent=1,
            memory_mb=2,
            timestamp=datetime.fromtimestamp(self.clock.now() / 1e6, UTC),
            **({} if active is None else {"active_jobs": active}),  # type: ignore[arg-type]
        )
        unfinished = self.presence.record_heartbeat(link, beat)
        if unfinished is not None:
            await unfinished

    async def talks_on(self, link: RobotConnection, seconds: int) -> None:
        """The robot is heard every five seconds, while overdue things are looked for."""
        for _ in range(0, seconds, 5):
            self.clock.advance(5)
            link.frame_unwritten = True
            await self.presence.write_heartbeats()
            await self.rescuer.rescue()

    async def stored(self, job: Job) -> Job:
        found = await self.store.job(job.job_id)
        assert found is not None
        return found


def hello(instance_id: str, *active: Job) -> Hello:
    listed = [ActiveJob(job_id=job.job_id, attempt=job.attempt) for job in active]
    return Hello(instance_id=instance_id, active_jobs=listed, features=[Feature.CLAIM_ACK])


@asynccontextmanager
async def instance(
    folder: Path, bus: EventBus | None = None, commands: BatchCommands | None = None
) -> AsyncIterator[Instance]:
    store = await SqliteStore.open(folder / "casare.db", commands=commands)
    try:
        yield Instance(store, bus)
    finally:
        await store.close()
