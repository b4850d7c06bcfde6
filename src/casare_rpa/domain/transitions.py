"""The functions of the transition table: each decides whether its row applies, and returns the change.

A function returns a Step, a Refusal, or `None` when its guard does not hold; then the next row is tried.
Source: docs/reference/websocket-contract.md, Transitions.
"""

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant, after, seconds_between
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_errors import ErrorType, is_retried
from casare_rpa.domain.job_events import (
    UNKNOWN_JOB,
    Cancel,
    CancelDelivered,
    CancelOrder,
    CancelSent,
    DeadlineOver,
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
    WorkSeen,
)
from casare_rpa.domain.job_updates import cancel_order, claim, end, renew, requeue, retry, stop, write
from casare_rpa.domain.liveness import (
    CANCEL_GRACE_SECONDS,
    HELD_OFFER_SECONDS,
    LEASE_SECONDS,
    OFFER_TTL_SECONDS,
    judged_late,
    reject_delay_seconds,
)
from casare_rpa.domain.vocabulary import JobStatus, ReportStatus

LATE_END_SECONDS = 24 * 3600
MAX_LATE_REPORTS = 20
_REASONS: dict[str, Reason] = {ErrorType.TIMEOUT: Reason.TIMEOUT, ErrorType.REJECTED: Reason.REJECTED}

OTHER_PROCESS = Refusal(
    Transition.STALE,
    "another process of this robot was given this job; do not start it",
    kind="stale_report",
    field="job_id",
)

T = Transition
# Python 3.11 takes as long to look up a member of an enum as to call a function. The members that nearly every job
# needs are looked up once, here and in other modules.
_OFFERED, _CLAIMED, _STARTED, _ENDED = T.OFFERED, T.CLAIMED, T.STARTED, T.ENDED
_RUNNING, _COMPLETED, _REPORTED_COMPLETED = JobStatus.RUNNING, JobStatus.COMPLETED, ReportStatus.COMPLETED
Answer = Step | Refusal | None
# ruff: noqa: ARG001 - the functions share one signature, and some ignore `event` or `now`


# T0, T20: reports about another attempt than the one that owns the job


def fence(job: Job, event: Report | OfferRejected | CancelDelivered, now: Instant) -> Answer:
    """Refuse a message of a robot or an attempt that does not own the job."""
    mine = event.robot_id in (job.robot_id, job.withdrawn_from)
    if mine and event.attempt in (None, job.attempt):
        return None
    had_it = mine or event.robot_id in job.former_robots
    older = event.attempt is not None and event.attempt < job.attempt
    released = job.robot_id is None and event.attempt in (None, job.attempt)
    if not had_it or not (older or released):
        return UNKNOWN_JOB
    attempt = event.attempt or job.attempt
    sentence = f"attempt {attempt} of this job is over; stop working on it, and wait for the next job_assign"
    order = CancelOrder(job.job_id, event.robot_id, attempt, "superseded")
    return Refusal(T.STALE, sentence, kind="stale_report", order=order, field="attempt")


# T2-T5, T7, T21: offers


def offer(job: Job, event: Offered, now: Instant) -> Answer:
    too_early = job.not_before is not None and job.not_before > now
    too_late = job.queue_expires_at is not None and job.queue_expires_at <= now
    if too_early or too_late:
        return None
    ttl_seconds = OFFER_TTL_SECONDS if event.claim_ack else HELD_OFFER_SECONDS
    offered = replace(
        job,
        revision=job.revision + 1,
        robot_id=event.robot_id,
        session_id=event.session_id,
        withdrawn_from=None,
        claim_ack=event.claim_ack,
        process=event.process,
        attempt=job.attempt + 1,
        offer_expires_at=after(now, ttl_seconds),
        deadline_at=after(now, ttl_seconds + job.timeout_seconds),
        contact_lost_at=None,
        forced=False,
        unconfirmed=False,
    )
    return Step(_OFFERED, offered, kind="offered")


def accept(job: Job, event: Report, now: Instant) -> Answer:
    if _is_of_another_process(job, event):
        return OTHER_PROCESS
    return Step(_CLAIMED, claim(job, event.session_id, now), kind="claimed", note=event.message)


def accept_for_work(job: Job, event: WorkSeen, now: Instant) -> Answer:
    """A robot without `claim_ack` that works on the job has claimed it, also without a report."""
    if job.robot_id != event.robot_id or job.claim_ack:
        return None
    return Step(T.CLAIMED, claim(job, event.session_id, now), kind="claimed", note=event.note)


