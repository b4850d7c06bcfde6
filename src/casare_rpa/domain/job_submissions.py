"""The request for a job, and its mapping from and to Job: fields with the same name are copied."""

from operator import attrgetter

import msgspec
from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import DEFAULT_PRIORITY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_SECONDS, Job
from casare_rpa.domain.job_fields import JOB_FIELDS, fields_of
from casare_rpa.domain.job_updates import queue_deadline


class NewSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a job; `parameters` is the JSON text of an object.

    The digest of an idempotent request is computed from its fields in this order and stored. New fields go to the end.
    """

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


_OF_JOB = {field.name for field in JOB_FIELDS}
REQUESTED = tuple(field.name for field in fields_of(NewSubmission) if field.name in _OF_JOB)
"""The fields of a job that its submitter sets."""
CONSTANT = frozenset({"job_id", "submitted_at", *REQUESTED}) - {"not_before"}
"""The fields of a job that no transition changes. A retry changes `not_before`."""

_REPEATED = tuple(name for name in REQUESTED if name not in ("not_before", "retry_of"))
_requested_of = attrgetter(*REQUESTED)
_repeated_of = attrgetter(*_REPEATED)


def new_job(submission: NewSubmission, job_id: str, at: Instant) -> Job:
    """The job of a request that is accepted at `at`; its tags are sorted and unique."""
    values = dict(zip(REQUESTED, _requested_of(submission), strict=True))
    values["tags"] = tuple(sorted(set(submission.tags)))
    job = Job(job_id=job_id, submitted_at=at, **values)
    return replace(job, queue_expires_at=queue_deadline(job, at))


def retry_of(job: Job, idempotency_key: str | None) -> NewSubmission:
    """The request for a job that repeats another one. A `not_before` is not repeated."""
    values = dict(zip(_REPEATED, _repeated_of(job), strict=True))
    return NewSubmission(idempotency_key=idempotency_key, retry_of=job.job_id, **values)
