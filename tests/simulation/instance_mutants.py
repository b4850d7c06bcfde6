"""Named bugs of a program that runs as several instances. The simulation must find each of them with INSTANCES=3."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest import mock

import msgspec

from casare_rpa.domain import job_table, transitions
from casare_rpa.domain.feed import Position
from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job import Job
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.infrastructure.orchestrator.auth.tickets import Tickets
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import Rescuer
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.robots.remote_robots import RemoteRobots
from casare_rpa.infrastructure.orchestrator.storage.cold import job_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite import session_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.job_changes import ChangeCounters
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import StoredPlacements
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.statements import Statement
from casare_rpa.infrastructure.orchestrator.views.job_stream import JobStream

Patch = AbstractContextManager[Any]


def _changed(name: str, before: str, after: str) -> Patch:
    """A statement of `job_rows` with another text."""
    source = str(getattr(job_rows, name)._source)
    assert before in source
    return mock.patch.object(job_rows, name, Statement(source.replace(before, after)))


def _nothing(self: Any, *_: Any) -> None:
    pass


def hint_trusted() -> Patch:
    """A hint counts as the changes that it announces: they are not read from the store."""
    receive = JobStream._receive

    def trusting(self: JobStream, event: Any) -> None:
        if isinstance(event, Hint) and event.jobs > self._feed.last:
            self._give_up(event.jobs)
        else:
            receive(self, event)

    trusting.__annotations__ = receive.__annotations__
    return mock.patch.object(JobStream, "_receive", trusting)


def numbers_not_followed() -> Patch:
    """An instance gives numbers after its own last ones, not after those of all instances."""
    return mock.patch.object(ChangeCounters, "follow", _nothing)


def placement_cache_stale() -> Patch:
    """An instance does not see the waiting lines that another one opened."""
    return mock.patch.object(StoredPlacements, "follow", _nothing)


def foreign_lease_judged() -> Patch:
    """Each instance judges the leases of all robots, also of those whose frames another one has not written yet."""
    return _changed("DUE", job_rows._HERE, "true")


def session_fence_missing() -> Patch:
    """The store accepts claims and heartbeats of sessions that were replaced at another instance."""
    return mock.patch.object(session_rows, "lost", return_value=[])


def adopted_without_a_window() -> Patch:
    """The robots of a dead instance get no time to connect to another one."""
    adopt = SqliteStore.adopt

    async def at_once(self: SqliteStore, dead: Any, at: Instant, until: Instant) -> Any:
        return await adopt(self, dead, at, at)

    return mock.patch.object(SqliteStore, "adopt", at_once)


def window_taken_back() -> Patch:
    """A report that waited in an instance that stood still shortens the lease that another one has extended."""
    renew = transitions.renew

    def shorter(job: Job, session_id: str | None, now: Instant) -> Job:
        return msgspec.structs.replace(renew(job, session_id, now), lease_expires_at=after(now, LEASE_SECONDS))

    return mock.patch.object(transitions, "renew", shorter)


def claim_ends_a_held_offer() -> Patch:
    """A claim that waited in an instance that stood still begins a lease that ends before its offer would."""
    claim = transitions.claim

    def shorter(job: Job, session_id: str, now: Instant) -> Job:
        return msgspec.structs.replace(claim(job, session_id, now), lease_expires_at=after(now, LEASE_SECONDS))

    return mock.patch.object(transitions, "claim", shorter)


def late_lease_is_over() -> Patch:
    """A lease that was over before an instance could read it is not extended."""
    rows = [row for row in job_table._BY_EVENT["lease_over"] if row.apply is not transitions.extend_late_lease]
    return mock.patch.dict(job_table._BY_EVENT, {"lease_over": rows})


def no_window_without_a_connection() -> Patch:
    """After an outage of the store, robots without a connection get no time to connect.

    It removes two rules, of which each gives the first window: the leases of these robots are extended in the store,
    and no instance ends a lease for 90 s. Without the first rule alone, the job of a robot that does not connect would
    be lost after two windows: a lease that ended in the first one would be found late, and extended.
    """
    mine = "AND robot_id IN (SELECT robot_id FROM robot_sessions WHERE session_id IS NOT NULL AND instance = :instance)"
    texts = (job_rows._LEASES_HELD, job_rows.EXTEND_OFFERS)
    opened = Rescuer._open_window

    async def window(self: Rescuer, pause: str) -> None:
        await opened(self, pause)
        self._nothing_lost_before = self._clock.now()

    stack = ExitStack()
    extended = tuple(Statement(f"{text} {mine}") for text in texts)
    stack.enter_context(mock.patch.object(job_rows, "_EXTEND_JUDGED", extended))
    stack.enter_context(mock.patch.object(Rescuer, "_open_window", window))
    return stack


def lease_from_the_time_of_the_write() -> Patch:
    """A lease begins when the heartbeat is written, not when its frame arrived."""

    def seen_at(self: RobotConnection, now: Instant, monotonic: float) -> Instant:
        return now

    return mock.patch.object(RobotConnection, "seen_at", seen_at)


def report_does_not_extend_the_list() -> Patch:
    """Frames renew only the jobs of the robot's last list, not one that it claimed since."""

    def note_reports(self: RobotConnection, attempts: Sequence[tuple[str, int | None]], at: Instant) -> None:
        self.reported.update((job_id, at) for job_id, _ in attempts)

    return mock.patch.object(RobotConnection, "note_reports", note_reports)


