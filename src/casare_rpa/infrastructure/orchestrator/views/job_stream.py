"""The stream of jobs for viewers: each change of status once, in order and numbered; progress and reasons as state.

A viewer that reconnects with its last position gets the changes that it missed, or a snapshot when they are no longer
kept. Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.history import Entry, History, Position
from casare_rpa.domain.instants import rfc3339, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_messages import live_message, update_message
from casare_rpa.domain.vocabulary import Channel, JobStatus
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
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.views.channels import LIVE_JOBS, NUMBERED_LIVE_JOBS, audience
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.search_turns import SearchTurns

PROGRESS_GAP_SECONDS = 0.5
PROGRESS_ROUND_SECONDS = 0.05
PROGRESS_PER_ROUND = 50
PROGRESS_BURST = 50
BURST_PER_ROUND = 2
"""Progress of a few jobs is shown immediately: a burst of 50, refilled by 2 per round. Beyond that it is shown in
rounds, oldest first, up to 1,000 jobs per second: 10,000 jobs would otherwise cause millions of deliveries per second,
which no page can draw. Source: bench/."""
SNAPSHOT_PAGE = 100
"""Jobs that are encoded without a break for other connections, about a millisecond."""
FAST_SNAPSHOT_JOBS = 10_000
SNAPSHOT_PAUSE_SECONDS = 0.005
"""Pause after each page of a snapshot beyond the first 10,000 jobs, so that it takes a quarter of the core at most."""
REMEMBERED_SECONDS = 10.0
"""The least time for which the last state of a changed job is kept: two rounds of `compare`."""
COMPARED_AT_ONCE = 1_000

_MESSAGES: dict[str, Callable[[Job, str], protocol.Message]] = {
    Channel.JOBS: update_message,
    NUMBERED_LIVE_JOBS: live_message,
}


class RecentJobs:
    """The newest known state of each job that changed in the last one to two turns; older ones are dropped.

    There are two generations: a changed job is stored in the young one, and a turn drops the old one. Memory is thus
    limited by the rate of changes, not by the number of open jobs.
    """

    __slots__ = ("_old", "_old_pending", "_old_snapshots", "_young", "_young_pending", "_young_snapshots")

    def __init__(self) -> None:
        self._young: dict[str, Job] = {}
        self._old: dict[str, Job] = {}
        self._young_snapshots: dict[str, int] = {}
        self._old_snapshots: dict[str, int] = {}
        self._young_pending: dict[str, int] = {}
        self._old_pending: dict[str, int] = {}

    def get(self, job_id: str) -> Job | None:
        job = self._young.get(job_id)
        return job if job is not None else self._old.get(job_id)

    def advance(self, job: Job) -> Job | None:
        """Keep this state unless a newer one is known.

        Returns:
            The state that was known before; `job` itself if a snapshot showed a newer one.
        """
        job_id, revision = job.job_id, job.revision  # `overtaken` inline: this runs for each change of a job
        if self._young_snapshots.get(job_id, 0) > revision or self._old_snapshots.get(job_id, 0) > revision:
            return job
        last = self._young.get(job_id) or self._old.get(job_id)
        if last is None or last.revision < job.revision:
            self._young[job_id] = job
        return last

    def note_snapshot(self, revisions: Mapping[str, int]) -> None:
        """Store the revisions of jobs in a snapshot for one viewer. Other viewers may not have got these states yet."""
        self._young_snapshots.update(revisions)

    def note_pending(self, job: Job) -> None:
        """Store the revision of a pending job whose reasons are shown. Its own change can arrive later."""
        self._young_pending[job.job_id] = job.revision

    def overtaken(self, progress: Job) -> bool:
        """Whether a snapshot or reasons showed a newer state, so that this progress must not be shown after it."""
        shown = (self._young_snapshots, self._old_snapshots, self._young_pending, self._old_pending)
        return any(revisions.get(progress.job_id, 0) > progress.revision for revisions in shown)

    def turn(self) -> None:
        """Drop jobs that have not changed since the previous turn."""
        self._old, self._young = self._young, {}
        self._old_snapshots, self._young_snapshots = self._young_snapshots, {}
        self._old_pending, self._young_pending = self._young_pending, {}


class JobStreamStore(JobReader, MaintenanceStore, Protocol):
    """The ports of the store that `JobStream` uses."""


class JobStream:
    """Turns committed changes of jobs into messages: each is encoded once, for all viewers."""

    def __init__(
        self,
        store: JobStreamStore,
        bus: EventBus,
        hub: Hub,
        reasons: PendingReasons,
        clock: Clock,
        *,
        progress_burst: int = PROGRESS_BURST,
        burst_per_round: int = BURST_PER_ROUND,
        progress_per_round: int = PROGRESS_PER_ROUND,
    ) -> None:
        self._progress_burst = progress_burst
        self._burst_per_round = burst_per_round
        self._progress_per_round = progress_per_round
        self._store = store
        self._hub = hub
        self._reasons = reasons
        self._clock = clock
        self._epoch = secrets.token_hex(8)  # numbering restarts with each process
        self._histories: dict[Audience, History] = {}
        self._progress_shown_at: dict[str, float] = {}
        """The monotonic time at which progress of each job was shown last."""
        self._held_progress: dict[str, Job] = {}
        """The newest progress of each job that waits for its turn."""
        self._burst_left = progress_burst
        self._recent = RecentJobs()
        self._snapshot_turns = SearchTurns(max_waiting=None)
        self._turned_at = clock.monotonic()
        self._began_at = clock.now()
        self._last_event_id: int | None = None
        bus.subscribe(self._receive)

    # Live

    def _receive(self, event: JobAdded | JobOffered | JobChanged | JobsProgressed) -> None:
        match event:
            case JobsProgressed(jobs):
                self._receive_progress(jobs)
            case JobChanged(before, job):
                self._follow(before, job)
            case JobAdded(job):
                self._follow(None, job)
            case JobOffered(job):
                # An offer is invisible: the job is still pending. But a job submitted within the remembered time that
                # is not among the recent ones was never shown, because its JobAdded was lost or is late.
                young = seconds_between(job.submitted_at, self._clock.now()) < REMEMBERED_SECONDS
                self._follow(None if young else job, job)

    def _follow(self, before: Job | None, job: Job) -> None:
        """Show a change, unless viewers were shown this state or a newer one.

        Args:
            before: The state that viewers saw, used when the job is not among the recent ones; `None` to show `job`.
        """
        last = self._recent.advance(job)
        if last is not None:
            if last.revision >= job.revision:
                return  # the event is repeated or late, or `compare` or a viewer's snapshot was faster
            # Compare with the state shown last, not with the `before` of the event. If an event in between was lost,
            # this one must show both changes.
            before = last
        elif before is not None and self._ended_lately(before):
            before = None  # an end that is not among the recent jobs was never shown: its event was lost
        if before is not None and _looks_the_same(before, job):
            if job.job_id in self._held_progress:
                # Otherwise the round would later show the older state, for example without the cancel shown below.
                self._held_progress[job.job_id] = job
            if before.cancel_stage != job.cancel_stage:
                json = codec.encode(update_message(job, rfc3339(self._clock.now())))
                self._show_state(job, json, f"{job.job_id} cancel")
            return
        self._progress_shown_at.pop(job.job_id, None)
        self._held_progress.pop(job.job_id, None)
        self._show_change(job)

    def _ended_lately(self, job: Job) -> bool:
        """Whether a job ended in this process, within the time for which recent jobs are kept.

        Viewers that reconnected after a restart got a snapshot, which shows earlier ends by the absence of the job.
        """
        ended_at = job.finished_at
        return (
            ended_at is not None
            and ended_at > self._began_at
            and 0.0 <= seconds_between(ended_at, self._clock.now()) < REMEMBERED_SECONDS
        )

    def _show_change(self, job: Job) -> None:
        """Number and keep a change of status, also while no viewer watches, and publish it."""
        timestamp, monotonic = rfc3339(self._clock.now()), self._clock.monotonic()
        watched = self._hub.groups
        for stream, message_of in _MESSAGES.items():
            json = codec.encode(message_of(job, timestamp))
            for tenant_id in (None, job.tenant_id):
                wanted = (stream, tenant_id)  # `audience` and `listens` inline: this runs for each change of a job
                history = self._histories.get(wanted) or self._history(wanted)
                seq = history.append(json, monotonic)
                if wanted in watched:
                    numbered = codec.numbered(json, Position(history.epoch, seq))
                    self._hub.publish(wanted, outgoing(numbered, subject=job.job_id, revision=job.revision))
                if stream == NUMBERED_LIVE_JOBS and (plain := (LIVE_JOBS, tenant_id)) in watched:
                    self._hub.publish(plain, outgoing(json))

    def _receive_progress(self, jobs: Sequence[Job]) -> None:
        """Show progress of each job at most twice a second. The last one of a burst is shown by a later round."""
        now, held = self._clock.monotonic(), self._held_progress
        for job in jobs:
            early = (
                self._burst_left <= 0
                or now - self._progress_shown_at.get(job.job_id, float("-inf")) < PROGRESS_GAP_SECONDS
            )
            if early or job.job_id in held:
                held[job.job_id] = job
            else:
                self._burst_left -= 1
                self._show_progress(job)

    def _show_progress(self, job: Job) -> None:
        last = self._recent.get(job.job_id)
        if (last is not None and last.revision > job.revision) or self._recent.overtaken(job):
            return  # a change overtook it: after `completed` viewers must not see `running 20 %`
        self._progress_shown_at[job.job_id] = self._clock.monotonic()
        key = f"{job.job_id} {job.attempt} {job.status.value}"
        self._show_state(job, codec.encode(update_message(job, rfc3339(self._clock.now()))), key)

    def _show_state(self, job: Job, json: bytes, key: str) -> None:
        message = outgoing(json, Policy.LATEST, key, job.job_id, job.revision)
        for tenant_id in (None, job.tenant_id):
            self._hub.publish(audience(Channel.JOBS, tenant_id), message)

    # Rounds

    async def show_held_progress(self) -> None:
        """One round: show held progress, oldest first."""
        self._burst_left = min(self._progress_burst, self._burst_left + self._burst_per_round)
        now = self._clock.monotonic()
        due: list[Job] = []
        for job in self._held_progress.values():
            if now - self._progress_shown_at.get(job.job_id, float("-inf")) >= PROGRESS_GAP_SECONDS:
                due.append(job)
                if len(due) == self._progress_per_round:
                    break
        for job in due:
            del self._held_progress[job.job_id]
            self._show_progress(job)

    async def show_reasons(self) -> None:
        """One round: show changed pending reasons of watched jobs. Does nothing without a viewer."""
        if not any(isinstance(a, tuple) and a[0] == Channel.JOBS for a in self._hub.audiences()):
            return self._reasons.clear_shown()
        found = await self._reasons.changed()
        if found:
            # The read may be ahead of the events; reasons of a job must not arrive before the job itself.
            await all_published(self._store)
        for job, reasons in found:
            last = self._recent.get(job.job_id)
            # Either the job changed since the read, or the store is ahead of a late event. If `pending` were shown now,
            # that event would show an older state after it, such as `running`. A later round shows the reasons.
            if last is not None and (last.revision > job.revision or not _looks_the_same(last, job)):
                self._reasons.discard_shown(job.job_id)
                continue
            self._recent.note_pending(job)
            json = codec.encode(update_message(job, rfc3339(self._clock.now()), reasons))
            self._show_state(job, json, f"{job.job_id} waits")
        return None

    async def compare(self) -> None:
        """One round: show changes in the store whose events did not arrive.

        The first round only stores the id of the newest entry.
        """
        # Revisions also grow with progress, which has no history entry. A newer revision alone is therefore no missed
        # change; only jobs that look different are read again.
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

    async def trim_histories(self) -> None:
        """One round: drop changes that are too old to be resumed from."""
        now = self._clock.monotonic()
        for history in self._histories.values():
            history.trim(now)

    # Joining and resuming

    async def join(self, session: Session, stream: str, tenant_id: str | None, since: str | None) -> None:
        """Subscribe a viewer that requested positions.

        Sends `subscribed` first; it states whether the position could be recovered. Then come the changes after that
        position, or a snapshot and its end mark. No change is missing or sent twice.
        """
        history = self._history(audience(stream, tenant_id))
        position = Position.parse(since) if since is not None else None
        if position is not None and history.since(position) is not None:
            await self._join(session, stream, tenant_id, position)
            return
        # The cost of a snapshot grows with the number of open jobs, so it waits for its turn. The connection opens
        # before that; the snapshot contains the changes made meanwhile.
        await session.accept()
        async with self._snapshot_turns.turn(session.principal):
            await self._join(session, stream, tenant_id, position)

    async def join_with_snapshot(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """Subscribe a viewer that requested no position, with a snapshot first."""
        async with self._snapshot_turns.turn(session.principal):
            self._hub.subscribe(session, audience(stream, tenant_id), catching_up=True)
            await self._send_snapshot(session, stream, tenant_id)

    async def _join(self, session: Session, stream: str, tenant_id: str | None, position: Position | None) -> None:
        wanted = audience(stream, tenant_id)
        history = self._history(wanted)
        # No await between subscribing, which flushes the audience, and reading the history: a change in between would
        # be missing or sent twice.
        self._hub.subscribe(session, wanted, catching_up=True)
        missed = history.since(position) if position is not None else None
        here = history.position
        await session.accept()
        if missed is None or position is None:
            self._begin(session, stream, here, recovered=False)
            await self._send_snapshot(session, stream, tenant_id)
            self._end(session, stream, history.position)
            return
        self._begin(session, stream, position, recovered=True)
        for entry in missed:
            session.deliver(_replayed(history, entry))
        self._hub.caught_up(session, wanted, {})

    async def _send_snapshot(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """Send the jobs that have not ended, page by page, then the changes since.

        The session must be subscribed with `catching_up`, which holds changes back until the snapshot is sent.
        """
        seen: dict[str, int] = {}
        last: str | None = None
        while True:
            page = await self._store.open_jobs(tenant_id, SNAPSHOT_PAGE, last)
            for job in page:
                seen[job.job_id] = job.revision
                session.deliver(outgoing(codec.encode(self._present(stream, job))))
            self._recent.note_snapshot({job.job_id: job.revision for job in page})
            if len(page) < SNAPSHOT_PAGE or session.closing:
                break
            last = page[-1].job_id
            await session.drained()
            if len(seen) >= FAST_SNAPSHOT_JOBS:
                await self._clock.sleep(SNAPSHOT_PAUSE_SECONDS)
        await all_published(self._store)
        self._hub.caught_up(session, audience(stream, tenant_id), seen)

    def _present(self, stream: str, job: Job) -> protocol.Message:
        timestamp = rfc3339(self._clock.now())
        if stream == NUMBERED_LIVE_JOBS:
            return live_message(job, timestamp)
        return update_message(job, timestamp, self._reasons.shown(job.job_id))

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


def _replayed(history: History, entry: Entry) -> OutboundMessage:
    return outgoing(codec.numbered(entry.body, Position(history.epoch, entry.seq)))


def _looks_the_same(before: Job, job: Job) -> bool:
    """Whether both look the same to viewers, apart from progress. Offers are not visible."""
    if before.status is not job.status or job.status is JobStatus.PENDING:
        return before.status is job.status
    return (
        before.robot_id == job.robot_id
        and before.reason is job.reason
        and before.attempt == job.attempt
        and (before.contact_lost_at is None) is (job.contact_lost_at is None)
    )
