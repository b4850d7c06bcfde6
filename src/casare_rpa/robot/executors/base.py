"""The interface of executors: what a robot hands to one, what comes out while it works, and how it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of a job. `workflow` is the folder to run, `output_dir` an empty one for what it leaves behind."""

    job_id: str
    attempt: int
    workflow_id: str
    workflow: Path
    parameters: dict[str, object]
    timeout_seconds: float
    output_dir: Path


@dataclass(frozen=True, slots=True)
class Log:
    """A line that the workflow logged. `node_id` says where in it; `None` when that is not known."""

    level: Level
    message: str
    logged_at: datetime
    node_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    """How far it is, in percent."""

    percent: float
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: with a result (any JSON value), or with an error."""

    result: object = None
    error: JobError | None = None


Emit = Callable[[Log | ProgressUpdate], Awaitable[None]]
"""Takes what comes out; it waits when the robot cannot keep up, and so slows the workflow down."""


@dataclass(slots=True)
class Stop:
    """The wish to stop: once asked for, it stays; `force` skips the asking."""

    reason: str | None = None
    force: bool = False
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    forced: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, reason: str, *, force: bool = False) -> None:
        """Ask to stop; the first reason counts. With `force` it is killed at once."""
        self.reason = self.reason or reason
        self.wanted.set()
        if force:
            self.force = True
            self.forced.set()


class Executor(Protocol):
    """Runs workflows of one kind."""

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Run one task to its end; never raises for what the workflow does.

        Guarantees that nothing that it started still runs when it returns: not the child, not its children.
        """
        ...
