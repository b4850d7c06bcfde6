"""Named bugs that are injected into the running product. The simulation must find each of them.

Each is a plausible mistake in one place. The end of its context removes it.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from dataclasses import replace
from typing import Any
from unittest import mock

import msgspec

from casare_rpa.domain import codec, job_table, job_updates, protocol, transitions, vocabulary
from casare_rpa.domain.feed import Entry, Feed, History, Position
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.job_events import Report, Step, Transition
from casare_rpa.domain.job_messages import VisibleJob, live_message, update_message
from casare_rpa.domain.job_records import ChangeNumbers
from casare_rpa.domain.job_table import TransitionRule
from casare_rpa.domain.robots import Profile
from casare_rpa.infrastructure.orchestrator import endpoints
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.hub.answers import AnswerQueue
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import outgoing
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher
from casare_rpa.infrastructure.orchestrator.jobs.job_reports import JobReports, PendingReport
from casare_rpa.infrastructure.orchestrator.jobs.queue_commands import QueueCommands
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import Rescuer
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler
from casare_rpa.infrastructure.orchestrator.robots.resync import Resync
from casare_rpa.infrastructure.orchestrator.storage.sqlite import claims, heartbeat_writes, job_changes
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.views import job_stream, stream_messages
from casare_rpa.infrastructure.orchestrator.views.channels import LIVE_JOBS, audience
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream

Patch = AbstractContextManager[Any]


def _rows(**applied: Callable[[TransitionRule], TransitionRule | None]) -> Patch:
    """The table with changed rows, by event name; `None` removes a row."""
    table = {
        event: [row for one in rows if (row := applied.get(event, lambda same: same)(one)) is not None]
        for event, rows in job_table._BY_EVENT.items()
    }
    return mock.patch.object(job_table, "_BY_EVENT", table)


def _every(change: Callable[[TransitionRule], TransitionRule | None]) -> Patch:
    return _rows(**dict.fromkeys(job_table._BY_EVENT, change))


# Early acknowledgements and unchecked reports


def ack_before_commit() -> Patch:
    """Reports are acknowledged when they arrive."""
    put = JobReports._put

    def acked(self: JobReports, waiting: PendingReport, **admitted: bool) -> Any:
        waiting.connection.answers.settle(waiting.answers)
        waiting.answers.clear()
        return put(self, waiting, **admitted)

    return mock.patch.object(JobReports, "_put", acked)


def no_attempt_guard() -> Patch:
    """A report counts for the current attempt of the job, for any robot and attempt."""

    def fence(job: Job, event: Report, now: Any) -> Any:
        had_it = event.robot_id in (job.robot_id, *job.former_robots)
        return None if had_it else transitions.fence(job, event, now)

    return _every(lambda row: replace(row, apply=fence) if row.number == "T0, T20" else row)


def no_robot_guard() -> Patch:
    """Any robot may report on any job."""

    def fence(job: Job, event: Report, now: Any) -> Any:
        return None if event.attempt in (None, job.attempt) else transitions.fence(job, event, now)

    return _every(lambda row: replace(row, apply=fence) if row.number == "T0, T20" else row)


def claim_of_an_ended_job_is_acknowledged() -> Patch:
    """A robot that was disconnected during the cancel of its job may continue."""
    return _rows(claimed=lambda row: None if row.number == "T20" else row)


# Connected robots


def clean_up_by_robot_id() -> Patch:
    """The end of a connection disconnects the robot even if it has a newer one."""
    detach = Hub.detach

    def gone_by_id(self: Hub, session: Any) -> None:
        detach(self, session)
        self._robots.pop(session.principal.robot_id, None)

    async def gone(self: Presence, connection: RobotConnection) -> None:
        live = self._fleet.get(connection.robot_id)
        if live is not None:
            live.connection = None
            live.mark_changed()

    stack = ExitStack()
    stack.enter_context(mock.patch.object(Hub, "detach", gone_by_id))
    stack.enter_context(mock.patch.object(Presence, "disconnect", gone))
    return stack


def slots_in_a_counter() -> Patch:
    """Slots are counted down by offers and up by ends; expired offers are not counted."""

    def jobs_changed(self: Fleet, changes: Iterable[tuple[Job | None, Job]], now: float) -> list[str]:
        changed: list[str] = []
        for _, job in changes:
            live = self.get(job.robot_id or "")
            if live is None:
                continue
            self.changes += 1
            live.changes = self.changes
            if job.phase is Phase.OFFER:
                live.held[job.job_id] = job.status
            elif job.finished_at is not None:
                live.held.pop(job.job_id, None)
            live.mark_changed()
            changed.append(live.robot.robot_id)
        return changed

    def nothing(self: LiveRobot, held: Any) -> None:
        pass

    stack = ExitStack()
    stack.enter_context(mock.patch.object(Fleet, "jobs_changed", jobs_changed))
    stack.enter_context(mock.patch.object(LiveRobot, "hold", nothing))
    return stack


def slots_not_recounted() -> Patch:
    """The store trusts the free slots of the dispatcher, which does not load the earlier jobs of a robot."""

    def hold(self: LiveRobot, held: Any) -> None:
        self.held = {}
        self.mark_changed()

    stack = ExitStack()
    stack.enter_context(mock.patch.object(claims, "_recount", return_value=False))
    stack.enter_context(mock.patch.object(LiveRobot, "hold", hold))
    return stack


# Leases and offers


def lease_renewed_after_the_end() -> Patch:
    """Frames renew the leases of all listed jobs, also of ended ones."""
    text = "UPDATE jobs SET lease_expires_at = value ->> 3 FROM json_each(?) "
    text += "WHERE (job_id, robot_id, attempt) = (value ->> 0, value ->> 1, value ->> 2)"
    return mock.patch.object(heartbeat_writes, "RENEW_LISTED", text)


def rescuer_without_recheck() -> Patch:
    """The rescuer writes its changes seconds after its read, without a second check."""
    look = SqliteStore.due

    async def due(self: SqliteStore, at: Any, limit: int, instance: str) -> list[tuple[str, str]]:
        found = await look(self, at, limit, instance)
        if found:
            await asyncio.sleep(5.0)
        return found

    def lost(job: Job, event: Any, now: Any) -> Any:
        return transitions.lose_job(job, Transition.LOST, "nothing heard", event.jitter, now)

    def expired(job: Job, event: Any, now: Any) -> Any:
        return Step(Transition.UNOFFERED, job_updates.requeue(job), kind="offer_expired")

    rows = _rows(
        lease_over=lambda row: replace(row, sources=tuple(Phase), apply=lost),
        offer_expired=lambda row: replace(row, sources=tuple(Phase), apply=expired),
    )
    stack = ExitStack()
    stack.enter_context(mock.patch.object(SqliteStore, "due", due))
    stack.enter_context(rows)
    return stack


def offers_to_1_0_robots_expire_early() -> Patch:
    """Offers to 1.0 robots expire after 15 seconds, although contract 1.0 does not require `claimed`."""
    return mock.patch.object(transitions, "HELD_OFFER_SECONDS", 15)


def signs_of_work_are_ignored() -> Patch:
    """A log line of a job, or `busy`, does not claim the job."""
    return _rows(work_seen=lambda row: None)


def idle_means_that_a_robot_has_nothing() -> Patch:
    """`idle` ends the jobs of a robot also if it has free slots, and after two heartbeats in quick succession."""

    def give_up(self: Presence, connection: RobotConnection, heartbeat: protocol.Heartbeat) -> Any:
        idle = heartbeat.status is vocabulary.RobotStatus.IDLE and connection.active_jobs is None
        again = idle and connection.idle_since is not None
        connection.idle_since = 0.0 if idle else None
        return self._reconciler.give_up_all(connection) if again else None

    return mock.patch.object(Presence, "_give_up_by_idle", give_up)


def any_process_ends_the_jobs_of_another() -> Patch:
    """A process that connects without a job ends it, though another process of the robot is at work on it."""

    def lost(job: Job, event: Any, now: Any) -> Any:
        return transitions.lose_unheld(job, msgspec.structs.replace(event, process=job.process), now)

    return _rows(not_held=lambda row: replace(row, apply=lost))


def refused_frames_prove_no_life() -> Patch:
    """A robot whose every heartbeat is refused is connected, and its leases end."""
    refuse = AnswerQueue.refuse

    def silent(self: AnswerQueue, error: Any, message_id: Any) -> Any:
        self._session.frame_unwritten = False
        return refuse(self, error, message_id)

    return mock.patch.object(AnswerQueue, "refuse", silent)


def no_new_window_after_a_pause() -> Patch:
    """A pause of the server expires leases."""

    async def nothing(self: Rescuer, pause: str) -> None:
        pass

    return mock.patch.object(Rescuer, "_open_window", nothing)


def held_jobs_given_up_on_return() -> Patch:
    """A robot that reconnects is treated as one without jobs."""

    async def reconcile(self: Reconciler, connection: RobotConnection, active: set[tuple[str, int]]) -> None:
        connection.reconciled = True
        await self.give_up_all(connection)

    return mock.patch.object(Reconciler, "reconcile", reconcile)


def one_start_too_many() -> Patch:
    """`max_attempts` limits the retries instead of the starts."""
    return mock.patch.object(Job, "attempts_left", property(lambda job: job.starts <= job.max_attempts))


# Commands


def cancel_of_an_ended_job() -> Patch:
    """A cancel ends a job that has already ended."""

    def cancel(row: TransitionRule) -> TransitionRule:
        if row.number != "T11":
            return row
        return replace(row, sources=(*row.sources, Phase.COMPLETED))

    return _rows(cancel=cancel)


def pause_in_memory() -> Patch:
    """A restart removes the pause of a queue."""
    paused: dict[int, bool] = {}

    async def pause(self: QueueCommands, who: Any, name: str, reason: str = "") -> None:
        paused[id(self._bus)] = True

    async def resume(self: QueueCommands, who: Any, name: str, reason: str = "") -> None:
        paused.pop(id(self._bus), None)

    dispatch = Dispatcher.dispatch

    async def round_(self: Dispatcher) -> None:
        if paused.get(id(self._bus)):
            await self._clock.sleep(1.0)
        else:
            await dispatch(self)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(QueueCommands, "pause", pause))
    stack.enter_context(mock.patch.object(QueueCommands, "resume", resume))
    stack.enter_context(mock.patch.object(Dispatcher, "dispatch", round_))
    return stack


def idempotency_keys_ignored() -> Patch:
    """A repeated submit creates another job."""
    stack = ExitStack()
    stack.enter_context(mock.patch.object(job_changes, "KNOWN_KEYS", "SELECT 1, 2, 3, 4 FROM json_each(?) WHERE false"))
    stack.enter_context(
        mock.patch.object(job_changes, "INSERT_KEYS", job_changes.INSERT_KEYS.replace("INSERT", "REPLACE", 1))
    )
    return stack


# Viewers


def shown_before_commit() -> Patch:
    """Viewers get a report when it arrives, before its commit."""
    put = JobReports._put

    def shown(self: JobReports, waiting: PendingReport, **admitted: bool) -> Any:
        status = "running" if waiting.event is None else getattr(waiting.event, "status", None)
        if status is not None:
            frame = {"type": "job_update", "job_id": waiting.job_id, "status": status, "timestamp": ""}
            for tenant_id in (None, waiting.connection.tenant_id):
                _HUBS[id(self._fleet)].publish(audience(LIVE_JOBS, tenant_id), outgoing(json.dumps(frame).encode()))
        return put(self, waiting, **admitted)

    made = Presence.__init__

    def remember(self: Presence, store: Any, bus: Any, hub: Hub, fleet: Fleet, *others: Any) -> None:
        made(self, store, bus, hub, fleet, *others)
        _HUBS[id(fleet)] = hub

    stack = ExitStack()
    stack.callback(_HUBS.clear)
    stack.enter_context(mock.patch.object(Presence, "__init__", remember))
    stack.enter_context(mock.patch.object(JobReports, "_put", shown))
    return stack


_HUBS: dict[int, Hub] = {}


def snapshot_without_catching_up() -> Patch:
    """Changes during the read of a snapshot are not sent after it."""

    def forget(self: Hub, session: Any, wanted: Any, seen: dict[str, int]) -> None:
        group = self.groups.get(wanted)
        if group is not None:
            group.catching_up.pop(session, None)

    return mock.patch.object(Hub, "caught_up", forget)


def tenants_see_all() -> Patch:
    """Job updates go to the viewers of every tenant."""

    def show(self: JobStream, job: VisibleJob, place: ChangeNumbers) -> None:
        timestamp = rfc3339(place.at)
        for tenant_id in (None, "blue", "red"):
            self._hub.publish(
                audience(vocabulary.Channel.JOBS, tenant_id), outgoing(codec.encode(update_message(job, timestamp)))
            )
            self._hub.publish(audience(LIVE_JOBS, tenant_id), outgoing(codec.encode(live_message(job, timestamp))))

    return mock.patch.object(JobStream, "_show_change", show)


def secret_in_the_log() -> Patch:
    """A refused or accepted key is written to the log."""
    holder = Authenticator.key_holder

    async def logged(self: Authenticator, key_text: str | None) -> Any:
        logging.getLogger(endpoints.__name__).info("key %s", key_text)
        return await holder(self, key_text)

    return mock.patch.object(Authenticator, "key_holder", logged)


# Viewers that reconnect, and the clock


def history_begins_one_late() -> Patch:
    """A viewer that reconnects gets the missed changes except for the first."""
    since = History.since

    def one_less(self: History, position: Position) -> list[Entry] | None:
        missed = since(self, position)
        return missed[1:] if missed else missed

    return mock.patch.object(History, "since", one_less)


def watched_after_the_history_was_read() -> Patch:
    """The history is read and sent before the viewer is subscribed, with an await between both."""
    join = JobStream.join

    async def late(self: JobStream, session: Any, stream: str, tenant_id: str | None, since: str | None) -> None:
        position = Position.parse(since) if since is not None else None
        history = self.histories.begin(audience(stream, tenant_id), self._epoch, self._last(tenant_id))
        missed = history.since(position) if position is not None else None
        if missed is None or position is None:
            return await join(self, session, stream, tenant_id, since)
        await session.accept()
        session.send(stream_messages.begin_message(stream, position, recovered=True))
        for entry in missed:
            session.deliver(stream_messages.replayed_message(history.epoch, entry.seq, entry.body))
        await self._store.stream()
        return self._hub.subscribe(session, audience(stream, tenant_id))

    return mock.patch.object(JobStream, "join", late)


def change_without_a_number() -> Patch:
    """The change to `running` is sent to connected viewers without a number and is not kept for others."""
    show = JobStream._show_change

    def unnumbered(self: JobStream, job: VisibleJob, place: ChangeNumbers) -> None:
        if job.status is not vocabulary.JobStatus.RUNNING:
            return show(self, job, place)
        for stream, message_of in {**stream_messages.MESSAGES, LIVE_JOBS: live_message}.items():
            json = codec.encode(message_of(job, rfc3339(self._clock.now())))
            told = outgoing(json, subject=job.job_id, revision=job.revision)
            for tenant_id in (None, job.tenant_id):
                self._hub.publish(audience(stream, tenant_id), told)
        return None

    return mock.patch.object(JobStream, "_show_change", unnumbered)


def epoch_of_the_process() -> Patch:
    """Each process begins an epoch, so that a viewer loses its position with each restart."""
    load = JobStream.load

    async def fresh(self: JobStream) -> None:
        await load(self)
        self._epoch = f"{self._clock.now():016x}"

    return mock.patch.object(JobStream, "load", fresh)


def number_not_last() -> Patch:
    """A commit that fails has taken its numbers already: the next one leaves a gap."""
    reload = job_changes.ChangeCounters.reload

    def once(self: job_changes.ChangeCounters, connection: Any) -> None:
        if not self.counters.last:
            reload(self, connection)

    return mock.patch.object(job_changes.ChangeCounters, "reload", once)


def gap_in_the_store_is_not_noticed() -> Patch:
    """A viewer resumes with the changes that the store has, complete or not: here without the last one."""
    read = SqliteStore.changes_after

    async def fewer(self: SqliteStore, tenant_id: str | None, after: int, limit: int, known: Any = ()) -> Any:
        page = await read(self, tenant_id, after, limit, known)
        return msgspec.structs.replace(page, changes=page.changes[:-1]) if limit < job_stream.PAGE else page

    async def unchecked(self: JobStream, tenant_id: str | None, position: Position, last: int) -> Any:
        if position.epoch != self._epoch or position.seq > last:
            return None
        return (await self._store.changes_after(tenant_id, position.seq, last - position.seq)).changes

    stack = ExitStack()
    stack.enter_context(mock.patch.object(SqliteStore, "changes_after", fewer))
    stack.enter_context(mock.patch.object(JobStream, "_missed", unchecked))
    return stack


def position_of_a_snapshot_is_that_of_its_begin() -> Patch:
    """Changes during a snapshot are sent again to a viewer that reconnects."""
    join, end = JobStream._join_from_store, stream_messages.end_message
    begun: ContextVar[Position] = ContextVar("begun")

    async def remember(
        self: JobStream, session: Any, stream: str, tenant_id: str | None, position: Position | None
    ) -> None:
        begun.set(self.histories.begin(audience(stream, tenant_id), self._epoch, self._last(tenant_id)).position)
        await join(self, session, stream, tenant_id, position)

    def too_early(stream: str, position: Position) -> Any:
        return end(stream, begun.get())

    stack = ExitStack()
    stack.enter_context(mock.patch.object(JobStream, "_join_from_store", remember))
    stack.enter_context(mock.patch.object(stream_messages, "end_message", too_early))
    return stack


def clock_begins_at_the_wall() -> Patch:
    """A clock set back over a restart delays every stored deadline."""
    return mock.patch.object(SqliteStore, "newest_instant", mock.AsyncMock(return_value=None))


def offers_expire_under_work() -> Patch:
    """A claim does not remove the expiry of its offer."""
    claimed = job_updates.claim

    def claim(job: Job, session_id: str, now: Any) -> Job:
        return msgspec.structs.replace(claimed(job, session_id, now), offer_expires_at=job.offer_expires_at)

    def expired(row: TransitionRule) -> TransitionRule:
        return replace(row, sources=(*row.sources, Phase.CLAIMED, Phase.RUNNING)) if row.number == "T4" else row

    stack = ExitStack()
    stack.enter_context(mock.patch.object(transitions, "claim", claim))
    stack.enter_context(_rows(offer_expired=expired))
    return stack


# Lost, late and repeated events inside the server


def lost_event_keeps_its_slot() -> Patch:
    """The fleet is never compared with the store."""

    async def nothing(self: Resync) -> None:
        pass

    return mock.patch.object(Resync, "compare", nothing)


def lost_event_is_never_shown() -> Patch:
    """Viewers get only changes whose event arrived."""

    def put(self: Feed[Any], seq: int, item: Any, _now: float) -> list[Any]:
        newer = seq > self.last
        self.last = self.known = max(seq, self.last)
        return [item] if newer else []

    async def nothing(self: JobStream) -> None:
        pass

    stack = ExitStack()
    stack.enter_context(mock.patch.object(Feed, "put", put))
    stack.enter_context(mock.patch.object(JobStream, "_catch_up", nothing))
    return stack


def late_event_takes_back_a_newer_one() -> Patch:
    """A change is shown when its event arrives, also after a newer one."""
    put = Feed.put

    def at_once(self: Feed[Any], seq: int, item: Any, now: float) -> list[Any]:
        if seq > self.last + 1:
            self.last = self.known = seq
            return [item]
        return put(self, seq, item, now) or ([item] if self.last - seq < 3 and self.last > seq else [])

    return mock.patch.object(Feed, "put", at_once)


def repeated_event_is_numbered_again() -> Patch:
    """A change is shown each time its event arrives."""
    put = Feed.put

    def again(self: Feed[Any], seq: int, item: Any, now: float) -> list[Any]:
        return [item] if seq == self.last else put(self, seq, item, now)

    return mock.patch.object(Feed, "put", again)


def progress_overtakes_a_lost_change() -> Patch:
    """Progress is shown although a change that was committed before it was not."""
    return mock.patch.object(Feed, "behind", False)


def workflows_ignored() -> Patch:
    """Jobs of every workflow are offered to every robot; lists of workflows have no effect."""
    return mock.patch.object(Profile, "has_workflow", return_value=True)


def denied_workflow_offered_again() -> Patch:
    """A robot that answers `unknown_workflow` is offered the same workflow again."""
    return mock.patch.object(LiveRobot, "refuse_workflow")


MUTANTS: dict[str, Callable[[], Patch]] = {
    mutant.__name__: mutant
    for mutant in (
        ack_before_commit,
        no_attempt_guard,
        no_robot_guard,
        claim_of_an_ended_job_is_acknowledged,
        clean_up_by_robot_id,
        slots_in_a_counter,
        slots_not_recounted,
        lease_renewed_after_the_end,
        rescuer_without_recheck,
        offers_to_1_0_robots_expire_early,
        signs_of_work_are_ignored,
        idle_means_that_a_robot_has_nothing,
        any_process_ends_the_jobs_of_another,
        refused_frames_prove_no_life,
        no_new_window_after_a_pause,
        held_jobs_given_up_on_return,
        one_start_too_many,
        cancel_of_an_ended_job,
        pause_in_memory,
        idempotency_keys_ignored,
        shown_before_commit,
        snapshot_without_catching_up,
        tenants_see_all,
        secret_in_the_log,
        history_begins_one_late,
        watched_after_the_history_was_read,
        change_without_a_number,
        epoch_of_the_process,
        number_not_last,
        gap_in_the_store_is_not_noticed,
        position_of_a_snapshot_is_that_of_its_begin,
        clock_begins_at_the_wall,
        offers_expire_under_work,
        lost_event_keeps_its_slot,
        lost_event_is_never_shown,
        late_event_takes_back_a_newer_one,
        repeated_event_is_numbered_again,
        progress_overtakes_a_lost_change,
        workflows_ignored,
        denied_workflow_offered_again,
    )
}
