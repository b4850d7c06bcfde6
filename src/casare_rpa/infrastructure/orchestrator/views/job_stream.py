"""Slice: what viewers see of jobs. Every change of status once, in order and numbered; progress and waiting as state.

A viewer that comes back with its last position is told what it missed, or that this cannot be done: then it gets
a snapshot. Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

import secrets
from collections.abc import Callable, Sequence

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.history import Entry, History, Position
from casare_rpa.domain.instants import Instant, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_messages import live_message, update_message
from casare_rpa.domain.protocol import Channel, JobStatus
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    JobAdded,
    JobChanged,
    JobOffered,
    JobsProgressed,
    all_published,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Audience, Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Policy, outgoing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.views.channels import LIVE_JOBS, NUMBERED_LIVE_JOBS, audience
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.recent_jobs import RecentJobs

PROGRESS_GAP_SECONDS = 0.5
PROGRESS_ROUND_SECONDS = 0.05
PROGRESS_OF_A_ROUND = 50
PROGRESS_AT_ONCE = 50
AT_ONCE_OF_A_ROUND = 2
"""Progress of a few jobs is told at once. Of many it is told in rounds, up to 1,000 a second, whoever waited longest
first: ten thousand jobs would else be millions of deliveries a second that no page can draw. Source: bench/."""
SNAPSHOT_PAGE = 500
MISSED_SECONDS = 4.0
"""How often changes that were never published are looked for: with jitter and the reads, less than 5 s."""
REMEMBERED_SECONDS = 10.0
"""For how long at least the last state of a changed job is known: two rounds of that comparison."""
COMPARED_AT_ONCE = 1_000

_MESSAGES: dict[str, Callable[[Job, Instant], protocol.Message]] = {
    Channel.JOBS: update_message,
    NUMBERED_LIVE_JOBS: live_message,
}


class JobStream:
    """Turns committed changes into messages, once for all viewers alike."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        hub: Hub,
        waiting: PendingReasons,
        clock: Clock,
        *,
        progress_at_once: int = PROGRESS_AT_ONCE,
        at_once_of_a_round: int = AT_ONCE_OF_A_ROUND,
        progress_of_a_round: int = PROGRESS_OF_A_ROUND,
    ) -> None:
        self._progress_at_once = progress_at_once
        self._at_once_of_a_round = at_once_of_a_round
        self._progress_of_a_round = progress_of_a_round
        self._store = store
        self._hub = hub
        self._waiting = waiting
        self._clock = clock
        self._epoch = secrets.token_hex(8)  # numbers begin anew with each process
        self._histories: dict[Audience, History] = {}
        self._told_progress: dict[str, float] = {}
        self._held_progress: dict[str, Job] = {}
        self._at_once = progress_at_once
        self._recent = RecentJobs()
        self._turned_at = clock.monotonic()
        self._last_event_id: int | None = None
        bus.subscribe(self._receive)

    # Live

    def _receive(self, event: JobAdded | JobOffered | JobChanged | JobsProgressed) -> None:
        match event:
            case JobsProgressed(jobs):
                self._progress(jobs)
            case JobChanged(before, job):
                self._follow(before, job)
            case JobAdded(job):
                self._follow(None, job)
            case JobOffered(job):
                # Viewers see no change: it is still pending. A young job that is not among the recent ones was never
                # shown, because the event of its submission was lost.
                young = seconds_between(job.submitted_at, self._clock.now()) < REMEMBERED_SECONDS
                self._follow(None if young else job, job)

    def _follow(self, before: Job | None, job: Job) -> None:
        """Show a change, unless viewers were shown this state or a newer one. `before`: what they saw, if not known."""
        last = self._recent.advance(job)
        if last is not None:
            if last.revision >= job.revision:
                return  # repeated, late, or shown already because its event was taken for lost
            before = last  # not that of the event: the change between may be lost
        if before is not None and _looks_the_same(before, job):
            if job.job_id in self._held_progress:  # what is told later must not take back what is told now
                self._held_progress[job.job_id] = job
            if before.cancel_stage != job.cancel_stage:
                self._show_state(job, codec.encode(update_message(job, self._clock.now())), f"{job.job_id} cancel")
            return
        self._told_progress.pop(job.job_id, None)
        self._held_progress.pop(job.job_id, None)
        self._show_change(job)

    def _show_change(self, job: Job) -> None:
        """A change of status: numbered and remembered, whether anyone watches now or not."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        watched = self._hub.groups
        for stream, message_of in _MESSAGES.items():
            json = codec.encode(message_of(job, now))
            for tenant_id in (None, job.tenant_id):
                wanted = (stream, tenant_id)  # `audience` and `listens` inline: this runs for each change of a job
                history = self._histories.get(wanted) or self._history(wanted)
                seq = history.append(json, monotonic)
                if wanted in watched:
                    numbered = codec.numbered(json, Position(history.epoch, seq))
                    self._hub.publish(wanted, outgoing(numbered, subject=job.job_id, revision=job.revision))
                if stream == NUMBERED_LIVE_JOBS and (plain := (LIVE_JOBS, tenant_id)) in watched:
                    self._hub.publish(plain, outgoing(json))

    def _progress(self, jobs: Sequence[Job]) -> None:
        """At most twice a second a job; the last one of a burst is not lost."""
        now, held = self._clock.monotonic(), self._held_progress
        for job in jobs:
            early = (
                self._at_once <= 0 or now - self._told_progress.get(job.job_id, float("-inf")) < PROGRESS_GAP_SECONDS
            )
            if early or job.job_id in held:
                held[job.job_id] = job
            else:
                self._at_once -= 1
                self._tell_progress(job)

    def _tell_progress(self, job: Job) -> None:
        last = self._recent.get(job.job_id)
        if last is not None and last.revision > job.revision:
            return
        self._told_progress[job.job_id] = self._clock.monotonic()
        key = f"{job.job_id} {job.attempt} {job.status.value}"
        self._show_state(job, codec.encode(update_message(job, self._clock.now())), key)

    def _show_state(self, job: Job, json: bytes, key: str) -> None:
        message = outgoing(json, Policy.LATEST, key, job.job_id, job.revision)
        for tenant_id in (None, job.tenant_id):
            self._hub.publish(audience(Channel.JOBS, tenant_id), message)

    # Rounds

    async def show_held_progress(self) -> None:
        """One round: progress that had to wait."""
        self._at_once = min(self._progress_at_once, self._at_once + self._at_once_of_a_round)
        now = self._clock.monotonic()
        told: list[Job] = []
        for job in self._held_progress.values():
            if now - self._told_progress.get(job.job_id, float("-inf")) >= PROGRESS_GAP_SECONDS:
                told.append(job)
                if len(told) == self._progress_of_a_round:
                    break
        for job in told:
            del self._held_progress[job.job_id]
            self._tell_progress(job)

    async def show_waiting(self) -> None:
        """One round: why jobs are pending, where that has changed."""
        if not any(isinstance(a, tuple) and a[0] == Channel.JOBS for a in self._hub.audiences()):
            return self._waiting.forget()
        found = await self._waiting.changed()
        if found:
            await all_published(self._store)
        for job, reasons in found:
            last = self._recent.get(job.job_id)
            if last is not None and last.revision > job.revision:  # the next round compares what it has become
                self._waiting.forget_job(job.job_id)
                continue
            json = codec.encode(update_message(job, self._clock.now(), reasons))
            self._show_state(job, json, f"{job.job_id} waits")
        return None

    async def show_missed(self) -> None:
        """One round: show changes that are in the store and were never published here. The first round shows nothing:
        it notes where to begin."""
        changed = await self._store.changed_jobs(self._last_event_id)
        await all_published(self._store)
        for number, one in enumerate(changed.jobs, 1):
            if number % COMPARED_AT_ONCE == 0:
                await self._clock.sleep(0)
            last = self._recent.get(one.job_id)
            if last is None or (last.revision < one.revision and not one.looks_like(last)):
                job = await self._store.job(one.job_id)
                if job is not None:
                    self._follow(None, job)
        self._last_event_id = changed.last_event_id
        now = self._clock.monotonic()
        if now - self._turned_at >= REMEMBERED_SECONDS:
            self._turned_at = now
            self._recent.turn()

    async def forget_old(self) -> None:
        """One round: what no viewer may ask for any more."""
        now = self._clock.monotonic()
        for history in self._histories.values():
            history.forget(now)

    # Coming, and coming back

    async def join(self, session: Session, stream: str, tenant_id: str | None, since: str | None) -> None:
        """A viewer that asked to be told positions: what it missed since its last one, or a snapshot between marks.

        First `subscribed`, which says which of the two; from its last position on nothing is missing.
        """
        wanted = audience(stream, tenant_id)
        history = self._history(wanted)
        position = Position.parse(since) if since is not None else None
        # One step without an await, hence without a gap: subscribe, which flushes, then look at the history.
        self._hub.subscribe(session, wanted, catching_up=True)
        missed = history.since(position) if position is not None else None
        here = history.position
        await session.accept()
        if missed is None or position is None:
            self._begin(session, stream, here, recovered=False)
            await self.snapshot(session, stream, tenant_id)
            self._end(session, stream, history.position)
            return
        self._begin(session, stream, position, recovered=True)
        for entry in missed:
            session.deliver(_again(history, entry))
        self._hub.caught_up(session, wanted, {})

    async def snapshot(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """The jobs that have not ended, page by page, then what changed meanwhile.

        The session must have been subscribed with `catching_up`.
        """
        seen: dict[str, int] = {}
        last: str | None = None
        while True:
            page = await self._store.open_jobs(tenant_id, SNAPSHOT_PAGE, last)
            for job in page:
                seen[job.job_id] = job.revision
                session.deliver(outgoing(codec.encode(self._present(stream, job))))
            if len(page) < SNAPSHOT_PAGE or session.closing:
                break
            last = page[-1].job_id
            await session.drained()
        await all_published(self._store)
        self._hub.caught_up(session, audience(stream, tenant_id), seen)

    def _present(self, stream: str, job: Job) -> protocol.Message:
        now = self._clock.now()
        if stream == NUMBERED_LIVE_JOBS:
            return live_message(job, now)
        return update_message(job, now, self._waiting.told(job.job_id))

    def _begin(self, session: Session, stream: str, position: Position, *, recovered: bool) -> None:
        epoch, seq = position.epoch, position.seq
        if stream == NUMBERED_LIVE_JOBS:
            session.send(protocol.LiveSubscribed(recovered=recovered, epoch=epoch, seq=seq))
        else:
            session.send(protocol.Subscribed(channel=Channel.JOBS, recovered=recovered, epoch=epoch, seq=seq))

    def _end(self, session: Session, stream: str, position: Position) -> None:
        mark = protocol.LiveSnapshotEnd if stream == NUMBERED_LIVE_JOBS else protocol.SnapshotEnd
        session.send(mark(epoch=position.epoch, seq=position.seq))

    def _history(self, wanted: Audience) -> History:
        history = self._histories.get(wanted)
        if history is None:
            history = self._histories[wanted] = History(self._epoch)
        return history


def _again(history: History, entry: Entry) -> OutboundMessage:
    return outgoing(codec.numbered(entry.body, Position(history.epoch, entry.seq)))


def _looks_the_same(before: Job, job: Job) -> bool:
    """Whether viewers see no difference, apart from progress. Nothing about an offer is visible."""
    if before.status is not job.status or job.status is JobStatus.PENDING:
        return before.status is job.status
    return (
        before.robot_id == job.robot_id
        and before.reason is job.reason
        and before.attempt == job.attempt
        and (before.contact_lost_at is None) is (job.contact_lost_at is None)
    )
