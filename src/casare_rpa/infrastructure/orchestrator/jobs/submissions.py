"""Ids of new jobs, and the idempotency of submits."""

import hashlib
import secrets
from collections.abc import Sequence

from msgspec.structs import asdict

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_fields import REQUEST_FIELDS
from casare_rpa.domain.job_submissions import NewSubmission

_FIRST_FIELDS = (
    *("workflow_id", "tenant_id", "by", "parameters", "priority", "timeout_seconds", "target_robot_id", "tags"),
    *("max_attempts", "not_before", "queue", "queue_ttl_seconds", "idempotency_key", "retry_of"),
)
"""The fields of the first release, in the order of its digests. Never changes."""


def new_job_ids(instants: Sequence[Instant]) -> list[str]:
    """For a job of each instant: `job-` and 24 hex digits that sort by time, 12 of milliseconds and 12 random."""
    digits = secrets.token_hex(6 * len(instants))  # in one call, because each is a system call
    return [f"job-{at // 1000:012x}{digits[12 * n : 12 * n + 12]}" for n, at in enumerate(instants)]


def keys_of(submissions: Sequence[NewSubmission]) -> list[str | None]:
    """The idempotency key of each job of one call.

    A call has one key for all its jobs, and the store needs one per job. The first job of each tenant gets the key as
    it was sent, so a key that was used for another body is found in every tenant of the call. The others get the key,
    a line end and a number: no HTTP header can contain a line end.
    """
    seen: set[str] = set()
    keys: list[str | None] = []
    for number, one in enumerate(submissions):
        first = one.tenant_id not in seen
        seen.add(one.tenant_id)
        keys.append(one.idempotency_key if first or one.idempotency_key is None else f"{one.idempotency_key}\n{number}")
    return keys


def body_digest(submissions: Sequence[NewSubmission]) -> str:
    """SHA-256 of the requests of a call: equal for a repeated call, by any principal."""
    return hashlib.sha256("\n".join(map(_digested, submissions)).encode()).hexdigest()


def _digested(submission: NewSubmission) -> str:
    # Digests are stored. The text must never change, also not the empty `by` of the first schema; otherwise a submit
    # that is repeated after an upgrade would conflict with itself. So a field that was added later counts only if set.
    given = {"by": "", **asdict(submission)}
    values = {name: given.pop(name) for name in _FIRST_FIELDS}
    defaults = {field.name: field.default for field in REQUEST_FIELDS}
    values |= {name: value for name, value in given.items() if value != defaults[name]}
    return f"NewSubmission({', '.join(f'{name}={value!r}' for name, value in values.items())})"
