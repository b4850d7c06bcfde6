"""The observations of the actors, in order. The checker uses them, and their text shows whether two runs are equal."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Run:
    """One run of a job on a robot, by the robot's own log. `ended_at` is `None` while it runs."""

    job_id: str
    attempt: int | None
    robot_id: str
    ours: bool
    started_at: float
    offer: int
    """The attempt of its assignment. A 1.0 robot does not read it."""
    ended_at: float | None = None
    how: str = ""
    peer: str = ""
    """The process of the robot."""


@dataclass(slots=True)
class Submit:
    """An acknowledged submit."""

    at: float
    key: str
    job_id: str
    tenant_id: str
    max_attempts: int


@dataclass(slots=True)
class Watch:
    """One connection of a viewer with the received frames: (instant, document)."""

    name: str
    tenant_id: str | None
    snapshot: bool
    """Whether it begins with a snapshot (/ws/admin) or with the next change (live-jobs)."""
    frames: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    over: bool = False
    since: str | None = None
    """The position with which it was opened; `None` without one."""


@dataclass(slots=True)
class Acked:
    """An end with an acknowledged report."""

    at: float
    job_id: str
    attempt: int
    status: str
    robot_id: str


@dataclass(slots=True)
class Serving:
    """The times of one instance."""

    started: list[float] = field(default_factory=list)
    """When each of its processes first read its clock."""
    since: list[float] = field(default_factory=list)
    """When it began to serve: after a start, or after a pause that it treats like one."""
    away: list[float] = field(default_factory=list)
    """When it was killed, stopped or cut off from the disk, and was none of these before."""

    def began_before(self, at: float) -> float:
        """The last time that it began to serve."""
        return max((since for since in self.since if since <= at), default=0.0)


@dataclass(slots=True)
class Link:
    """A connection of a robot or viewer to an instance, until that instance has handled its end."""

    since: float
    instance: str
    until: float = float("inf")


@dataclass(slots=True)
class History:
    """The observations of a run. Lists are in order of time; instants are seconds of the simulated steady clock."""

    submits: list[Submit] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    acked: list[Acked] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    returns: list[Watch] = field(default_factory=list)
    """The connections of viewers that reconnect with their position."""
    assigned: list[tuple[float, str, str, int]] = field(default_factory=list)
    """(instant, robot_id, job_id, attempt) of received assignments."""
    servers: dict[str, Serving] = field(default_factory=dict)
    """By the names of the instances."""
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """The times in which the queue was certainly paused."""
    heard: dict[str, list[float]] = field(default_factory=dict)
    """When an instance with a disk received frames on the newest connection, by robot."""
    links: dict[str, list[Link]] = field(default_factory=dict)
    """The connections of each robot and viewer."""
    lists: dict[str, list[tuple[float, frozenset[str] | None]]] = field(default_factory=dict)
    """The workflows of each `hello` with the time of its receipt, by robot; `None` at the start of a connection."""
    newest: dict[str, int] = field(default_factory=dict)
    """The number of the newest connection of each robot and viewer."""
    tickets: list[tuple[float, int]] = field(default_factory=list)
    """(instant, accepted connections) of each ticket."""
    last_tickets: list[int] = field(default_factory=list)
    """Accepted connections of each ticket at the end, when there are no faults."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """The number of jobs in each status at the end, as each instance answers."""
    seen: dict[str, int] = field(default_factory=dict)
    """The stored time of the last frame of each robot."""
    seen_early: list[str] = field(default_factory=list)
    """Times of last frames that the store had later than the frames."""
    commits: list[tuple[float, int, str]] = field(default_factory=list)
    """(instant, last entry of the store's history, instance) after each commit. They show when each entry became
    durable, and who wrote it."""
    kept_after_end: dict[str, str] = field(default_factory=dict)
    """Sessions whose connection stayed open after their end in the store, with the instance and the robot."""
    faults: dict[str, int] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Tracebacks in the server's log without an injected fault as their cause."""
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
