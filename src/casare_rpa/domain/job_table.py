"""The one table that says how a job may change, and `advance`, which walks it.

`advance(job, event, now)` answers with the changed job, its history entry and what its robot must be told, or with
a refusal; it never raises for a robot's mistake and changes nothing by itself.
Promise: an assignment is delivered at least once and told apart by (job_id, attempt); at most one attempt owns a
job; a job runs at most once unless its submitter allowed more with `max_attempts`.
Source: docs/reference/websocket-contract.md, Jobs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant, after, seconds_between
from casare_rpa.domain.job import Job, Phase, Reason
from casare_rpa.domain.job_events import (
    UNKNOWN_JOB,
    Cancel,
    CancelDelivered,
    CancelOrder,
    CancelSent,
    DeadlineOver,
    Event,
    FrameReceived,
    GraceOver,
    LeaseOver,
    NotHeld,
    Offered,
    OfferExpired,
    OfferRejected,
    QueueExpired,
    Refusal,
    Report,
    RobotReturned,
    SocketLost,
    Step,
    Transition,
)
from casare_rpa.domain.liveness import LEASE_SECONDS, OFFER_TTL_SECONDS, retry_delay_seconds
from casare_rpa.domain.protocol import JobStatus, ReportStatus

CANCEL_GRACE_SECONDS = 30
LATE_END_SECONDS = 24 * 3600
MAX_LATE_REPORTS = 20
MAX_FORMER_ROBOTS = 8

HELD = (Phase.CLAIMED, Phase.RUNNING)
ENDED = (Phase.COMPLETED, Phase.FAILED)
EVERY = tuple(Phase)

T = Transition
Answer = Step | Refusal | None
"""`None`: the guard does not hold, the next row is asked."""


@dataclass(frozen=True, slots=True)
class TransitionRule:
    """A row of the table: in one of the phases `sources`, the event named `event` does what `apply` answers."""

    number: str
    event: str
    sources: tuple[Phase, ...]
    targets: tuple[Phase, ...]
    meaning: str
    apply: Callable[[Job, Event, Instant], Answer]


def _row(
    number: str,
    event: str,
    sources: tuple[Phase, ...],
    targets: tuple[Phase, ...],
    meaning: str,
    apply: Callable[..., Answer],
) -> TransitionRule:
    """Typed glue: a row's function takes the one event class that bears the row's event name."""
    return TransitionRule(number, event, sources, targets, meaning, apply)


def advance(job: Job, event: Event, now: Instant) -> Step | Refusal:
    """What `event` at `now` does to `job`: the answer of the first row of TRANSITIONS that takes it."""
    phase = job.phase
    name = event.status if isinstance(event, Report) else event.name
    for row in _BY_EVENT[name]:
        if phase in row.sources:
            answer = row.apply(job, event, now)
            if answer is not None:
                return answer
    return Refusal(T.NONE, f"a job that is {phase.value} takes no {name}")


def _wrote(job: Job, **changes: Any) -> Job:  # noqa: ANN401 - msgspec checks the names
    return replace(job, revision=job.revision + 1, **changes)


def _ended(job: Job, now: Instant, status: JobStatus, reason: Reason | None, **changes: Any) -> Job:  # noqa: ANN401
    return replace(
        job,
        revision=job.revision + 1,
        status=status,
        reason=reason,
        finished_at=now,
        offer_expires_at=None,
        lease_expires_at=None,
        deadline_at=None,
        contact_lost_at=None,
        grace_expires_at=None,
        queue_expires_at=None,
        **changes,
    )


def queue_deadline(job: Job, now: Instant) -> Instant | None:
    """When a job that begins to wait at `now`, or at its `not_before`, will have waited for too long."""
    ttl = job.queue_ttl_seconds
    return None if ttl is None else after(max(now, job.not_before or now), ttl)


def _requeued(job: Job, **changes: Any) -> Job:  # noqa: ANN401
    """Pending again: nobody's, but it remembers who had it, so that a late report can be told so."""
    former = (*(r for r in job.former_robots if r != job.robot_id), job.robot_id or "")
    return _wrote(
        job,
        status=JobStatus.PENDING,
        robot_id=None,
        session_id=None,
        former_robots=former[-MAX_FORMER_ROBOTS:],
        claim_ack=False,
        offer_expires_at=None,
        lease_expires_at=None,
        deadline_at=None,
        contact_lost_at=None,
        started_at=None,
        progress=0.0,
        message=None,
        **changes,
    )