def accept_withdrawn(job: Job, event: Report, now: Instant) -> Answer:
    """A report on an offer that expired: the robot had started. The fence refuses reports of all other robots."""
    offered = replace(job, robot_id=event.robot_id, withdrawn_from=None)
    return (accept if event.status is ReportStatus.CLAIMED else claim_implicitly)(offered, event, now)


def repeat_claim(job: Job, event: Report, now: Instant) -> Answer:
    """A `claimed` that was sent again because its ack was lost: the robot is connected, so its lease is renewed."""
    if _is_of_another_process(job, event):
        return OTHER_PROCESS
    return Step(T.RETURNED, renew(job, event.session_id, now), kind=_regained(job))


def _is_of_another_process(job: Job, event: Report) -> bool:
    """Whether two processes of one robot claim the same attempt: on an ack, each would start it."""
    return None not in (job.process, event.process) and job.process != event.process


def reject(job: Job, event: OfferRejected, now: Instant) -> Answer:
    """Pending again after a pause that grows: a robot that rejects at once would get the same offer at once."""
    again = after(now, reject_delay_seconds(job.attempt - job.starts))
    return Step(T.UNOFFERED, requeue(job, not_before=again), kind="rejected", note=event.note or None)


def expire_offer(job: Job, event: OfferExpired, now: Instant) -> Answer:
    if job.offer_expires_at is None or job.offer_expires_at > now or job.robot_id is None:
        return None
    order = CancelOrder(job.job_id, job.robot_id, job.attempt, "offer expired")
    pending = replace(requeue(job), withdrawn_from=None if job.claim_ack else job.robot_id)
    return Step(T.UNOFFERED, pending, kind="offer_expired", order=order)


def expire_in_queue(job: Job, event: QueueExpired, now: Instant) -> Answer:
    if job.queue_expires_at is None or job.queue_expires_at > now:
        return None
    note = f"no robot claimed it within {job.queue_ttl_seconds} s"
    expired = replace(end(job, now, JobStatus.FAILED, Reason.EXPIRED), message=note)
    return Step(T.EXPIRED, expired, kind="expired", note=note)


def hold_offer(job: Job, event: SocketLost, now: Instant) -> Answer:
    """Keep the offer for a robot that may have started without an ack, until it reconnects or a lease has passed."""
    if job.session_id != event.session_id or job.contact_lost:
        return None
    held_until = job.offer_expires_at if job.claim_ack else after(now, HELD_OFFER_SECONDS)
    return Step(T.UNOFFERED, write(job, contact_lost_at=now, offer_expires_at=held_until), kind="contact_lost")


def offer_again(job: Job, event: RobotReturned, now: Instant) -> Answer:
    if job.robot_id != event.robot_id:
        return None
    again = write(job, session_id=event.session_id, process=event.process, contact_lost_at=None)
    return Step(T.REOFFERED, again, kind="offered_again")


def claim_implicitly(job: Job, event: Report, now: Instant) -> Answer:
    """A `running` or an end without a `claimed` before it counts as both."""
    claimed = claim(job, event.session_id, now)
    then = start(claimed, event, now) if event.status is ReportStatus.RUNNING else finish(claimed, event, now)
    return replace(then, number=T.IMPLIED)


# T6, T8, T9, T17: a running job


def start(job: Job, event: Report, now: Instant) -> Step:
    renewed = renew(job, event.session_id, now)
    started = replace(
        renewed,
        status=_RUNNING,
        started_at=now,
        deadline_at=after(now, job.timeout_seconds),
        progress=job.progress if event.progress is None else event.progress,
        message=event.message or job.message,
    )
    return Step(_STARTED, started, kind="running", note=event.message)


def advance_progress(job: Job, event: Report, now: Instant) -> Answer:
    """Progress alone writes no lease: the next batch of heartbeats renews the leases of all robots (T8)."""
    progress = job.progress if event.progress is None else event.progress
    message = event.message or job.message
    if job.contact_lost_at is not None or job.session_id != event.session_id:
        heard = replace(renew(job, event.session_id, now), progress=progress, message=message)
        return Step(T.PROGRESSED, heard, kind=_regained(job))
    if (progress, message) == (job.progress, job.message):
        return Step(T.PROGRESSED, job)
    return Step(T.PROGRESSED, write(job, progress=progress, message=message))


