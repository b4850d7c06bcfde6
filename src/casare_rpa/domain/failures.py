"""Which failures belong together: the same workflow, failing for the same reason with the same kind of sentence."""

import hashlib
import json
import re
from typing import Any

from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.vocabulary import JobStatus

FINGERPRINT_LENGTH = 16

# What differs from one failure to the next and says nothing of its kind: numbers, ids, whatever stands in quotes.
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|\b[0-9a-fA-F]{8,}\b|\b\d[\d.,:/-]*\b")


def fingerprint(job: Job) -> str | None:
    """The group of failures that a job belongs to; `None` while it has not failed, and when it was cancelled.

    Made of its workflow, its reason, and the type, code and first line of its error, without what varies in that.
    """
    if job.status is not JobStatus.FAILED or job.reason is Reason.CANCELLED:
        return None
    error = error_of(job)
    parts = [job.workflow_id, str(job.reason), str(error.get("type")), str(error.get("code")), kind_of(sentence(job))]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:FINGERPRINT_LENGTH]


def error_of(job: Job) -> dict[str, Any]:
    """What the robot said of the error, as far as it did."""
    error: dict[str, Any] = json.loads(job.error) if job.error is not None else {}
    return error


def sentence(job: Job) -> str:
    """The error in one line: what the robot said, else why the job is failed."""
    said = error_of(job).get("message") or job.message
    lines = str(said).strip().splitlines() if said else []
    return lines[0] if lines else str(job.reason)


def kind_of(text: str) -> str:
    """A sentence without what varies from one time to the next.

    >>> kind_of("Row 17 of '/tmp/in.csv' holds 3,50 EUR")
    'Row # of # holds # EUR'
    """
    return _VARYING.sub("#", text)
