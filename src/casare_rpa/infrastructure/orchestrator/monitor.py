"""Slice: what viewers see. Job updates, the state of robots, the queue at a glance; live and as a snapshot."""

import asyncio
import zlib

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_messages import live_message, update_message
from casare_rpa.domain.protocol import Channel
from casare_rpa.infrastructure.orchestrator.changes import JOB_CHANGED, QUEUE_CHANGED, ROBOT_CHANGED, JobChanged
from casare_rpa.infrastructure.orchestrator.hub.fleet import Fleet, LiveRobot, heartbeat_message, state_message
from casare_rpa.infrastructure.orchestrator.hub.hub import Audience, Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import Outgoing, Policy, outgoing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports import Bus, Clock, Counts, Store
from casare_rpa.infrastructure.orchestrator.waiting import WaitingList

LIVE_JOBS = "live-jobs"
ROBOT_STATUS = "robot-status"
QUEUE_DEPTH = "queue-metrics"

METRICS_SECONDS = 5.0
METRICS_GAP_SECONDS = 1.0
PROGRESS_GAP_SECONDS = 0.5
SPREAD_SECONDS = 0.25
TURNS = round(METRICS_SECONDS / SPREAD_SECONDS)
SNAPSHOT_PAGE = 500


def audience(stream: str, tenant_id: str | None) -> Audience:
    """The viewers of a stream: those of one tenant, or those who see all (`None`)."""
    return (stream, tenant_id)