# T0, T20: reports that are not about the attempt that owns the job


def _fence(job: Job, event: Report | OfferRejected | CancelDelivered, now: Instant) -> Answer:  # noqa: ARG001 - rows share a signature
    mine = job.robot_id == event.robot_id
    if mine and event.attempt in (None, job.attempt):
        return None
    had_it = mine or event.robot_id in job.former_robots
    older = event.attempt is not None and event.attempt < job.attempt
    let_go = job.robot_id is None and event.attempt in (None, job.attempt)
    if not had_it or not (older or let_go):
        return UNKNOWN_JOB
    attempt = event.attempt or job.attempt
    sentence = f"attempt {attempt} of this job is over; stop working on it"
    order = CancelOrder(job.job_id, event.robot_id, attempt, "superseded")
    return Refusal(T.STALE, sentence, kind="stale_report", order=order, field="attempt")


# T2-T7: offers


def _offer(job: Job, event: Offered, now: Instant) -> Answer:
    too_early = job.not_before is not None and job.not_before > now
    too_late = job.queue_expires_at is not None and job.queue_expires_at <= now
    if too_early or too_late:
        return None
    offered = _wrote(
        job,
        robot_id=event.robot_id,
        session_id=event.session_id,
        claim_ack=event.claim_ack,
        attempt=job.attempt + 1,
        offer_expires_at=after(now, OFFER_TTL_SECONDS),
        deadline_at=after(now, OFFER_TTL_SECONDS + job.timeout_seconds),
        contact_lost_at=None,
        forced=False,
        unconfirmed=False,
    )
    return Step(T.OFFERED, offered, kind="offered")


def _still_lost_at(job: Job, now: Instant) -> Instant | None:
    """Since when contact is lost, after something that was said at `now`: before the loss, it brings nothing back.

    Reports are written a moment after they came, and the loss of their connection may be written first.
    """
    lost_at = job.contact_lost_at
    return lost_at if lost_at is not None and now < lost_at else None


def _claimed(job: Job, session_id: str, now: Instant) -> Job:
    return _wrote(
        job,
        status=JobStatus.CLAIMED,
        session_id=session_id,
        starts=job.starts + 1,
        offer_expires_at=None,
        queue_expires_at=None,
        contact_lost_at=_still_lost_at(job, now),
        lease_expires_at=after(now, LEASE_SECONDS),
        deadline_at=after(now, job.timeout_seconds),
        error=None,
    )


def _claim(job: Job, event: Report, now: Instant) -> Answer:
    return Step(T.CLAIMED, _claimed(job, event.session_id, now), kind="claimed", note=event.message)


def _repeated_claim(job: Job, event: Report, now: Instant) -> Answer:
    """A `claimed` that was sent again because its ack was lost: the robot is there, so the lease is too."""
    return Step(T.RETURNED, _heard(job, event.session_id, now))


def _reject(job: Job, event: OfferRejected, now: Instant) -> Answer:  # noqa: ARG001
    return Step(T.UNOFFERED, _requeued(job), kind="rejected", note=event.note or None)


def _offer_expired(job: Job, event: OfferExpired, now: Instant) -> Answer:  # noqa: ARG001
    if job.offer_expires_at is None or job.offer_expires_at > now or job.robot_id is None:
        return None
    order = CancelOrder(job.job_id, job.robot_id, job.attempt, "offer expired")
    return Step(T.UNOFFERED, _requeued(job), kind="offer_expired", order=order)


