"""The slices with a real store, a real bus and a clock that the test controls; robots and viewers are fake peers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from audit_entries import AN_ENTRY
from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd, ShownChanges, StreamState
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.logs import LinesAfter
from casare_rpa.domain.protocol import ActiveJob, Heartbeat, Hello, JobReport
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import LostSession, RunningInstance, SessionKey
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.vocabulary import Feature, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import Event, EventBus, WorkAvailable
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.jobs.commands import Commands
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher
from casare_rpa.infrastructure.orchestrator.jobs.job_reports import JobReports
from casare_rpa.infrastructure.orchestrator.jobs.mailbox import Mailbox
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import Rescuer
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler
from casare_rpa.infrastructure.orchestrator.robots.remote_robots import RemoteRobots
from casare_rpa.infrastructure.orchestrator.robots.resync import Resync
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream
from casare_rpa.infrastructure.orchestrator.views.log_stream import LogStream
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.robot_stream import RobotStream
from fake_clock import FakeClock
from hub.fake_peer import FakePeer
from new_database import new_database

ROBOT = "robot-1"
ADMIN = Principal(Role.ADMIN, "ana")


class LossyBus(EventBus):
    """Withholds the events that a test selects, and stores them."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: Callable[[Event], bool] = lambda _: False
        self.lost: list[Event] = []

    def publish(self, event: Event) -> None:
        if self.loses(event):
            self.lost.append(event)
        else:
            super().publish(event)

    def lose(self, *kinds: type[Event]) -> None:
        """Lose events of these kinds from now on. Without arguments, lose none."""
        self.loses = lambda event: isinstance(event, kinds)


