"""The request for a job, and its mapping from and to Job: fields with the same name are copied."""

from operator import attrgetter

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_request import JobRequest
from casare_rpa.domain.job_updates import queue_deadline


class NewSubmission(JobRequest, frozen=True, kw_only=True):
    """A request for a job; `parameters` is the JSON text of an object."""

    idempotency_key: str | None = None


REQUESTED = JobRequest.__struct_fields__
"""The fields of a job that its submitter sets."""
CONSTANT = frozenset({"job_id", "submitted_at", *REQUESTED}) - {"not_before"}
"""The fields of a job that no transition changes. A retry changes `not_before`."""

_TAGS = REQUESTED.index("tags")
_REPEATED = tuple(name for name in REQUESTED if name not in ("not_before", "retry_of"))
_requested_of = attrgetter(*REQUESTED)
_repeated_of = attrgetter(*_REPEATED)


def new_job(submission: NewSubmission, job_id: str, at: Instant) -> Job:
    """The job of a request that is accepted at `at`; its tags are sorted and unique."""
    values = [*_requested_of(submission), job_id, at]
    values[_TAGS] = tuple(sorted(set(submission.tags)))
    job = Job(*values)
    expires_at = queue_deadline(job, at)
    return job if expires_at is None else replace(job, queue_expires_at=expires_at)


def retry_of(job: Job, idempotency_key: str | None) -> NewSubmission:
    """The request for a job that repeats another one. A `not_before` is not repeated."""
    values = dict(zip(_REPEATED, _repeated_of(job), strict=True))
    return NewSubmission(idempotency_key=idempotency_key, retry_of=job.job_id, **values)