def renew_lease(job: Job, event: FrameReceived, now: Instant) -> Answer:
    if job.robot_id != event.robot_id:
        return None
    return Step(T.RENEWED, renew(job, None, now), kind=_regained(job))


def _regained(job: Job) -> str | None:
    """The kind of the history entry of a message of the robot: the first one after a loss of contact regains it."""
    return "contact_regained" if job.contact_lost_at is not None else None


def regain_contact(job: Job, event: RobotReturned, now: Instant) -> Answer:
    if job.robot_id != event.robot_id:
        return None
    # Not the process that returned: it can list an offer whose claim was lost, and another one has claimed it since.
    regained = replace(renew(job, event.session_id, now), process=job.process or event.process)
    return Step(T.RETURNED, regained, kind=_regained(job), order=cancel_order(job))


# T10, T19, T20: the end of a job, and reports after it


def finish(job: Job, event: Report, now: Instant) -> Step:
    message = event.message or job.message
    if event.status is _REPORTED_COMPLETED:
        done = end(job, now, _COMPLETED, None)
        done = replace(done, progress=100.0, message=message, result=event.result, error=None)
        return Step(_ENDED, done, kind="completed", note=event.message)
    progress = job.progress if event.progress is None else event.progress
    failed = {"message": message, "error": event.error, "result": event.result, "progress": progress}
    if job.cancel_requested_at is not None:
        ended = replace(end(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED), **failed)
        return Step(T.STOPPING, ended, kind="cancel_confirmed", note=event.message)
    if job.attempts_left and is_retried(event.error_type, event.error_code):
        again = retry(job, event.jitter, now, error=event.error)
        return Step(T.ENDED, again, kind="retry", note=event.message)
    reason = _REASONS.get(event.error_type or "", Reason.ERROR)
    ended = replace(end(job, now, JobStatus.FAILED, reason), **failed)
    return Step(T.ENDED, ended, kind="failed", note=event.message)


def confirm_cancel(job: Job, event: Report, now: Instant) -> Answer:
    """Treat `cancelled` as `failed`; it is valid only as the answer to a cancel."""
    if job.cancel_requested_at is None:
        sentence = "no cancel of this job is open; expected failed or completed"
        return Refusal(T.NONE, sentence, field="status")
    return finish(job, event, now)


def correct_end(job: Job, event: Report, now: Instant) -> Answer:
    """Accept an end within a day of `robot_lost`: the server assumed that end, and the robot knows the outcome."""
    lost = job.reason is Reason.ROBOT_LOST and job.finished_at is not None
    if not lost or seconds_between(job.finished_at or now, now) > LATE_END_SECONDS:
        return None
    # `max_attempts` is set to the attempts that were started, so that a failure ends the job and does not run it again.
    step = finish(replace(job, max_attempts=job.starts), event, now)
    job_after = replace(step.job, max_attempts=job.max_attempts, reconciled=True)
    return Step(T.CORRECTED, job_after, kind="reconciled", note=event.message)


def refuse_claim_after_end(job: Job, event: Report, now: Instant) -> Answer:
    """Refuse the claim of an ended job: on an ack, the robot would start it."""
    if event.attempt is None:
        return None  # a 1.0 robot does not wait for an ack: it has started already
    order = CancelOrder(job.job_id, event.robot_id, job.attempt, "it has ended")
    return Refusal(T.STALE, "this job has ended; do not start it", kind="stale_report", order=order, field="job_id")


def record_late_report(job: Job, event: Report, now: Instant) -> Answer:
    """Record a report after the end in the history, at most 20 times; a repeat of the same end changes nothing."""
    ended = JobStatus.FAILED if event.status is ReportStatus.CANCELLED else event.status
    if ended == job.status or job.late_reports >= MAX_LATE_REPORTS:
        return Step(T.ENDED, job)
    late = write(job, late_reports=job.late_reports + 1)
    return Step(T.ENDED, late, kind="late_report", note=f"{event.status.value}: {event.message or ''}".rstrip(": "))


# T11-T14: cancels and timeouts


def cancel_pending(job: Job, event: Cancel, now: Instant) -> Answer:
    order = None if job.robot_id is None else CancelOrder(job.job_id, job.robot_id, job.attempt, event.reason)
    request = {"cancel_requested_at": now, "cancel_requested_by": event.by, "cancel_reason": event.reason}
    ended = replace(end(job, now, JobStatus.FAILED, Reason.CANCELLED), **request)
    return Step(T.CANCELLED, ended, kind="cancelled", note=event.reason, by=event.by, order=order)


