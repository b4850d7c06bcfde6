"""Kinds of records that are kept for a limited time."""

from enum import StrEnum


class RetainedKind(StrEnum):
    """A kind of record that retention deletes."""

    JOBS = "jobs"
    """Ended jobs, each with its history, its log lines and its idempotency key."""
    LOGS = "log lines"
    AUDIT = "audit entries"