def connection_of_an_ended_session_stays() -> Patch:
    """A connection whose session another instance ended stays open as long as its robot says nothing."""
    return mock.patch.object(RemoteRobots, "_close_ended", _nothing)


def tallies_without_slot() -> Patch:
    """Jobs are counted as if one instance had written all tallies."""
    return _changed("COUNTS", "minute > wanted.since", "minute > wanted.since AND slot < 2")


def ticket_spent_twice() -> Patch:
    """Only the instance that accepted a ticket knows that it is used."""
    redeem = Tickets.redeem
    used: dict[int, set[str]] = {}

    async def here(self: Tickets, text: str, endpoint: str) -> Any:
        mine = used.setdefault(id(self), set())
        first = text not in mine
        mine.add(text)
        with mock.patch.object(type(self._store), "spend", mock.AsyncMock(return_value=first)):
            return await redeem(self, text, endpoint)

    stack = ExitStack()
    stack.callback(used.clear)
    stack.enter_context(mock.patch.object(Tickets, "redeem", here))
    return stack


def ticket_of_another_instance_refused() -> Patch:
    """Tickets are kept in the memory of the instance that issued them."""
    verified = Tickets._verified

    def known(self: Tickets, text: str) -> Any:
        ticket = verified(self, text)
        if ticket.ticket_id not in self._unused:
            verified(self, "unknown")
        return ticket

    return mock.patch.object(Tickets, "_verified", known)


def position_of_another_instance_is_unknown() -> Patch:
    """A viewer gets a snapshot from an instance that is not as far as the one before."""

    async def nothing(self: JobStream, tenant_id: str | None, position: Position | None) -> None:
        pass

    return mock.patch.object(JobStream, "_become_current", nothing)


INSTANCE_MUTANTS: dict[Callable[[], Patch], tuple[str, ...]] = {
    hint_trusted: ("I7", "I8"),
    numbers_not_followed: ("FAULT",),
    placement_cache_stale: ("I5",),
    foreign_lease_judged: ("LOST",),
    session_fence_missing: ("LOST", "STUCK", "I1", "I6"),
    adopted_without_a_window: ("LOST",),
    window_taken_back: ("LOST",),
    claim_ends_a_held_offer: ("LOST",),
    late_lease_is_over: ("LOST",),
    no_window_without_a_connection: ("LOST",),
    lease_from_the_time_of_the_write: ("LOST",),
    report_does_not_extend_the_list: ("LOST",),
    connection_of_an_ended_session_stays: ("STUCK",),
    tallies_without_slot: ("STUCK",),
    ticket_spent_twice: ("TICKET",),
    ticket_of_another_instance_refused: ("TICKET",),
    position_of_another_instance_is_unknown: ("I8",),
}
"""Each with the invariants that must find it."""
