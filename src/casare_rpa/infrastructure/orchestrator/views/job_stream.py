"""The stream of jobs for viewers: each change of status once, in order and numbered; progress and reasons as state.

A viewer that reconnects with its last position gets the changes that it missed, or a snapshot when they are no longer
kept. Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.feed import Feed, Position
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_messages import VisibleJob, live_message, update_message
from casare_rpa.domain.job_records import ChangeNumbers, ShownChange
from casare_rpa.domain.vocabulary import Channel
from casare_rpa.domain.waiting import PendingReason
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, JobsAdded, JobsChanged, JobsProgressed
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Policy, outgoing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.views import stream_messages
from casare_rpa.infrastructure.orchestrator.views.change_histories import ChangeHistories
from casare_rpa.infrastructure.orchestrator.views.channels import JOB_STREAMS, LIVE_JOBS, NUMBERED_LIVE_JOBS, audience
from casare_rpa.infrastructure.orchestrator.views.other_progress import OtherProgress
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons
from casare_rpa.infrastructure.orchestrator.views.recent_revisions import RecentRevisions
from casare_rpa.infrastructure.orchestrator.views.search_turns import SearchTurns

logger = logging.getLogger(__name__)

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
"""The least time for which the last shown revision of a job is kept: two rounds of `compare`."""
MAX_MISSED = 10_000
"""Changes that a viewer may have missed and still gets; beyond that a snapshot is shorter for most fleets."""
LOOK_SECONDS = 0.8
"""The time between two looks for changes without a hint. With the patience of the feed it is less than a second."""
PAGE = 1_000
"""Changes that are read from the store at once."""


class JobStream:
    """Turns committed changes of jobs into messages: each is encoded once, for all viewers.

    Events say which changes were committed; the numbers that the store gave them say in which order they are shown. A
    change whose event does not arrive, and one of another instance, is read from the store. Without a viewer none is
    read: the stream continues after the newest change when the next viewer joins.
    """

    def __init__(
        self,
        store: JobReader,
        bus: EventBus,
        hub: Hub,
        reasons: PendingReasons,
        clock: Clock,
        *,
        shared: bool = False,
        progress_burst: int = PROGRESS_BURST,
        burst_per_round: int = BURST_PER_ROUND,
        progress_per_round: int = PROGRESS_PER_ROUND,
        max_missed: int = MAX_MISSED,
        page: int = PAGE,
    ) -> None:
        """`shared`: other instances may write to the store."""
        self._shared = shared
        self._progress_burst = progress_burst
        self._burst_per_round = burst_per_round
        self._progress_per_round = progress_per_round
        self._max_missed = max_missed
        self._page = page
        self._store, self._hub = store, hub
        self._reasons = reasons
        self._clock = clock
        self._epoch = ""
        self._feed: Feed[tuple[VisibleJob, ChangeNumbers]] = Feed(0)
        self._last_of_tenants: dict[str, int] = {}
        """The number of the last shown change of each tenant."""
        self.histories = ChangeHistories(hub, clock)
        self._progress_shown_at: dict[str, float] = {}
        """The monotonic time at which progress of each job was shown last."""
        self._held_progress: dict[str, Job] = {}
        """The newest progress of each job that waits for its turn, or for a change that was committed before it."""
        self._others = OtherProgress(store)
        self._looked_at = clock.monotonic()
        self._burst_left = progress_burst
        self._shown = RecentRevisions()
        """Revisions that all viewers were shown."""
        self._shown_early = RecentRevisions()
        """Revisions that a snapshot showed to one viewer, or that reasons showed before the job's own change."""
        self._snapshot_turns = SearchTurns(clock, max_waiting=None, abandoned=None)
        self._turned_at = clock.monotonic()
        self._last_event_id: int | None = None
        self._database_went_back = False
        bus.subscribe(self._receive)

    async def load(self) -> None:
        """Continue the numbers of the store. Called at the start, before any change."""
        state = await self._store.stream()
        self._epoch = state.epoch
        self._feed = Feed(state.last)
        self._last_of_tenants = state.by_tenant

    # Live

    def _receive(self, event: JobsAdded | JobsChanged | JobsProgressed | Hint) -> None:
        match event:
            case JobsProgressed(jobs, after):
                self._feed.expect(after, self._clock.monotonic())
                self._receive_progress(jobs)
            case JobsChanged(changes):
                for change in changes:
                    if change.numbers.tenant_seq is None:
                        self._feed.expect(change.numbers.seq, self._clock.monotonic())
                        self._receive_unnumbered(change.before, change.job)
                    elif self._feed.pass_on(change.numbers.seq, 1):  # as `_take`, inline: this runs for each report
                        self._show_change(change.job, change.numbers)
                    else:
                        self._take(change.job, change.numbers)
            case JobsAdded(added):
                for new in added:
                    self._take(new.job, new.numbers)
            case Hint(jobs=last, progress=job_ids):
                self._feed.expect(last, self._clock.monotonic())
                if job_ids and self._watched(Channel.JOBS):
                    self._others.note(job_ids)

    def _take(self, job: VisibleJob, numbers: ChangeNumbers) -> None:
        """Show a numbered change and the changes that waited for it, or keep it until the changes before it arrive."""
        if self._feed.pass_on(numbers.seq, 1):  # nearly always
            self._show_change(job, numbers)
            return
        for ready in self._feed.put(numbers.seq, (job, numbers), self._clock.monotonic()):
            self._show_change(*ready)

    def _receive_unnumbered(self, before: Job, job: Job) -> None:
        """Show the progress of a cancel, which is state: it has no number."""
        if self._shown.get(job.job_id) >= job.revision:
            return  # the event is repeated or late
        if job.job_id in self._held_progress:
            # Otherwise the round would later show the older state, for example without the cancel shown below.
            self._hold(job)
        if before.cancel_stage != job.cancel_stage:
            self._show_cancel(job)

    def _show_cancel(self, job: Job) -> None:
        if self._feed.behind:
            self._hold(job)  # a change that was committed before it is not shown yet
            return
        self._shown.note(job.job_id, job.revision)
        self._show_state(job, f"{job.job_id} cancel")

    def _show_change(self, job: VisibleJob, numbers: ChangeNumbers) -> None:
        """Publish a change of status, and keep it for viewers that reconnect."""
        job_id, tenant_id, revision = job.job_id, job.tenant_id, job.revision
        self._shown.note(job_id, revision)
        self._progress_shown_at.pop(job_id, None)
        held = self._held_progress.get(job_id)
        if held is not None and held.revision < revision:
            del self._held_progress[job_id]
        watched, kept = self._hub.groups, self.histories.kept
        if not watched and not kept:  # no viewer of anything, and none that can resume
            self._last_of_tenants[tenant_id] = numbers.tenant_seq or 0
            return
        timestamp, monotonic = rfc3339(numbers.at), self._clock.monotonic()
        places = ((None, numbers.seq), (tenant_id, numbers.tenant_seq or 0))
        for stream, message_of in stream_messages.MESSAGES.items():
            json = b""
            for audience_tenant, seq in places:
                wanted = (stream, audience_tenant)  # `audience` and `listens` inline: this runs for each change
                watches = wanted in watched
                history = kept.get(wanted) or (self.histories.begin(wanted, self._epoch, seq - 1) if watches else None)
                plain = (LIVE_JOBS, audience_tenant)
                watches_plain = stream == NUMBERED_LIVE_JOBS and plain in watched
                if history is None and not watches_plain:
                    continue  # no viewer needs the message
                json = json or codec.encode(message_of(job, timestamp))
                if history is not None:
                    history.append(seq, json, monotonic)
                if watches:
                    numbered = codec.numbered(json, Position(self._epoch, seq))
                    self._hub.publish(wanted, outgoing(numbered, subject=job_id, revision=revision))
                if watches_plain:
                    self._hub.publish(plain, outgoing(json))
        self._last_of_tenants[tenant_id] = places[1][1]

    def _receive_progress(self, jobs: Sequence[Job]) -> None:
        """Show progress of each job at most twice a second. The last one of a burst is shown by a later round."""
        now, held = self._clock.monotonic(), self._held_progress
        for job in jobs:
            if self._shared:
                self._shown_early.note(job.job_id, job.revision)
            early = (
                self._burst_left <= 0
                or self._feed.behind
                or now - self._progress_shown_at.get(job.job_id, float("-inf")) < PROGRESS_GAP_SECONDS
            )
            if early or job.job_id in held:
                self._hold(job)
            else:
                self._burst_left -= 1
                self._show_progress(job)

    def _hold(self, job: Job) -> None:
        held = self._held_progress.get(job.job_id)
        if held is None or held.revision < job.revision:
            self._held_progress[job.job_id] = job

    def _show_progress(self, job: Job) -> None:
        if self._known(job.job_id) > job.revision:
            return  # a newer state was shown: after `completed` viewers must not see `running 20 %`
        self._progress_shown_at[job.job_id] = self._clock.monotonic()
        self._show_state(job, f"{job.job_id} {job.attempt} {job.status.value}")

    def _known(self, job_id: str) -> int:
        """The newest revision of a job that some viewer was shown."""
        return max(self._shown.get(job_id), self._shown_early.get(job_id))

    def _show_state(self, job: Job, key: str, reasons: Sequence[PendingReason] = ()) -> None:
        json = codec.encode(update_message(job, rfc3339(self._clock.now()), reasons))
        message = outgoing(json, Policy.LATEST, key, job.job_id, job.revision)
        for tenant_id in (None, job.tenant_id):
            self._hub.publish(audience(Channel.JOBS, tenant_id), message)

    # Rounds

    async def show_held_progress(self) -> None:
        """One round: read changes whose events are late, then show held progress, oldest first."""
        await self._look()
        await self._show_stored(await self._others.read_hinted())
        self._burst_left = min(self._progress_burst, self._burst_left + self._burst_per_round)
        if self._feed.behind:
            return
        latest, shown_at = self._clock.monotonic() - PROGRESS_GAP_SECONDS, self._progress_shown_at
        ready = (job for job in self._held_progress.values() if shown_at.get(job.job_id, float("-inf")) <= latest)
        for job in list(islice(ready, self._progress_per_round)):
            del self._held_progress[job.job_id]
            self._show_progress(job)

    async def _look(self) -> None:
        """Read late changes. Each second, look for changes that no hint named."""
        now = self._clock.monotonic()
        watched = self._watched()
        if watched and self._feed.overdue(now):
            await self._catch_up()
        elif now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if watched:
                self._feed.expect((await self._store.stream()).last, now)
            elif self._feed.behind:
                await self._skip_missed()

    async def _show_stored(self, read: Sequence[Job]) -> None:
        """Show the unnumbered changes, up to the read, of jobs that were read from the store."""
        if read:
            await self._catch_up()  # the read may be ahead of the events
        for job in read:
            if job.revision <= self._shown.get(job.job_id):
                continue
            if job.cancel_stage is not None:
                self._show_cancel(job)
            else:
                self._shown_early.note(job.job_id, job.revision)
                self._hold(job)

    async def show_reasons(self) -> None:
        """One round: show changed pending reasons of watched jobs. Does nothing without a viewer."""
        if not self._watched(Channel.JOBS):
            return self._reasons.clear_shown()
        found = await self._reasons.changed()
        if found:
            # The read may be ahead of the events; reasons of a job must not arrive before the job itself.
            await self._catch_up()
        for job, reasons in found:
            if self._shown.get(job.job_id) > job.revision:  # the job changed since the read; a later round shows them
                self._reasons.discard_shown(job.job_id)
                continue
            self._shown_early.note(job.job_id, job.revision)
            self._show_state(job, f"{job.job_id} waits", reasons)
        return None

    async def compare(self) -> None:
        """One round: show stored changes whose events did not arrive. The first one only notes the newest entry."""
        if not self._watched(Channel.JOBS):
            self._others.forget()
        elif self._shared:
            await self._show_stored(await self._others.read_changed(self._known))
        stopping = await self._store.stopping_jobs(self._last_event_id)
        missed = [one.job_id for one in stopping.jobs if one.revision > self._shown.get(one.job_id)]
        if self._watched():
            read = [await self._store.job(job_id) for job_id in missed]
            await self._catch_up()
            await self._show_stored([job for job in read if job is not None])
        self._last_event_id = stopping.last_event_id
        now = self._clock.monotonic()
        if now - self._turned_at >= REMEMBERED_SECONDS:
            self._turned_at = now
            self._shown.turn()
            self._shown_early.turn()

    async def _catch_up(self) -> None:
        """Show every change that was committed before this call."""
        while True:
            known = self._feed.known
            found = await self._store.changes_after(None, self._feed.last, self._page, self._feed.waiting)
            for change in found.changes:
                if change.seq > self._feed.last + 1:
                    self._give_up(change.seq - 1)
                self._take(change, change.numbers)
            if len(found.changes) < self._page:
                if found.last > self._feed.last:
                    self._give_up(found.last)
                return self._feed.refute(known, found.last)
            await self._clock.sleep(0)

    def _give_up(self, seq: int) -> None:
        """Skip missing changes up to this number: their jobs were deleted."""
        for ready in self._feed.give_up(seq, self._clock.monotonic()):
            self._show_change(*ready)

    @property
    def lag_seconds(self) -> float:
        """How long its viewers have waited for the next one; 0 without a viewer, for whom nothing is read."""
        return self._feed.lag_seconds(self._clock.monotonic()) if self._watched() else 0.0

    def _watched(self, *streams: str) -> bool:
        """Whether one of these streams has a viewer, or any stream."""
        return any(isinstance(one, tuple) and one[0] in (streams or JOB_STREAMS) for one in self._hub.audiences())

    async def _skip_missed(self) -> None:
        """Continue after the newest stored change, because no viewer waits for earlier ones."""
        state = await self._store.stream()
        if self._watched() or state.last <= self._feed.last:
            return
        ready = self._feed.give_up(state.last, self._clock.monotonic())
        self._last_of_tenants = state.by_tenant
        for tenant_id, last in ((None, state.last), *state.by_tenant.items()):
            for stream in stream_messages.MESSAGES:
                history = self.histories.kept.get(audience(stream, tenant_id))
                if history is not None:
                    history.skip(last)
        for job, numbers in ready:
            if numbers.seq > state.last:
                self._show_change(job, numbers)

    # Joining and resuming

    async def join(self, session: Session, stream: str, tenant_id: str | None, since: str | None) -> None:
        """Subscribe a viewer that requested positions.

        Sends `subscribed` first; it states whether the position could be recovered. Then come the changes after that
        position, or a snapshot and its end mark. No change is missing or sent twice.
        """
        position = Position.parse(since) if since is not None else None
        await self._become_current(tenant_id, position)
        history = self.histories.begin(audience(stream, tenant_id), self._epoch, self._last(tenant_id))
        if position is not None and (missed := history.since(position)) is not None:
            # No await between reading the history and subscribing, which flushes the audience: a change in between
            # would be missing or sent twice.
            self._hub.subscribe(session, audience(stream, tenant_id), catching_up=True)
            await session.accept()
            replayed = (stream_messages.replayed_message(history.epoch, entry.seq, entry.body) for entry in missed)
            await self._resume(session, stream, tenant_id, position, replayed)
            return
        # The cost of a snapshot grows with the number of open jobs, so it waits for its turn. The connection opens
        # before that; the snapshot contains the changes made meanwhile.
        await session.accept()
        async with self._snapshot_turns.turn(session.principal):
            await self._join_from_store(session, stream, tenant_id, position)

    async def join_with_snapshot(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """Subscribe a viewer that requested no position, with a snapshot first."""
        async with self._snapshot_turns.turn(session.principal):
            await self._become_current(tenant_id)
            self._hub.subscribe(session, audience(stream, tenant_id), catching_up=True)
            await self._send_snapshot(session, stream, tenant_id)

    async def join_later_changes(self, session: Session, tenant_id: str | None) -> None:
        """Subscribe a viewer that requested neither a position nor a snapshot."""
        await self._become_current(tenant_id)
        self._hub.subscribe(session, audience(LIVE_JOBS, tenant_id))

    async def _become_current(self, tenant_id: str | None, position: Position | None = None) -> None:
        """Pass over changes without a viewer, or reach a position that a viewer has from another instance."""
        if not self._watched():
            await self._skip_missed()
        elif position is not None and position.epoch == self._epoch and position.seq > self._last(tenant_id):
            await self._catch_up()

    async def _join_from_store(
        self, session: Session, stream: str, tenant_id: str | None, position: Position | None
    ) -> None:
        wanted = audience(stream, tenant_id)
        history = self.histories.begin(wanted, self._epoch, self._last(tenant_id))
        self._hub.subscribe(session, wanted, catching_up=True)
        here = history.position
        missed = await self._missed(tenant_id, position, here.seq) if position is not None else None
        if missed is None or position is None:
            session.send(stream_messages.begin_message(stream, here, recovered=False))
            await self._send_snapshot(session, stream, tenant_id)
            session.send(stream_messages.end_message(stream, history.position))
            return
        message_of = stream_messages.MESSAGES[stream]
        replayed = (
            stream_messages.replayed_message(self._epoch, seq, codec.encode(message_of(change, rfc3339(change.at))))
            for seq, change in enumerate(missed, position.seq + 1)
        )
        await self._resume(session, stream, tenant_id, position, replayed)

    async def _missed(self, tenant_id: str | None, position: Position, last: int) -> list[ShownChange] | None:
        """The changes after a position up to the number `last`; `None` if they are too many, or not all are stored."""
        if position.epoch != self._epoch:
            return None
        if position.seq > last:
            self._warn_of_an_older_database(position)
            return None
        number = last - position.seq
        if number > self._max_missed:
            return None
        missed = (await self._store.changes_after(tenant_id, position.seq, number)).changes
        numbers = [change.seq if tenant_id is None else change.tenant_seq for change in missed]
        return missed if numbers == list(range(position.seq + 1, last + 1)) else None

    def _warn_of_an_older_database(self, position: Position) -> None:
        if not self._database_went_back:
            self._database_went_back = True
            logger.warning(
                "a viewer has position %d of this database, whose newest is older: if the file was restored from a "
                "backup, stop the server and run `casare db restored`",
                position.seq,
            )

    async def _resume(
        self,
        session: Session,
        stream: str,
        tenant_id: str | None,
        position: Position,
        missed: Iterable[OutboundMessage],
    ) -> None:
        """Send the missed changes, then the changes that were held back meanwhile.

        The messages are made page by page, because making thousands would hold up the other connections.
        """
        session.send(stream_messages.begin_message(stream, position, recovered=True))
        for sent, message in enumerate(missed):
            if sent and sent % SNAPSHOT_PAGE == 0:
                await session.drained()
                await self._clock.sleep(0)
            session.deliver(message)
        self._hub.caught_up(session, audience(stream, tenant_id), {})

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
                self._shown_early.note(job.job_id, job.revision)
            if len(page) < SNAPSHOT_PAGE or session.closing:
                break
            last = page[-1].job_id
            await session.drained()
            if len(seen) >= FAST_SNAPSHOT_JOBS:
                await self._clock.sleep(SNAPSHOT_PAUSE_SECONDS)
        await self._catch_up()  # the snapshot may be ahead of the events
        self._hub.caught_up(session, audience(stream, tenant_id), seen)

    def _present(self, stream: str, job: Job) -> protocol.Message:
        timestamp = rfc3339(self._clock.now())
        if stream == NUMBERED_LIVE_JOBS:
            return live_message(job, timestamp)
        return update_message(job, timestamp, self._reasons.shown(job.job_id))

    def _last(self, tenant_id: str | None) -> int:
        """The number of the last shown change."""
        return self._feed.last if tenant_id is None else self._last_of_tenants.get(tenant_id, 0)