def _queue_expired(job: Job, event: QueueExpired, now: Instant) -> Answer:  # noqa: ARG001
    if job.queue_expires_at is None or job.queue_expires_at > now:
        return None
    note = f"no robot took it within {job.queue_ttl_seconds} s"
    return Step(T.EXPIRED, _ended(job, now, JobStatus.FAILED, Reason.EXPIRED, message=note), kind="expired", note=note)


def _hold_offer(job: Job, event: SocketLost, now: Instant) -> Answer:
    """A robot that does not wait for our ack may have started: the offer is held for its return."""
    if job.session_id != event.session_id:
        return None
    held = job.offer_expires_at if job.claim_ack else after(now, LEASE_SECONDS)
    return Step(T.UNOFFERED, _wrote(job, contact_lost_at=now, offer_expires_at=held), kind="contact_lost")


def _offer_again(job: Job, event: RobotReturned, now: Instant) -> Answer:  # noqa: ARG001
    if job.robot_id != event.robot_id:
        return None
    return Step(T.REOFFERED, _wrote(job, session_id=event.session_id, contact_lost_at=None), kind="offered_again")


def _implicit_claim(job: Job, event: Report, now: Instant) -> Answer:
    """`running` or an end without a `claimed` before it: both at once."""
    claimed = _claimed(job, event.session_id, now)
    then = _running(claimed, event, now) if event.status is ReportStatus.RUNNING else _end(claimed, event, now)
    return replace(then, number=T.IMPLIED)


# T6, T8, T9, T17: a robot at work


def _heard(job: Job, session_id: str | None, now: Instant) -> Job:
    return _wrote(
        job,
        session_id=session_id or job.session_id,
        lease_expires_at=after(now, LEASE_SECONDS),
        contact_lost_at=_still_lost_at(job, now),
    )


def _running(job: Job, event: Report, now: Instant) -> Step:
    heard = _heard(job, event.session_id, now)
    started = replace(
        heard,
        status=JobStatus.RUNNING,
        started_at=now,
        deadline_at=after(now, job.timeout_seconds),
        progress=job.progress if event.progress is None else event.progress,
        message=event.message or job.message,
    )
    return Step(T.STARTED, started, kind="running", note=event.message)


def _progress(job: Job, event: Report, now: Instant) -> Answer:
    """Its frame renews the lease as any other does (T8), along with those of all robots, not by a write of its own."""
    progress = job.progress if event.progress is None else event.progress
    message = event.message or job.message
    if job.contact_lost_at is not None or job.session_id != event.session_id:
        return Step(T.PROGRESSED, replace(_heard(job, event.session_id, now), progress=progress, message=message))
    if (progress, message) == (job.progress, job.message):
        return Step(T.PROGRESSED, job)
    return Step(T.PROGRESSED, _wrote(job, progress=progress, message=message))


def _frame(job: Job, event: FrameReceived, now: Instant) -> Answer:
    return Step(T.RENEWED, _heard(job, None, now)) if job.robot_id == event.robot_id else None


def _returned(job: Job, event: RobotReturned, now: Instant) -> Answer:
    if job.robot_id != event.robot_id:
        return None
    order = cancel_order(job)
    return Step(T.RETURNED, _heard(job, event.session_id, now), kind="contact_regained", order=order)


# How a job ends (T10)


