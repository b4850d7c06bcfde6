"""The messages to robots and viewers about a job."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import UNSET, Raw

from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import CancelOrder
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.protocol import HeldJob, JobAssign, JobCancel, JobUpdate, LiveJob, WaitReason
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.domain.waiting import PendingReason


class VisibleJob(Protocol):
    """What viewers see of a job: a Job, or a stored change of one."""

    @property
    def job_id(self) -> str: ...
    @property
    def workflow_id(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def status(self) -> JobStatus: ...
    @property
    def visible_robot_id(self) -> str | None: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def attempt(self) -> int: ...
    @property
    def progress(self) -> float: ...
    @property
    def message(self) -> str | None: ...
    @property
    def contact_lost(self) -> bool: ...
    @property
    def cancel_stage(self) -> str | None: ...
    @property
    def revision(self) -> int: ...


def looks_the_same(before: Job, job: Job) -> bool:
    """Whether viewers see no change of state between both. They do not see offers, and progress is not a state."""
    if before.status is not job.status or job.status is JobStatus.PENDING:
        return before.status is job.status
    return (
        before.robot_id == job.robot_id
        and before.reason is job.reason
        and before.attempt == job.attempt
        and (before.contact_lost_at is None) is (job.contact_lost_at is None)
    )


def assign_message(job: Job) -> JobAssign:
    """The `job_assign` of an offered job; the same message each time it is sent.

    `deadline` is the latest possible one: the deadline if the robot claims the job just before the offer expires.
    """
    return JobAssign(
        job_id=job.job_id,
        workflow_id=job.workflow_id,
        priority=job.priority,
        parameters=Raw(job.parameters.encode()),
        timeout_seconds=job.timeout_seconds,
        attempt=job.attempt,
        lease_seconds=LEASE_SECONDS,
        deadline=rfc3339(job.deadline_at) if job.deadline_at is not None else None,
    )


def cancel_message(order: CancelOrder) -> JobCancel:
    return JobCancel(
        job_id=order.job_id,
        reason=order.reason,
        attempt=order.attempt,
        grace_seconds=order.grace_seconds,
        force=order.force,
    )


def held_message(job: Job) -> HeldJob:
    return HeldJob(job_id=job.job_id, status=job.status, attempt=job.attempt)


def update_message(job: VisibleJob, timestamp: str, waiting: Sequence[PendingReason] = ()) -> JobUpdate:
    """The `job_update` for dashboards. An offered job is `pending` without a robot; `waiting` has its reasons.

    `timestamp` is RFC 3339 text, because both messages about a change have the same.
    """
    reasons = [WaitReason(code=reason.code.value, message=reason.message) for reason in waiting] if waiting else None
    robot_id = job.visible_robot_id
    progress = round(job.progress)
    return JobUpdate(
        job_id=job.job_id,
        status=job.status,
        robot_id=robot_id,
        progress=progress,
        timestamp=timestamp,
        reason=job.reason.value if job.reason else UNSET,
        attempt=job.attempt or UNSET,
        message=job.message if job.message is not None else UNSET,
        workflow_id=job.workflow_id,
        contact="lost" if job.contact_lost and robot_id else UNSET,
        pending_reasons=reasons or UNSET,
        cancel=job.cancel_stage or UNSET,
        progress_exact=UNSET if progress == job.progress else job.progress,
    )


def live_message(job: VisibleJob, timestamp: str) -> LiveJob:
    """The flat `job_update` of /ws/monitoring/live-jobs."""
    return LiveJob(job_id=job.job_id, status=job.status, timestamp=timestamp)
