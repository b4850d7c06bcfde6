"""Queues that jobs can name, and pauses of queues."""

from dataclasses import dataclass

from casare_rpa.domain.instants import Instant

ALL_QUEUES = "*"
"""The target of an order that concerns all queues."""


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A queue that gives out nothing until it is resumed. `*` is all of them."""

    queue: str
    paused_at: Instant
    paused_by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that jobs can name, besides `default`, which is always there."""

    queue: str
    created_at: Instant
    created_by: str
