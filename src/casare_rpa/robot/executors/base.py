"""The interface of executors: a task, its events, its outcome, and the request to stop it."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.domain.steps import JobStep


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of a job. `workflow` is the folder to run, `output_dir` an empty folder for its output files."""

    job_id: str
    attempt: int
    workflow_id: str
    workflow: Path
    parameters: dict[str, object]
    timeout_seconds: float
    output_dir: Path


@dataclass(frozen=True, slots=True)
class Log:
    """A log line of the workflow. `node_id` is the step that logged it; `None` when unknown."""

    level: Level
    message: str
    logged_at: datetime
    node_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    """Progress of the workflow in percent."""

    percent: float
    message: str | None = None


@dataclass(frozen=True, slots=True)
class StepUpdate:
    """A step of the workflow that began or ended."""

    step: JobStep


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a task: a result (any JSON value), or an error."""

    result: object = None
    error: JobError | None = None


RunEvent = Log | ProgressUpdate | StepUpdate
Emit = Callable[[RunEvent], Awaitable[None]]
"""Receives events. It waits when the robot cannot keep up, which slows the workflow down (backpressure)."""


@dataclass(slots=True)
class StopRequest:
    """A request to stop a task. It cannot be withdrawn. `force` kills at once instead of asking first.

    `kill_deadline_at` is the time of the monotonic clock at which the task is killed; `None` leaves it to the executor.
    """

    reason: str | None = None
    force: bool = False
    kill_deadline_at: float | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    forced: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self, reason: str, *, force: bool = False, grace_seconds: float | None = None) -> None:
        """Request a stop. The first reason is kept; a later call may add `force` or shorten the grace period."""
        self.reason = self.reason or reason
        if grace_seconds is not None:
            self.kill_deadline_at = min(self.kill_deadline_at or math.inf, time.monotonic() + grace_seconds)
        self.wanted.set()
        if force:
            self.force = True
            self.forced.set()


class Executor(Protocol):
    """Runs workflows of one kind."""

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        """Run one task to its end. Errors of the workflow are part of the outcome, never raised.

        No process that the task started runs any more on return: neither the child nor its descendants.
        """
        ...