class Monitor:
    """Turns committed changes into messages, once for all viewers alike."""

    def __init__(self, store: Store, bus: Bus, hub: Hub, fleet: Fleet, waiting: WaitingList, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._fleet = fleet
        self._waiting = waiting
        self._clock = clock
        self._metrics_wanted = asyncio.Event()
        self._told_progress: dict[str, float] = {}
        self._held_progress: dict[str, Job] = {}
        self._last_turn = 0
        self._moved: set[str] = set()
        bus.subscribe(JOB_CHANGED, self._job_changed)
        bus.subscribe(ROBOT_CHANGED, self._robot_changed)
        bus.subscribe(QUEUE_CHANGED, lambda _: self._metrics_wanted.set())

    # Jobs

    def _job_changed(self, message: object) -> None:
        assert isinstance(message, JobChanged)
        before, job = message.before, message.job
        self._moved.add(job.job_id)
        if message.number == "T2":
            return  # an offered job is still pending and nobody's: viewers see no change
        if before is not None and _seen(before) == _seen(job):
            if before.progress != job.progress or before.message != job.message:
                self._progress(job)
            return
        self._metrics_wanted.set()
        self._told_progress.pop(job.job_id, None)
        self._held_progress.pop(job.job_id, None)
        self._show_job(job, Policy.KEEP)

    def _progress(self, job: Job) -> None:
        """At most twice a second a job; the last one of a burst is not lost."""
        now = self._clock.monotonic()
        if now - self._told_progress.get(job.job_id, float("-inf")) < PROGRESS_GAP_SECONDS:
            self._held_progress[job.job_id] = job
            return
        self._told_progress[job.job_id] = now
        self._held_progress.pop(job.job_id, None)
        self._show_job(job, Policy.LATEST)

    async def show_held_progress(self) -> None:
        """One round: progress that had to wait."""
        for job in list(self._held_progress.values()):
            self._progress(job)

    def _show_job(self, job: Job, policy: Policy) -> None:
        now = self._clock.now()
        for tenant_id in (None, job.tenant_id):
            jobs, live = audience(Channel.JOBS, tenant_id), audience(LIVE_JOBS, tenant_id)
            if self._hub.listens(jobs):
                json = codec.encode(update_message(job, now))
                key = f"{job.job_id} {job.attempt} {job.status.value}"
                self._hub.publish(jobs, outgoing(json, policy, key, job.job_id, job.revision))
            if policy is Policy.KEEP and self._hub.listens(live):
                self._hub.publish(live, outgoing(codec.encode(live_message(job, now))))

    async def send_jobs(self, session: Session, tenant_id: str | None) -> dict[str, int]:
        """The snapshot of jobs that have not ended, page by page; answers the revision shown of each."""
        seen: dict[str, int] = {}
        last: str | None = None
        while True:
            page = await self._store.open_jobs(tenant_id, SNAPSHOT_PAGE, last)
            now = self._clock.now()
            for job in page:
                seen[job.job_id] = job.revision
                session.deliver(outgoing(codec.encode(update_message(job, now, self._waiting.told(job.job_id)))))
            if len(page) < SNAPSHOT_PAGE or session.closing:
                return seen
            last = page[-1].job_id
            await session.drained()

    async def show_waiting(self) -> None:
        """One round: why jobs are pending, where that has changed. State, not a change of status."""
        watched = {None, *(a[1] for a in self._hub.audiences() if isinstance(a, tuple) and a[0] == Channel.JOBS)}
        if not any(self._hub.listens(audience(Channel.JOBS, tenant_id)) for tenant_id in watched):
            return self._waiting.forget()
        self._moved.clear()
        for job, reasons in await self._waiting.changed():
            if job.job_id in self._moved:
                continue  # it changed while we looked: its own update has told more already
            json = codec.encode(update_message(job, self._clock.now(), reasons))
            message = outgoing(json, Policy.LATEST, f"{job.job_id} waits", job.job_id, job.revision)
            for tenant_id in {None, job.tenant_id} & watched:
                self._hub.publish(audience(Channel.JOBS, tenant_id), message)
        return None

    # Robots

    def _robot_changed(self, message: object) -> None:
        live = self._fleet.get(str(message))
        if live is not None:
            self._show_robot(live)

    def _show_robot(self, live: LiveRobot) -> None:
        for tenant_id in (None, live.robot.tenant_id):
            robots, status = audience(Channel.ROBOTS, tenant_id), audience(ROBOT_STATUS, tenant_id)
            if self._hub.listens(robots):
                self._hub.publish(robots, self._state(live))
            if self._hub.listens(status):
                self._hub.publish(status, self._heartbeat(live))

    def _state(self, live: LiveRobot) -> Outgoing:
        json = codec.encode(state_message(live, self._clock.now()))
        return outgoing(json, Policy.LATEST, live.robot.robot_id)

    def _heartbeat(self, live: LiveRobot) -> Outgoing:
        json = codec.encode(heartbeat_message(live, self._clock.now()))
        return outgoing(json, Policy.LATEST, live.robot.robot_id)

    def send_robots(self, session: Session, tenant_id: str | None, *, flat: bool = False) -> None:
        """The snapshot of the fleet: every robot for dashboards, those seen within a day for the flat stream."""
        chosen = self._fleet.visible(tenant_id, self._clock.now()) if flat else self._fleet.of(tenant_id)
        for live in chosen:
            session.deliver(self._heartbeat(live) if flat else self._state(live))

    async def spread_robots(self) -> None:
        """One round: the robots whose turn it is; each has one turn in five seconds, spread evenly by its id."""
        now = int(self._clock.monotonic() / SPREAD_SECONDS)
        turns = {turn % TURNS for turn in range(max(self._last_turn, now - TURNS) + 1, now + 1)}
        self._last_turn = now
        if not any(isinstance(wanted, tuple) and wanted[0] == ROBOT_STATUS for wanted in self._hub.audiences()):
            return
        for live in self._fleet.visible(None, self._clock.now()):
            if zlib.crc32(live.robot.robot_id.encode()) % TURNS in turns:
                self._show_heartbeat(live)

    def _show_heartbeat(self, live: LiveRobot) -> None:
        message = self._heartbeat(live)
        for tenant_id in (None, live.robot.tenant_id):
            self._hub.publish(audience(ROBOT_STATUS, tenant_id), message)

    # The queue

    async def show_metrics(self) -> None:
        """One round: wait for a change or five seconds, then tell every audience; never twice in a second."""
        try:
            async with asyncio.timeout(METRICS_SECONDS - METRICS_GAP_SECONDS):
                await self._metrics_wanted.wait()
        except TimeoutError:
            pass  # nothing changed: told all the same, so that viewers know it is current
        self._metrics_wanted.clear()
        for stream in (Channel.QUEUE, QUEUE_DEPTH):
            for wanted in self._hub.audiences():
                if isinstance(wanted, tuple) and wanted[0] == stream:
                    self._hub.publish(wanted, await self._metrics(stream, wanted[1]))
        await self._clock.sleep(METRICS_GAP_SECONDS)

    async def _metrics(self, stream: str, tenant_id: str | None) -> Outgoing:
        now = self._clock.now()
        counts = await self._store.counts(tenant_id, now)
        if stream == QUEUE_DEPTH:
            depth = protocol.QueueDepth(depth=counts.pending, timestamp=rfc3339(now))
            return outgoing(codec.encode(depth), Policy.LATEST, stream)
        return outgoing(codec.encode(await self._queue_message(counts)), Policy.LATEST, stream)

    async def _queue_message(self, counts: Counts) -> protocol.QueueMetrics:
        return protocol.QueueMetrics(
            pending=counts.pending,
            running=counts.running,
            completed_24h=counts.completed_24h,
            failed_24h=counts.failed_24h,
            timestamp=rfc3339(self._clock.now()),
            paused=[paused.queue for paused in await self._store.paused_queues()],
        )

    async def send_metrics(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """The queue as it is now."""
        session.deliver(await self._metrics(stream, tenant_id))


def _seen(job: Job) -> tuple[object, ...]:
    """What makes a change of a job a change for viewers, progress apart."""
    return (job.status, job.visible_robot_id, job.reason, job.attempt, job.contact_lost_at is None)