def _end(job: Job, event: Report, now: Instant) -> Step:
    message = event.message or job.message
    if event.status is ReportStatus.COMPLETED:
        done = _ended(job, now, JobStatus.COMPLETED, None, progress=100.0, message=message, result=event.result)
        return Step(T.ENDED, replace(done, error=None), kind="completed", note=event.message)
    progress = job.progress if event.progress is None else event.progress
    failed = {"message": message, "error": event.error, "result": event.result, "progress": progress}
    if job.cancel_requested_at is not None:
        ended = _ended(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED, **failed)
        return Step(T.STOPPING, ended, kind="cancel_confirmed", note=event.message)
    if job.attempts_left and event.error_type != "business":
        again = _retried(job, event.jitter, now, error=event.error)
        return Step(T.ENDED, again, kind="retry", note=event.message)
    reason = {"timeout": Reason.TIMEOUT, "rejected": Reason.REJECTED}.get(event.error_type or "", Reason.ERROR)
    return Step(T.ENDED, _ended(job, now, JobStatus.FAILED, reason, **failed), kind="failed", note=event.message)


def _late_end(job: Job, event: Report, now: Instant) -> Answer:
    """`robot_lost` was our guess; the robot knows better, if it says so within a day."""
    lost = job.reason is Reason.ROBOT_LOST and job.finished_at is not None
    if not lost or seconds_between(job.finished_at or now, now) > LATE_END_SECONDS:
        return None
    step = _end(replace(job, max_attempts=job.starts), event, now)
    job_after = replace(step.job, max_attempts=job.max_attempts, reconciled=True)
    return Step(T.CORRECTED, job_after, kind="reconciled", note=event.message)


def _claim_after_end(job: Job, event: Report, now: Instant) -> Answer:  # noqa: ARG001
    """It ended while the claim was under way: by an ack the robot would start it. A 1.0 robot has started long ago."""
    if event.attempt is None:
        return None
    order = CancelOrder(job.job_id, event.robot_id, job.attempt, "it has ended")
    return Refusal(T.STALE, "this job has ended; do not start it", kind="stale_report", order=order, field="job_id")


def _after_end(job: Job, event: Report, now: Instant) -> Answer:  # noqa: ARG001
    if event.status.value == job.status.value or job.late_reports >= MAX_LATE_REPORTS:
        return Step(T.ENDED, job)
    late = _wrote(job, late_reports=job.late_reports + 1)
    return Step(T.ENDED, late, kind="late_report", note=f"{event.status.value}: {event.message or ''}".rstrip(": "))


def _heard_too_late(job: Job, event: CancelDelivered, now: Instant) -> Answer:  # noqa: ARG001
    return Step(T.STOPPING, job)


# T11-T14: cancels and timeouts


def _cancel_pending(job: Job, event: Cancel, now: Instant) -> Answer:
    order = None if job.robot_id is None else CancelOrder(job.job_id, job.robot_id, job.attempt, event.reason)
    asked = {"cancel_requested_at": now, "cancel_requested_by": event.by, "cancel_reason": event.reason}
    ended = _ended(job, now, JobStatus.FAILED, Reason.CANCELLED, **asked)
    return Step(T.CANCELLED, ended, kind="cancelled", note=event.reason, by=event.by, order=order)


def cancel_order(job: Job) -> CancelOrder | None:
    """The order that a robot which was away has missed; `None` when no cancel is wanted."""
    if job.cancel_requested_at is None or job.robot_id is None:
        return None
    grace = None if job.forced else CANCEL_GRACE_SECONDS
    return CancelOrder(job.job_id, job.robot_id, job.attempt, job.cancel_reason or "cancelled", grace, job.forced)


def _stop(job: Job, now: Instant, reason: Reason, text: str, by: str | None = None) -> Job:
    return _wrote(
        job,
        cancel_requested_at=now,
        cancel_requested_by=by,
        cancel_reason=text,
        cancel_for=reason,
        grace_expires_at=after(now, CANCEL_GRACE_SECONDS),
    )


def _cancel_held(job: Job, event: Cancel, now: Instant) -> Answer:
    if job.cancel_requested_at is not None:
        return Step(T.STOPPING, job, order=cancel_order(job))
    wanted = _stop(job, now, Reason.CANCELLED, event.reason, event.by)
    return Step(T.STOPPING, wanted, kind="cancel_requested", note=event.reason, by=event.by, order=cancel_order(wanted))


