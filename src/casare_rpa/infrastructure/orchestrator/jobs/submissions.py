"""New jobs: what a submitter asks for, and the job that comes of it."""

import hashlib
import secrets
from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict, replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import DEFAULT_PRIORITY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_SECONDS, Job
from casare_rpa.domain.job_updates import queue_deadline


class NewSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter asks for; `parameters` is the JSON text of an object."""

    workflow_id: str
    tenant_id: str
    parameters: str = "{}"
    priority: int = DEFAULT_PRIORITY
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    target_robot_id: str | None = None
    tags: tuple[str, ...] = ()
    max_attempts: int = 1
    not_before: Instant | None = None
    queue: str = DEFAULT_QUEUE
    queue_ttl_seconds: int | None = None
    idempotency_key: str | None = None
    retry_of: str | None = None


def new_job_id(now: Instant) -> str:
    """`job-` and 24 hex digits that sort by time: 12 of milliseconds, 12 random."""
    return f"job-{now // 1000:012x}{secrets.token_hex(6)}"


def new_job(submission: NewSubmission, at: Instant) -> Job:
    """The pending job of a submission."""
    job = Job(
        job_id=new_job_id(at),
        tenant_id=submission.tenant_id,
        workflow_id=submission.workflow_id,
        submitted_at=at,
        queue=submission.queue,
        priority=submission.priority,
        parameters=submission.parameters,
        tags=tuple(sorted(set(submission.tags))),
        target_robot_id=submission.target_robot_id,
        timeout_seconds=submission.timeout_seconds,
        max_attempts=submission.max_attempts,
        not_before=submission.not_before,
        retry_of=submission.retry_of,
        queue_ttl_seconds=submission.queue_ttl_seconds,
    )
    return replace(job, queue_expires_at=queue_deadline(job, at))


def retry_of(job: Job, idempotency_key: str | None) -> NewSubmission:
    """The submission that asks for the same as a job did."""
    return NewSubmission(
        workflow_id=job.workflow_id,
        tenant_id=job.tenant_id,
        parameters=job.parameters,
        priority=job.priority,
        timeout_seconds=job.timeout_seconds,
        target_robot_id=job.target_robot_id,
        tags=job.tags,
        max_attempts=job.max_attempts,
        queue=job.queue,
        queue_ttl_seconds=job.queue_ttl_seconds,
        idempotency_key=idempotency_key,
        retry_of=job.job_id,
    )


def keys_of(submissions: Sequence[NewSubmission]) -> list[str | None]:
    """The idempotency key of each job of one call.

    A call has one key for all its jobs, and the store needs one per job. The first job of each tenant gets the key as
    it was sent, so a key that was used for another body is found in every tenant of the call. The others get a line
    end and a number behind it, which no HTTP header can contain.
    """
    seen: set[str] = set()
    keys: list[str | None] = []
    for number, one in enumerate(submissions):
        first = one.tenant_id not in seen
        seen.add(one.tenant_id)
        keys.append(one.idempotency_key if first or one.idempotency_key is None else f"{one.idempotency_key}\n{number}")
    return keys


def body_digest(submissions: Sequence[NewSubmission]) -> str:
    """SHA-256 of what a call asks for: equal for a repeated call, by any principal."""
    return hashlib.sha256("\n".join(map(_digested, submissions)).encode()).hexdigest()


def _digested(submission: NewSubmission) -> str:
    # Digests are stored: the text must stay as it is, with the empty `by` of the first schema, or a key from before an
    # upgrade would conflict with its own repetition.
    values = {"workflow_id": "", "tenant_id": "", "by": "", **asdict(submission)}
    return f"NewSubmission({', '.join(f'{name}={value!r}' for name, value in values.items())})"
