"""Kinds of records that are kept for a limited time."""

from enum import StrEnum


class RetainedKind(StrEnum):
    """What is kept for a while only."""

    JOBS = "jobs"
    """Those that have ended, each with its history, its log lines and its idempotency key."""
    LOGS = "log lines"
    AUDIT = "audit entries"
