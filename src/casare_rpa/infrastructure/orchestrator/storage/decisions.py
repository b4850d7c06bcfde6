"""The effect of a batch of calls: pure functions from calls and stored jobs to rows, history, tallies and answers.

No SQL and no driver: each backend loads the stored jobs, calls these functions inside its transaction, and writes the
results.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import msgspec

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import (
    UNKNOWN_JOB,
    CancelDelivered,
    Event,
    Offered,
    OfferRejected,
    Refusal,
    Report,
    Step,
    Transition,
)
from casare_rpa.domain.job_messages import looks_the_same
from casare_rpa.domain.job_records import Added, Applied, Change, ChangeNumbers, JobToAdd
from casare_rpa.domain.job_table import advance
from casare_rpa.domain.selection import SlotAssignment

MINUTE = 60 * MICROSECONDS_PER_SECOND
_CANCELLED = Reason.CANCELLED

Key = tuple[str, str]
"""Tenant and idempotency key."""
Tally = tuple[str, str, int, str]
"""The key under which a job is counted: tenant, status, minute since 1970 (0 while it is open), queue."""
EventRow = list[object]
"""The values of one history entry, in the order of EVENT_COLUMNS."""

EVENT_COLUMNS = (
    "job_id",
    "at",
    "number",
    "kind",
    "status",
    "attempt",
    "robot_id",
    "session_id",
    "by",
    "note",
    "tenant_id",
    "seq",
    "tenant_seq",
    "shown",
)

SUBMITTED_COLUMNS = (*EVENT_COLUMNS, "request_id")
"""The columns of a job's first entry, which also names the request. The many entries of reports have no request."""

Audited = tuple[NewAudit | None, int]
"""The audit entry of a call, if any, and how many jobs the call changed."""


class Written(msgspec.Struct, frozen=True, gc=False):
    """A change of one job to be written: the row before, the row after, and when."""

    before: Job
    after: Job
    at: Instant


class KnownKey(NamedTuple):
    """A stored idempotency key: the digest of its body, and the job that it made."""

    body_digest: str
    job: Job


class Counters:
    """The newest numbers of the changes that viewers see: of all, and of each tenant's.

    A backend reads them from the store, and writes those of `changed` in the transaction of the changes, last.
    """

    __slots__ = ("changed", "last", "of_tenants")

    def __init__(self, last: int = 0, of_tenants: dict[str, int] | None = None) -> None:
        self.last = last
        self.of_tenants = of_tenants or {}
        self.changed: set[str] = set()
        """The tenants with a new number."""

    def shown(self, tenant_id: str, at: Instant) -> ChangeNumbers:
        """The numbers of a change that viewers see."""
        self.last += 1
        tenant_seq = self.of_tenants[tenant_id] = self.of_tenants.get(tenant_id, 0) + 1
        self.changed.add(tenant_id)
        return ChangeNumbers(self.last, tenant_seq, at)

    def unseen(self, at: Instant) -> ChangeNumbers:
        """The place of a change that viewers do not see."""
        return ChangeNumbers(self.last, None, at)


class Submits(NamedTuple):
    """The rows of a batch of submits, and the answer of each call."""

    answers: list[list[Added | None]]
    jobs: list[JobToAdd]
    events: list[EventRow]
    """The first history entry of each job, in the order of SUBMITTED_COLUMNS."""
    keys: list[tuple[str, str, str, str]]
    """Tenant, key, body digest and job id of each new idempotency key."""


class Changes(NamedTuple):
    """The rows of a batch of changes, and the answer of each call."""

    answers: list[list[Applied]]
    written: list[Written]
    """One entry per job that changed, however many of its changes are in the batch."""
    events: list[EventRow]


# Submits


def wanted_keys(calls: Iterable[Sequence[JobToAdd]]) -> list[Key]:
    """The idempotency keys that these submits use."""
    return [(n.job.tenant_id, n.idempotency_key) for call in calls for n in call if n.idempotency_key is not None]


def decide_submits(calls: Sequence[Sequence[JobToAdd]], stored: Mapping[Key, KnownKey], counters: Counters) -> Submits:
    """T1 for each call, in order. A key is known when it is stored or came earlier in the batch.

    A call is all or nothing: when one of its keys belongs to another body, all its answers are `None`.
    """
    known = dict(stored)
    decided = Submits([], [], [], [])
    for call in calls:
        if _has_conflict(call, known):
            decided.answers.append([None] * len(call))
        else:
            decided.answers.append([_add(new, known, decided, counters) for new in call])
    return decided


def _has_conflict(call: Sequence[JobToAdd], known: Mapping[Key, KnownKey]) -> bool:
    digests: dict[Key, str] = {}
    for new in call:
        if new.idempotency_key is None:
            continue
        key = (new.job.tenant_id, new.idempotency_key)
        found = known.get(key)
        digest = found.body_digest if found is not None else digests.setdefault(key, new.body_digest)
        if digest != new.body_digest:
            return True
    return False


def _add(new: JobToAdd, known: dict[Key, KnownKey], decided: Submits, counters: Counters) -> Added:
    job = new.job
    if new.idempotency_key is not None:
        key = (job.tenant_id, new.idempotency_key)
        found = known.get(key)
        if found is not None:
            return Added(found.job, created=False)
        known[key] = KnownKey(new.body_digest, job)
        decided.keys.append((*key, new.body_digest, job.job_id))
    numbers = counters.shown(job.tenant_id, job.submitted_at)
    decided.jobs.append(new)
    decided.events.append(_submitted_event(new, numbers))
    return Added(job, created=True, numbers=numbers)