def _cancel_sent(job: Job, event: CancelSent, now: Instant) -> Answer:
    if job.robot_id != event.robot_id or job.cancel_requested_at is None:
        return None
    return Step(T.STOPPING, _wrote(job, cancel_sent_at=now), kind="cancel_sent")


def _cancel_received(job: Job, event: CancelDelivered, now: Instant) -> Answer:  # noqa: ARG001
    if job.cancel_requested_at is None or job.cancel_received_at is not None:
        return Step(T.STOPPING, job)  # a repeat, or it heard of it before we noted that we told it
    return Step(T.STOPPING, _wrote(job, cancel_received_at=now), kind="cancel_received")


def _grace_over(job: Job, event: GraceOver, now: Instant) -> Answer:  # noqa: ARG001
    if job.grace_expires_at is None or job.grace_expires_at > now:
        return None
    if not job.forced:
        forced = _wrote(job, forced=True, grace_expires_at=after(now, CANCEL_GRACE_SECONDS))
        return Step(T.OVERDUE, forced, kind="cancel_forced", order=cancel_order(forced))
    ended = _ended(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED, unconfirmed=True)
    return Step(T.OVERDUE, ended, kind="cancel_unconfirmed")


def _deadline_over(job: Job, event: DeadlineOver, now: Instant) -> Answer:  # noqa: ARG001
    over = job.deadline_at is not None and job.deadline_at <= now
    if not over or job.cancel_requested_at is not None:
        return None
    text = f"timeout: over {job.timeout_seconds} s"
    wanted = _stop(job, now, Reason.TIMEOUT, text)
    return Step(T.TIMED_OUT, wanted, kind="timeout", note=text, order=cancel_order(wanted))


# T15, T16, T18: a robot that is gone


def _socket_lost(job: Job, event: SocketLost, now: Instant) -> Answer:
    if job.session_id != event.session_id:
        return None
    return Step(T.CUT_OFF, _wrote(job, contact_lost_at=now), kind="contact_lost")


def _retried(job: Job, jitter: float, now: Instant, **changes: Any) -> Job:  # noqa: ANN401
    """Another attempt, after a backoff; its time in the queue begins anew."""
    again = _requeued(job, not_before=after(now, retry_delay_seconds(job.starts, jitter)), **changes)
    return replace(again, queue_expires_at=queue_deadline(again, now))


def _lost(job: Job, number: T, note: str, jitter: float, now: Instant) -> Step:
    if job.cancel_requested_at is not None:
        ended = _ended(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED, unconfirmed=True)
        return Step(number, ended, kind="robot_lost", note=note)
    if job.attempts_left:
        return Step(number, _retried(job, jitter, now), kind="robot_lost", note=note)
    return Step(number, _ended(job, now, JobStatus.FAILED, Reason.ROBOT_LOST), kind="robot_lost", note=note)


def _lease_over(job: Job, event: LeaseOver, now: Instant) -> Answer:
    if job.lease_expires_at is None or job.lease_expires_at > now:
        return None
    return _lost(job, T.LOST, f"nothing heard for {LEASE_SECONDS} s", event.jitter, now)


def _not_held(job: Job, event: NotHeld, now: Instant) -> Answer:
    if job.robot_id != event.robot_id or job.session_id == event.session_id:
        return None
    return _lost(job, T.NOT_HELD, "the robot came back without it", event.jitter, now)


OFFER = (Phase.OFFER,)
BACK_OR_LOST = (Phase.PENDING, Phase.FAILED)

