"""Queues that jobs can name, and pauses of queues."""

from dataclasses import dataclass

from casare_rpa.domain.instants import Instant

ALL_QUEUES = "*"
"""The target of a command to all queues."""


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A queue whose jobs are not assigned until it is resumed; `*` means all queues."""

    queue: str
    paused_at: Instant
    paused_by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that jobs can name. The queue `default` exists without a record."""

    queue: str
    created_at: Instant
    created_by: str