def _submitted_event(new: JobToAdd, numbers: ChangeNumbers) -> EventRow:
    """The first history entry of a job (T1). It names principal and request."""
    job = new.job
    note = None if job.retry_of is None else f"retry of {job.retry_of}"
    source = [None, None, new.by, note]
    entry = [job.job_id, job.submitted_at, "T1", "submitted", job.status, job.attempt, *source]
    return [*entry, *_place(job, numbers), new.request_id]


# Audit entries


def count_created(answer: Sequence[Added | None]) -> int:
    """How many jobs a submit added."""
    return sum(one is not None and one.created for one in answer)


def count_accepted(answer: Sequence[Applied]) -> int:
    """How many changes of a call the table accepted."""
    return sum(isinstance(one.answer, Step) for one in answer)


def due_entries(audited: Iterable[Audited]) -> list[tuple[NewAudit, int]]:
    """The audit entries of the calls that changed something."""
    return [(audit, changed) for audit, changed in audited if audit is not None and changed]


# Offers


def decide_offers(
    chosen: Iterable[SlotAssignment], stored: Mapping[str, Job], at: Instant
) -> tuple[list[Written], list[EventRow]]:
    """T2 for each assignment that the table allows."""
    written: list[Written] = []
    events: list[EventRow] = []
    for assignment in chosen:
        before, slot = stored[assignment.job_id], assignment.slot
        answer = advance(before, Offered(slot.robot_id, slot.session_id, slot.claim_ack, slot.process), at)
        if isinstance(answer, Step):
            written.append(Written(before, answer.job, at))
            events.append(_step_event(before, answer, at, None))
    return written, events


# Changes


def decide_changes(calls: Sequence[Sequence[Change]], stored: Mapping[str, Job], counters: Counters) -> Changes:
    """Apply the table to each change (T3 to T20), in order. A change sees earlier changes of the same job."""
    current = dict(stored)
    events: list[EventRow] = []
    changed_at: dict[str, Instant] = {}
    answers: list[list[Applied]] = []
    for call in calls:
        answers.append(applied := [])
        for change in call:
            before, at = current.get(change.job_id), change.at
            if before is None:
                applied.append(Applied(None, UNKNOWN_JOB))
                continue
            answer = advance(before, change.event, at)
            numbers = None
            if isinstance(answer, Step):
                job = current[change.job_id] = answer.job
                changed_at[change.job_id] = at
                if answer.kind is not None:
                    numbers = counters.unseen(at) if looks_the_same(before, job) else counters.shown(job.tenant_id, at)
                    events.append(_step_event(before, answer, at, numbers))
                elif job.revision != before.revision:
                    numbers = counters.unseen(at)
            elif answer.kind is not None:
                events.append(_refusal_event(before, answer, change.event, at))
            applied.append(Applied(before, answer, numbers))
    written = [
        Written(before, current[job_id], changed_at[job_id])
        for job_id, before in stored.items()
        if current[job_id].revision != before.revision
    ]
    return Changes(answers, written, events)


def _step_event(before: Job, step: Step, at: Instant, numbers: ChangeNumbers | None) -> EventRow:
    """The history entry of a change. When the job was taken away, it names the robot and session that had it.

    A report on an offer that had expired can end in a retry: it was the last robot's, which has the job neither before
    nor after.
    """
    job = step.job
    robot_id, session_id = job.robot_id or before.robot_id, job.session_id or before.session_id
    if robot_id is None and step.number is Transition.IMPLIED:
        robot_id = before.withdrawn_from
    entry = [job.job_id, at, step.number, step.kind, job.status, job.attempt, robot_id, session_id, step.by, step.note]
    return [*entry, *_place(job, numbers)]


def _place(job: Job, numbers: ChangeNumbers | None) -> list[object]:
    """Tenant, numbers, and what viewers see besides the other columns; nulls for a change that they do not see."""
    if numbers is None or numbers.tenant_seq is None:
        return [job.tenant_id, None, None, None]
    state = (
        job.visible_robot_id,
        job.reason,
        job.progress,
        job.message,
        job.contact_lost_at is not None,
        None if job.cancel_requested_at is None else job.cancel_stage,
        job.revision,
    )
    return [job.tenant_id, numbers.seq, numbers.tenant_seq, state]


def _refusal_event(job: Job, refusal: Refusal, event: Event, at: Instant) -> EventRow:
    """The history entry of a refusal: the unchanged job, and the robot and session of the refused event."""
    robot_id, session_id = None, None
    if isinstance(event, Report | OfferRejected | CancelDelivered):
        robot_id, session_id = event.robot_id, event.session_id
    source = [robot_id, session_id, None, refusal.answer]
    return [job.job_id, at, refusal.number, refusal.kind, job.status, job.attempt, *source, *_place(job, None)]


# Tallies

_counted_by = attrgetter("status", "finished_at", "reason")
"""The fields that decide where a job is counted and that can change."""


def tally_of(job: Job) -> Tally:
    """Where a job is counted: open jobs under minute 0, ended ones under their minute. Cancelled is not failed."""
    if job.finished_at is None:
        return (job.tenant_id, job.status, 0, job.queue)
    status = "cancelled" if job.reason is _CANCELLED else job.status
    return (job.tenant_id, status, job.finished_at // MINUTE, job.queue)


def tallies_of_submits(jobs: Iterable[Job]) -> Counter[Tally]:
    """The increase of each count."""
    return Counter(map(tally_of, jobs))


def tallies_of_changes(written: Iterable[Written]) -> Counter[Tally]:
    """The change of each count; negative for a decrease."""
    moves: Counter[Tally] = Counter()
    for one in written:
        if _counted_by(one.before) != _counted_by(one.after):
            moves[tally_of(one.before)] -= 1
            moves[tally_of(one.after)] += 1
    return moves
