"""What the actors saw, in order: the evidence that the checker judges, and the text by which two runs are compared."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Run:
    """A robot at work on a job, by its own log. `ended_at` is `None` while it works."""

    job_id: str
    attempt: int | None
    robot_id: str
    ours: bool
    started_at: float
    offer: int
    """The attempt of the assignment with which it began, whether the robot reads it or not."""
    ended_at: float | None = None
    how: str = ""


@dataclass(slots=True)
class Submit:
    """A submission that was acknowledged."""

    at: float
    key: str
    job_id: str
    tenant_id: str
    max_attempts: int


@dataclass(slots=True)
class Watch:
    """One connection of a viewer, and the frames it got: (instant, document)."""

    name: str
    tenant_id: str | None
    snapshot: bool
    """Whether it begins with a snapshot (/ws/admin) or with the next change (live-jobs)."""
    frames: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    over: bool = False
    since: str | None = None
    """The position with which it was opened, of a viewer that comes back with one."""


@dataclass(slots=True)
class Acked:
    """An end whose report was acknowledged."""

    at: float
    job_id: str
    attempt: int
    status: str
    robot_id: str


@dataclass(slots=True)
class History:
    """Every list is in order of time; instants are seconds of the simulated, steady clock."""

    submits: list[Submit] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    acked: list[Acked] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    returns: list[Watch] = field(default_factory=list)
    """The connections of viewers that come back with their position, apart from those that begin anew each time."""
    assigned: list[tuple[float, str, str, int]] = field(default_factory=list)
    """(instant, robot_id, job_id, attempt) as robots got them."""
    started: list[float] = field(default_factory=list)
    """When each process of the server began to look at its clock."""
    serving_since: list[float] = field(default_factory=list)
    """When the server began to serve: after a start, or after it was stopped for longer than it lets pass."""
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the queue was paused for certain."""
    heard: dict[str, list[float]] = field(default_factory=dict)
    """When the server took a frame, by robot."""
    lists: dict[str, list[tuple[float, frozenset[str] | None]]] = field(default_factory=dict)
    """By robot, the workflows of each `hello` when the server took it; `None` when a connection began."""
    commits: list[tuple[float, int]] = field(default_factory=list)
    """(instant, last entry of the store's history) after every commit: when each entry became durable."""
    unreliable_jobs: set[str] = field(default_factory=set)
    """Jobs of which an event inside the server was lost or late."""
    faults: dict[str, int] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Tracebacks in the server's log that no injected fault explains."""
    trace: list[str] | None = None
    _digest: Any = field(default_factory=hashlib.sha256)

    def note(self, at: float, who: str, what: str) -> None:
        """Part of the trace."""
        line = f"{at:10.4f} {who:14} {what}"
        self._digest.update(line.encode())
        if self.trace is not None:
            self.trace.append(line)

    def fault(self, at: float, name: str) -> None:
        self.faults[name] = self.faults.get(name, 0) + 1
        self.note(at, "FAULT", name)

    def digest(self) -> str:
        return str(self._digest.hexdigest())
