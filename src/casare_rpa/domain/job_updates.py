"""The fields that a change writes in a job; `transitions` decides whether the change applies."""

from typing import Any

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import CancelOrder
from casare_rpa.domain.liveness import CANCEL_GRACE_SECONDS, LEASE_SECONDS, judged_late, retry_delay_seconds
from casare_rpa.domain.vocabulary import JobStatus

MAX_FORMER_ROBOTS = 8
_CLAIMED = JobStatus.CLAIMED


def write(job: Job, **changes: Any) -> Job:  # noqa: ANN401 - msgspec checks the names
    """The job with changed fields, as its next revision.

    The changes of nearly every job, such as `claim`, call `replace` themselves: to pass keywords on doubles the time.

    Raises:
        TypeError: a name is not a field of Job (checked by `msgspec.structs.replace`).
    """
    return replace(job, revision=job.revision + 1, **changes)


def end(job: Job, now: Instant, status: JobStatus, reason: Reason | None) -> Job:
    """The job after its end, without any timer."""
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
    )


def queue_deadline(job: Job, now: Instant) -> Instant | None:
    """The time at which a job expires that is pending from `now` or its later `not_before`; `None` without a limit."""
    ttl = job.queue_ttl_seconds
    return None if ttl is None else after(max(now, job.not_before or now), ttl)


def requeue(job: Job, **changes: Any) -> Job:  # noqa: ANN401
    """The job as pending, without a robot.

    `former_robots` keeps the last eight robots: their late reports are refused as stale, those of others as unknown.
    """
    former = (*(r for r in job.former_robots if r != job.robot_id), job.robot_id or "")
    return write(
        job,
        status=JobStatus.PENDING,
        robot_id=None,
        session_id=None,
        former_robots=former[-MAX_FORMER_ROBOTS:],
        claim_ack=False,
        process=None,
        offer_expires_at=None,
        lease_expires_at=None,
        deadline_at=None,
        contact_lost_at=None,
        started_at=None,
        progress=0.0,
        message=None,
        **changes,
    )


def retry(job: Job, jitter: float, now: Instant, **changes: Any) -> Job:  # noqa: ANN401
    """The job as pending for another attempt after a backoff. Its time in the queue starts again."""
    again = requeue(job, not_before=after(now, retry_delay_seconds(job.starts, jitter)), **changes)
    return replace(again, queue_expires_at=queue_deadline(again, now))


def claim(job: Job, session_id: str, now: Instant) -> Job:
    """The job as claimed: its lease and its deadline start at `now`, when the claim arrived.

    A claim that waited, because its instance stood still, does not shorten an offer that was held meanwhile.
    """
    # An offer that was withdrawn, held or sent again since its claim arrived can have been so for any time. A lease
    # from the arrival could be over when it is written, and would be judged at once. So it is written as over for so
    # long that the first instance that judges it begins it (`extend_late_lease`).
    waited = job.contact_lost or job.session_id != session_id
    lease = after(now, -LEASE_SECONDS) if waited else max(job.offer_expires_at or now, after(now, LEASE_SECONDS))
    return replace(
        job,
        revision=job.revision + 1,
        status=_CLAIMED,
        session_id=session_id,
        starts=job.starts + 1,
        offer_expires_at=None,
        queue_expires_at=None,
        contact_lost_at=_contact_lost_at(job, now),
        lease_expires_at=lease,
        deadline_at=after(now, job.timeout_seconds),
        error=None,
    )


def renew(job: Job, session_id: str | None, now: Instant) -> Job:
    """The job after a sign of life of its robot: a full lease from `now`; `None` keeps the session.

    A report that waited does not shorten a lease that was extended meanwhile. A lease that was not judged at its end
    stays as it is: the instance that judges it extends it, while a lease from `now` could be over again.
    """
    over_at = job.lease_expires_at or now
    extended = max(over_at, after(now, LEASE_SECONDS))
    return replace(
        job,
        revision=job.revision + 1,
        session_id=session_id or job.session_id,
        lease_expires_at=over_at if judged_late(over_at, now) else extended,
        contact_lost_at=_contact_lost_at(job, now),
    )


def stop(job: Job, now: Instant, reason: Reason, text: str, by: str | None = None) -> Job:
    """The job with a request to stop; `reason` is its reason once the robot confirms."""
    return write(
        job,
        cancel_requested_at=now,
        cancel_requested_by=by,
        cancel_reason=text,
        cancel_for=reason,
        grace_expires_at=after(now, CANCEL_GRACE_SECONDS),
    )


def cancel_order(job: Job) -> CancelOrder | None:
    """The `job_cancel` for the job's robot; `None` when no stop is requested."""
    if job.cancel_requested_at is None or job.robot_id is None:
        return None
    grace = None if job.forced else CANCEL_GRACE_SECONDS
    return CancelOrder(job.job_id, job.robot_id, job.attempt, job.cancel_reason or "cancelled", grace, job.forced)


def _contact_lost_at(job: Job, now: Instant) -> Instant | None:
    """`contact_lost_at` after a report of `now`; a report from before the loss does not clear it."""
    # Reports are written in batches, so the loss of their connection can be written before them.
    lost_at = job.contact_lost_at
    return lost_at if lost_at is not None and now < lost_at else None
