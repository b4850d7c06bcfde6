"""The expected contents of a store in plain dictionaries: the pure table applied to one event at a time."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job import Job, Phase, Reason
from casare_rpa.domain.job_events import UNKNOWN_JOB, Offered, OfferRejected, Report, Step
from casare_rpa.domain.job_messages import VisibleJob, looks_the_same
from casare_rpa.domain.job_records import Added, Applied, Change, JobFilter, JobHistoryEntry, JobToAdd
from casare_rpa.domain.job_table import HELD, advance
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import LostSession
from casare_rpa.domain.robots import Placement, may_run
from casare_rpa.domain.selection import Head, Slot, Slots, choose
from casare_rpa.domain.statistics import Counts
from casare_rpa.domain.vocabulary import JobStatus
from storage.values import MINUTE

DAY_MINUTES = 24 * 60

Entry = tuple[Instant, str, str | None, JobStatus, int, str | None, str | None, str | None, str | None]
"""A history entry without its ids."""


ShownState = tuple[object, ...]
STATE = ("status", "visible_robot_id", "reason", "attempt", "progress", "message", "contact_lost", "cancel_stage")
"""What viewers see of a job that can change."""


def entry_of(stored: JobHistoryEntry) -> Entry:
    who = (stored.robot_id, stored.session_id, stored.by, stored.note)
    return (stored.at, stored.number, stored.kind, stored.status, stored.attempt, *who)


def state_of(job: VisibleJob) -> ShownState:
    """What viewers see of a job, or of a stored change of one."""
    return tuple(getattr(job, name) for name in STATE)


@dataclass
class Model:
    """Slow and simple. `offers` has the robot of each attempt, separate from the rows."""

    walked: ClassVar[Counter[str]] = Counter()
    """How often each row of the table was applied, by all models."""

    jobs: dict[str, Job] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    history: dict[str, list[Entry]] = field(default_factory=dict)
    shown: dict[str, list[ShownState]] = field(default_factory=dict)
    """What viewers see of each job, change by change."""
    offers: dict[tuple[str, int], str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)

    def add_all(self, new: Sequence[JobToAdd]) -> list[Added | None]:
        """Apply a call completely or not at all."""
        before = dict(self.keys), dict(self.jobs), dict(self.history), dict(self.shown)
        added = [self.add(one) for one in new]
        if None not in added:
            return added
        self.keys, self.jobs, self.history, self.shown = before
        return [None] * len(added)

    def add(self, new: JobToAdd) -> Added | None:
        job = new.job
        if new.idempotency_key is not None:
            key = (job.tenant_id, new.idempotency_key)
            if key in self.keys:
                digest, job_id = self.keys[key]
                return Added(self.jobs[job_id], created=False) if digest == new.body_digest else None
            self.keys[key] = (new.body_digest, job.job_id)
        self.jobs[job.job_id] = job
        self.history[job.job_id] = [(job.submitted_at, "T1", "submitted", job.status, 0, None, None, None, None)]
        self.shown[job.job_id] = [state_of(job)]
        return Added(job, created=True)

    def all_held(self) -> list[Job]:
        """The jobs that are offered, claimed or running."""
        open_jobs = [job for job in self.jobs.values() if job.finished_at is None and job.robot_id is not None]
        return sorted(open_jobs, key=lambda job: job.job_id)

    def held(self, robot_id: str) -> list[Job]:
        return [job for job in self.all_held() if job.robot_id == robot_id]

    def waiting(self, at: Instant) -> list[Job]:
        """The jobs that are ready, in the order of the queue."""
        pending = (job for job in self.jobs.values() if job.phase is Phase.PENDING and job.queue not in self.paused)
        ready = [job for job in pending if job.not_before is None or job.not_before <= at]
        return [] if "*" in self.paused else sorted(ready, key=lambda job: (job.rank, job.job_id))

    def claim(self, slots: Sequence[Slot], at: Instant) -> dict[str, Job]:
        """Offer jobs to these robots. Their room is counted from the jobs that they hold."""
        recounted = [replace(s, free=max(0, min(s.free, s.capacity - len(self.held(s.robot_id))))) for s in slots]
        waiting = self.waiting(at)
        given = {one.job_id: one.slot for one in choose([_head(job) for job in waiting], Slots(recounted))}
        _assert_fair(waiting, given, recounted)
        # An expired job is not offered; the next check of due jobs ends it.
        too_late = {job.job_id for job in waiting if job.queue_expires_at is not None and job.queue_expires_at <= at}
        return {job_id: self._offer(job_id, slot, at) for job_id, slot in given.items() if job_id not in too_late}

    def _offer(self, job_id: str, slot: Slot, at: Instant) -> Job:
        before = self.jobs[job_id]
        answer = advance(before, Offered(slot.robot_id, slot.session_id, slot.claim_ack), at)
        assert isinstance(answer, Step)
        self.walked[answer.number] += 1
        self._write(before, answer, at)
        assert (job_id, answer.job.attempt) not in self.offers, "an attempt is offered once"
        self.offers[job_id, answer.job.attempt] = slot.robot_id
        return answer.job

    def apply(self, change: Change) -> Applied:
        before = self.jobs.get(change.job_id)
        if before is None:
            return Applied(None, UNKNOWN_JOB)
        event = change.event
        answer = advance(before, event, change.at)
        self.walked[answer.number] += 1
        if isinstance(answer, Step):
            if isinstance(event, Report | OfferRejected):
                assert self.offers[before.job_id, before.attempt] == event.robot_id, "only reports of the owner count"
                assert event.attempt in (None, before.attempt), "a stale attempt changes nothing"
            self._write(before, answer, change.at)
        elif answer.kind is not None:
            assert isinstance(event, Report | OfferRejected)
            who = (event.robot_id, event.session_id, None, answer.answer)
            state = (before.status, before.attempt)
            self.history[before.job_id].append((change.at, answer.number, answer.kind, *state, *who))
        return Applied(before, answer)

    def _write(self, before: Job, step: Step, at: Instant) -> None:
        after = step.job
        assert after.attempt >= before.attempt
        if before.finished_at is not None and step.number != "T19":
            assert (after.status, after.finished_at) == (before.status, before.finished_at), "an end is final"
        self.jobs[after.job_id] = after
        if not looks_the_same(before, after):
            self.shown[after.job_id].append(state_of(after))
        if step.kind is not None:
            robot_id = after.robot_id or before.robot_id
            if robot_id is None and step.number == "T7":  # a failure after the offer expired, which is retried
                robot_id = before.withdrawn_from
            who = (robot_id, after.session_id or before.session_id, step.by, step.note)
            self.history[after.job_id].append((at, step.number, step.kind, after.status, after.attempt, *who))

    def beat(self, beat: Beat) -> list[LostSession]:
        until = after(beat.seen_at, LEASE_SECONDS)
        for job in self.held(beat.robot_id):
            named = (job.job_id, job.attempt) in beat.active_jobs
            if job.phase in HELD and (beat.renew_all or named):
                lease = max(job.lease_expires_at or until, until)
                lost_at = job.contact_lost_at
                lost_since = lost_at if lost_at is not None and lost_at > beat.seen_at else None
                self.jobs[job.job_id] = replace(job, lease_expires_at=lease, contact_lost_at=lost_since)
        return []

    def extend_leases(self, until: Instant) -> int:
        touched = 0
        for job in [*self.jobs.values()]:
            if job.lease_expires_at is not None and job.lease_expires_at < until:
                self.jobs[job.job_id] = replace(job, lease_expires_at=until)
                touched += 1
            elif job.offer_expires_at is not None and job.offer_expires_at < until and not job.claim_ack:
                self.jobs[job.job_id] = replace(job, offer_expires_at=until)
                touched += 1
        return touched

    def due(self, at: Instant) -> set[tuple[str, str]]:
        def over(instant: Instant | None) -> bool:
            return instant is not None and instant <= at

        found: set[tuple[str, str]] = set()
        for job in self.jobs.values():
            late = over(job.deadline_at) and job.cancel_requested_at is None and job.phase in HELD
            names = {
                ("offer_expired" if job.claim_ack else "held_offer_expired"): over(job.offer_expires_at),
                "lease_over": over(job.lease_expires_at),
                "grace_over": over(job.grace_expires_at),
                "deadline_over": late,
                "queue_expired": over(job.queue_expires_at) and job.offer_expires_at is None,
            }
            found |= {(job.job_id, name) for name, is_due in names.items() if is_due}
        return found

    def counts(self, tenant_id: str | None, at: Instant) -> Counts:
        numbers: Counter[JobStatus] = Counter()
        for job in self.jobs.values():
            ended_today = job.finished_at is not None and job.finished_at // MINUTE > at // MINUTE - DAY_MINUTES
            counted = job.finished_at is None or (ended_today and job.reason is not Reason.CANCELLED)
            numbers[job.status] += counted and tenant_id in (None, job.tenant_id)
        return Counts(*(numbers[status] for status in JobStatus))

    def listed(self, wanted: JobFilter) -> list[Job]:
        def fits(job: Job) -> bool:
            return (
                wanted.tenant_id in (None, job.tenant_id)
                and (not wanted.statuses or job.status in wanted.statuses)
                and wanted.robot_id in (None, job.visible_robot_id)
                and wanted.workflow_id in (None, job.workflow_id)
            )

        return sorted(filter(fits, self.jobs.values()), key=lambda job: (job.submitted_at, job.job_id), reverse=True)


def _head(job: Job) -> Head:
    return Head(job.job_id, _placement(job), job.rank)


def _placement(job: Job) -> Placement:
    return Placement(job.tenant_id, job.queue, job.target_robot_id, tuple(sorted(set(job.tags))), job.workflow_id)


def _assert_fair(waiting: Sequence[Job], given: dict[str, Slot], slots: Iterable[Slot]) -> None:
    """No robot gets more jobs than it has room for, stays idle, or gets a later job while a matching one is left."""
    for slot in slots:
        got = [job for job in waiting if given.get(job.job_id) is not None and given[job.job_id] == slot]
        assert len(got) <= slot.free
        assert all(may_run(slot.profile, slot.robot_id, _placement(job)) for job in got)
        left = [
            job for job in waiting if job.job_id not in given and may_run(slot.profile, slot.robot_id, _placement(job))
        ]
        if left:
            assert len(got) == slot.free, "a robot with room and a job for it"
            assert all((job.rank, job.job_id) < (left[0].rank, left[0].job_id) for job in got)


def assert_contiguous(entries: Sequence[JobHistoryEntry], job: Job) -> None:
    """The history begins with the submit, in order; offers number the attempts; the last entry has the state."""
    assert [entry.event_id for entry in entries] == sorted({entry.event_id for entry in entries})
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert (entries[0].number, entries[0].attempt) == ("T1", 0)
    for earlier, later in pairwise(entries):
        assert later.attempt == earlier.attempt + (later.kind == "offered")
    assert (entries[-1].status, entries[-1].attempt) == (job.status, job.attempt)


def assert_slots_hold(jobs: Collection[Job], capacities: dict[str, int]) -> None:
    """No robot holds more jobs than it has slots."""
    held = Counter(job.robot_id for job in jobs if job.finished_at is None and job.robot_id is not None)
    assert all(number <= capacities[robot_id] for robot_id, number in held.items())