TRANSITIONS: tuple[TransitionRule, ...] = (
    *(
        _row("T0, T20", event, EVERY, (), "about a job of another robot, or an earlier attempt: refused", _fence)
        for event in ("claimed", "running", "completed", "failed", "reject", "cancel_received")
    ),
    _row("T2", "offer", (Phase.PENDING,), OFFER, "offered to a robot for 15 s; `attempt` increases", _offer),
    _row("T3", "claimed", OFFER, (Phase.CLAIMED,), "accepted by the robot; lease and deadline start", _claim),
    _row("T4", "reject", OFFER, (Phase.PENDING,), "refused by the robot", _reject),
    _row("T4", "offer_expired", OFFER, (Phase.PENDING,), "no answer from the robot in time", _offer_expired),
    _row("T21", "queue_expired", (Phase.PENDING,), (Phase.FAILED,), "pending for longer than allowed", _queue_expired),
    _row("T4", "socket_lost", OFFER, OFFER, "kept for 90 s, unless the robot uses `claim_ack`", _hold_offer),
    _row("T5", "robot_returned", OFFER, OFFER, "the same assignment is sent again", _offer_again),
    _row("T6", "running", (Phase.CLAIMED,), (Phase.RUNNING,), "started; the deadline restarts", _running),
    _row("T7", "running", OFFER, (Phase.RUNNING,), "implicit claim", _implicit_claim),
    _row("T7", "completed", OFFER, (Phase.COMPLETED,), "implicit claim and start", _implicit_claim),
    _row("T7", "failed", OFFER, BACK_OR_LOST, "implicit claim and start", _implicit_claim),
    _row("T8", "frame", HELD, HELD, "the lease is renewed", _frame),
    _row("T9", "running", (Phase.RUNNING,), (Phase.RUNNING,), "progress", _progress),
    _row("T17", "claimed", HELD, HELD, "repeated claim; the lease is renewed", _repeated_claim),
    _row("T10", "completed", HELD, (Phase.COMPLETED,), "completed by the robot", _end),
    _row("T10", "failed", HELD, BACK_OR_LOST, "failed; pending again if attempts are left", _end),
    _row("T11", "cancel", (Phase.PENDING, Phase.OFFER), (Phase.FAILED,), "cancelled at once", _cancel_pending),
    _row("T12", "cancel", HELD, HELD, "requested; the robot confirms with an end", _cancel_held),
    _row("T12", "cancel_sent", HELD, HELD, "sent to the robot", _cancel_sent),
    _row("T12", "cancel_received", HELD, HELD, "received by the robot", _cancel_received),
    _row("T13", "grace_over", HELD, (*HELD, Phase.FAILED), "sent with force; then ended as unconfirmed", _grace_over),
    _row("T14", "deadline_over", HELD, HELD, "time limit exceeded; stopped like a cancel", _deadline_over),
    _row("T15", "socket_lost", HELD, HELD, "contact is lost; the lease continues", _socket_lost),
    _row("T16", "lease_over", HELD, BACK_OR_LOST, "lost; pending again if attempts are left", _lease_over),
    _row("T17", "robot_returned", HELD, HELD, "the robot reconnected with the job", _returned),
    _row("T18", "not_held", HELD, BACK_OR_LOST, "the robot reconnected without the job", _not_held),
    _row("T19", "completed", (Phase.FAILED,), (Phase.COMPLETED,), "assumed lost; the reported end counts", _late_end),
    _row("T19", "failed", (Phase.FAILED,), (Phase.FAILED,), "assumed lost; the reported end counts", _late_end),
    _row("T20", "claimed", ENDED, (), "claim of an ended job: refused", _claim_after_end),
    *(
        _row("T10", event, ENDED, ENDED, "after the end: ignored, or recorded as late", _after_end)
        for event in ("claimed", "running", "completed", "failed")
    ),
    _row("T12", "cancel_received", ENDED, ENDED, "after the end: ignored", _heard_too_late),
)

_BY_EVENT: dict[str, list[TransitionRule]] = {}
for _transition in TRANSITIONS:
    _BY_EVENT.setdefault(_transition.event, []).append(_transition)
