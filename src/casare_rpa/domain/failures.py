"""Fingerprints, which group failures by workflow, reason and the constant part of the error message."""

import hashlib
import json
import re
from typing import Any

from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.vocabulary import JobStatus

FINGERPRINT_LENGTH = 16

# Parts of a message that differ between failures with the same cause: numbers, ids, and text in quotes.
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|\b[0-9a-fA-F]{8,}\b|\b\d[\d.,:/-]*\b")


def fingerprint(job: Job) -> str | None:
    """The fingerprint of a failed job; `None` if it has not failed or was cancelled.

    A hash of its workflow, its reason, and the type, code and first line of its error without the varying parts.
    """
    if job.status is not JobStatus.FAILED or job.reason is Reason.CANCELLED:
        return None
    error = error_of(job)
    parts = [job.workflow_id, str(job.reason), str(error.get("type")), str(error.get("code")), kind_of(sentence(job))]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:FINGERPRINT_LENGTH]


def error_of(job: Job) -> dict[str, Any]:
    """The error that the robot reported; empty if it reported none."""
    error: dict[str, Any] = json.loads(job.error) if job.error is not None else {}
    return error


def sentence(job: Job) -> str:
    """The error in one line: the first line of the reported message, or else the reason of the failure."""
    message = error_of(job).get("message") or job.message
    lines = str(message).strip().splitlines() if message else []
    return lines[0] if lines else str(job.reason)


def kind_of(text: str) -> str:
    """The text with `#` in place of the parts that differ between failures with the same cause.

    >>> kind_of("Row 17 of '/tmp/in.csv' holds 3,50 EUR")
    'Row # of # holds # EUR'
    """
    return _VARYING.sub("#", text)