def cancel_held(job: Job, event: Cancel, now: Instant) -> Answer:
    if job.cancel_requested_at is not None:
        return Step(T.STOPPING, job, order=cancel_order(job))
    wanted = stop(job, now, Reason.CANCELLED, event.reason, event.by)
    return Step(T.STOPPING, wanted, kind="cancel_requested", note=event.reason, by=event.by, order=cancel_order(wanted))


def note_cancel_sent(job: Job, event: CancelSent, now: Instant) -> Answer:
    if job.robot_id != event.robot_id or job.cancel_requested_at is None:
        return None
    return Step(T.STOPPING, write(job, cancel_sent_at=now), kind="cancel_sent")


def note_cancel_received(job: Job, event: CancelDelivered, now: Instant) -> Answer:
    if job.cancel_requested_at is None or job.cancel_received_at is not None:
        return Step(T.STOPPING, job)  # a repeat, or the receipt of an order that is not recorded yet
    return Step(T.STOPPING, write(job, cancel_received_at=now), kind="cancel_received")


def ignore_cancel_received(job: Job, event: CancelDelivered, now: Instant) -> Answer:
    return Step(T.STOPPING, job)


def end_grace(job: Job, event: GraceOver, now: Instant) -> Answer:
    """Request the stop again, with force. After another grace time, end the job without a confirmation of the robot."""
    if job.grace_expires_at is None or job.grace_expires_at > now:
        return None
    if not job.forced:
        forced = write(job, forced=True, grace_expires_at=after(now, CANCEL_GRACE_SECONDS))
        return Step(T.OVERDUE, forced, kind="cancel_forced", order=cancel_order(forced))
    ended = replace(end(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED), unconfirmed=True)
    return Step(T.OVERDUE, ended, kind="cancel_unconfirmed")


def stop_at_deadline(job: Job, event: DeadlineOver, now: Instant) -> Answer:
    over = job.deadline_at is not None and job.deadline_at <= now
    if not over or job.cancel_requested_at is not None:
        return None
    text = f"timeout: over {job.timeout_seconds} s"
    wanted = stop(job, now, Reason.TIMEOUT, text)
    return Step(T.TIMED_OUT, wanted, kind="timeout", note=text, order=cancel_order(wanted))


# T15, T16, T18: a robot without a connection, or reconnected without the job


def lose_contact(job: Job, event: SocketLost, now: Instant) -> Answer:
    """Note the end of the connection once: the instance of the robot and one that adopts it may both report it."""
    if job.session_id != event.session_id or job.contact_lost:
        return None
    return Step(T.CUT_OFF, write(job, contact_lost_at=now), kind="contact_lost")


def lose_job(job: Job, number: Transition, note: str, jitter: float, now: Instant) -> Step:
    """Give up the current attempt: retry if attempts are left and no stop is requested, else fail."""
    if job.cancel_requested_at is not None:
        ended = replace(end(job, now, JobStatus.FAILED, job.cancel_for or Reason.CANCELLED), unconfirmed=True)
        return Step(number, ended, kind="robot_lost", note=note)
    if job.attempts_left:
        return Step(number, retry(job, jitter, now), kind="robot_lost", note=note)
    return Step(number, end(job, now, JobStatus.FAILED, Reason.ROBOT_LOST), kind="robot_lost", note=note)


def extend_late_lease(job: Job, event: LeaseOver, now: Instant) -> Answer:
    """Give another lease to a job whose lease was not judged at its end, so that its robot can reconnect.

    A claim can wait for minutes in an instance that stands still, while another one withdraws its offer. Its lease is
    written as over, and begins here.
    """
    over_at = job.lease_expires_at
    if over_at is None or not judged_late(over_at, now):
        return None
    return Step(T.LOST, write(job, lease_expires_at=after(now, LEASE_SECONDS)))


def expire_lease(job: Job, event: LeaseOver, now: Instant) -> Answer:
    if job.lease_expires_at is None or job.lease_expires_at > now:
        return None
    return lose_job(job, T.LOST, f"no message from the robot for {LEASE_SECONDS} s", event.jitter, now)


def lose_unheld(job: Job, event: NotHeld, now: Instant) -> Answer:
    """Give up the job if the process that held it reports so or has ended. Otherwise its lease continues."""
    if job.robot_id != event.robot_id or job.session_id == event.session_id or job.process != event.process:
        return None
    return lose_job(job, T.NOT_HELD, "the robot reconnected without it", event.jitter, now)