class InterceptedStore(SqliteStore):
    """A store with calls that a test can observe, delay or fail.

    An interceptor gets the real call and its arguments, and returns the answer.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.interceptors: dict[str, Callable[..., Awaitable[Any]]] = {}

    async def _through(self, name: str, call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        interceptor = self.interceptors.get(name)
        return await (call(*arguments) if interceptor is None else interceptor(partial(call, *arguments), *arguments))

    async def apply(
        self, changes: Sequence[Change], *, audit: NewAudit | None = None, session: SessionKey | None = None
    ) -> list[Applied]:
        call = partial(super().apply, audit=audit, session=session)
        applied: list[Applied] = await self._through("apply", call, changes)
        return applied

    async def add_jobs(self, jobs: Sequence[JobToAdd], *, audit: NewAudit | None = None) -> list[Added | None]:
        added: list[Added | None] = await self._through("add_jobs", partial(super().add_jobs, audit=audit), jobs)
        return added

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        claimed: list[Job] = await self._through("claim", super().claim, slots, at)
        return claimed

    async def beat(self, beats: Sequence[Beat]) -> list[LostSession]:
        lost: list[LostSession] = await self._through("beat", super().beat, beats)
        return lost

    async def hear(self, instance: str, at: Instant, facts: InstanceFacts | None = None) -> list[RunningInstance]:
        running: list[RunningInstance] = await self._through("hear", super().hear, instance, at, facts)
        return running

    async def hold_name(self, name: str) -> bool:
        held: bool = await self._through("hold_name", super().hold_name, name)
        return held

    async def extend_leases(self, until: Instant, instance: str | None = None) -> int:
        extended: int = await self._through("extend_leases", super().extend_leases, until, instance)
        return extended

    async def due(self, at: Instant, limit: int, instance: str = "") -> list[tuple[str, str]]:
        due: list[tuple[str, str]] = await self._through("due", super().due, at, limit, instance)
        return due

    async def held_jobs(self, robot_id: str) -> list[Job]:
        held: list[Job] = await self._through("held_jobs", super().held_jobs, robot_id)
        return held

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        jobs: list[Job] = await self._through("open_jobs", super().open_jobs, tenant_id, limit, after_id)
        return jobs

    async def changes_after(
        self, tenant_id: str | None, after: int, limit: int, known: Sequence[int] = ()
    ) -> ShownChanges:
        changes: ShownChanges = await self._through(
            "changes_after", super().changes_after, tenant_id, after, limit, known
        )
        return changes

    async def delete_oldest(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        deleted: int = await self._through("delete_oldest", super().delete_oldest, kept, before, limit)
        return deleted

    async def lines_after(self, after_id: int, limit: int) -> LinesAfter:
        lines: LinesAfter = await self._through("lines_after", super().lines_after, after_id, limit)
        return lines

    async def stream(self) -> StreamState:
        state: StreamState = await self._through("stream", super().stream)
        return state

    async def last_audit_id(self) -> int:
        audit_id: int = await self._through("last_audit_id", super().last_audit_id)
        return audit_id

    async def check(self) -> None:
        await self._through("check", super().check)


class Instance:
    """An instance without its loops; a test runs their rounds. The mappings are keyword arguments of the slices."""

    def __init__(
        self,
        store: InterceptedStore,
        bus: EventBus | None = None,
        *,
        name: str = "here",
        clock: FakeClock | None = None,
        fleet: Fleet | None = None,
        dispatcher: Mapping[str, Any] | None = None,
        reports: Mapping[str, Any] | None = None,
        job_stream: Mapping[str, Any] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock or FakeClock()
        self.bus, self.hub, self.fleet = bus or EventBus(), Hub(), fleet or Fleet()
        shared = (self.bus, self.hub, self.fleet, self.clock)
        self.reconciler = Reconciler(store, self.bus, self.fleet, self.clock)
        self.presence = Presence(store, self.bus, self.hub, self.fleet, self.reconciler, self.clock, name)
        self.dispatcher = Dispatcher(store, *shared, **(dispatcher or {}))
        self.pending_reasons = PendingReasons(store, self.fleet, self.clock)
        self.job_stream = JobStream(store, self.bus, self.hub, self.pending_reasons, self.clock, **(job_stream or {}))
        self.robot_stream = RobotStream(store, *shared)
        self.commands = Commands(store, self.bus, self.hub, self.fleet, self.clock, b"seed of the tests")
        self.reports = JobReports(store, self.bus, self.fleet, self.hub.load, self.clock, **(reports or {}))
        self.resync = Resync(store, self.bus, self.fleet, self.clock)
        self.instances = Instances(store, self.bus, self.clock, name)
        self.rescuer = Rescuer(store, self.bus, self.fleet, self.clock, self.instances)
        self.remote_robots = RemoteRobots(store, self.bus, self.fleet, self.clock, name)
        self.mailbox = Mailbox(store, *shared[:3], self.presence, self.dispatcher, self.clock, name)
        self.log_stream = LogStream(store, self.bus, self.hub, self.clock)

    async def robot(self, robot_id: str = ROBOT, *, address: str = "127.0.0.1") -> tuple[FakePeer, RobotConnection]:
        """Connect a robot, which may be known or new."""
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
            await self.store.add_robot(known, audit=AN_ENTRY)
        peer = FakePeer(self.clock, robot_id=robot_id)
        peer.session.session_id = f"ses-{id(peer)}"
        peer.session.address = address
        self.hub.attach(peer.session)
        link = await self.presence.connect(peer.session, known)
        await peer.session.accept()
        live = self.fleet.get(robot_id)
        assert live is not None
        live.accept_offers(after=0.0)
        return peer, link

    async def viewer(self, *audiences: tuple[str, str | None]) -> FakePeer:
        peer = FakePeer(self.clock)
        self.hub.attach(peer.session)
        for audience in audiences:
            self.hub.subscribe(peer.session, audience)
        await peer.session.accept()
        return peer

    async def job(self, **wishes: object) -> Job:
        fields: dict[str, object] = {"workflow_id": "w", "tenant_id": "default", **wishes}
        added = await self.commands.jobs.submit(ADMIN, NewSubmission(**fields))  # type: ignore[arg-type]
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
        link.session.last_received_at = self.clock.monotonic()
        unfinished = self.presence.record_heartbeat(link, beat)
        if unfinished is not None:
            await unfinished

    def hears(self, link: RobotConnection) -> None:
        """A frame of the robot arrives."""
        link.session.last_received_at = self.clock.monotonic()
        link.frame_unwritten = True

    async def talks_on(self, link: RobotConnection, seconds: int) -> None:
        """Let time pass: every five seconds the robot sends a frame and the rescuer runs."""
        for _ in range(0, seconds, 5):
            self.clock.advance(5)
            self.hears(link)
            await self.presence.write_heartbeats()
            await self.rescuer.rescue()

    async def stored(self, job: Job) -> Job:
        found = await self.store.job(job.job_id)
        assert found is not None
        return found


def hello(instance_id: str, *active: Job, journal: str | None = None) -> Hello:
    listed = [ActiveJob(job_id=job.job_id, attempt=job.attempt) for job in active]
    return Hello(instance_id=instance_id, active_jobs=listed, features=[Feature.CLAIM_ACK], log_journal=journal)


@asynccontextmanager
async def instance(
    folder: Path, bus: EventBus | None = None, *, limits: StoreLimits | None = None, **parts: Any
) -> AsyncIterator[Instance]:
    """An instance on a new store. `parts` are arguments of `Instance`."""
    store = await InterceptedStore.open(new_database(folder), limits=limits)
    try:
        opened = Instance(store, bus, **parts)
        await opened.job_stream.load()
        yield opened
    finally:
        await store.close()
