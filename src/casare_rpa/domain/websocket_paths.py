"""The WebSocket endpoints of the contract, declared once.

Routes, size limits, the AsyncAPI document, the pattern of tickets and the names in metrics are derived from here.
Source: docs/reference/websocket-contract.md, At a glance.
"""

from dataclasses import dataclass
from enum import StrEnum

from casare_rpa.domain import protocol
from casare_rpa.domain.codec import messages_of
from casare_rpa.domain.limits import (
    ADMIN_LIMIT,
    ADMIN_MESSAGE_BYTES,
    MONITORING_LIMIT,
    ROBOT_LIMIT,
    ROBOT_MESSAGE_BYTES,
    VIEWER_MESSAGE_BYTES,
    RateLimit,
)


class Credential(StrEnum):
    """The query parameter with the credential of a connection."""

    ROBOT_KEY = "api_key"
    ADMIN_SECRET = "api_secret"  # noqa: S105 - the name of a parameter
    TOKEN = "token"  # noqa: S105 - the name of a parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketPath:
    """An endpoint. `takes` and `sends` are unions of `protocol`; `takes` is `None` if every message is refused.

    `name` is its name in the AsyncAPI document, `rate` the default of its rate limit. A path may end with `{robot_id}`.
    """

    name: str
    path: str
    summary: str
    credential: Credential
    takes: object
    sends: object
    rate: RateLimit
    max_message_bytes: int

    @property
    def label(self) -> str:
        """The path without parameters: a value of the label `endpoint` in metrics."""
        return self.path.removesuffix("/{robot_id}")

    @property
    def inbound(self) -> tuple[type[protocol.Message], ...]:
        """The messages that the server accepts."""
        return () if self.takes is None else messages_of(self.takes)

    @property
    def outbound(self) -> tuple[type[protocol.Message], ...]:
        """The messages that the server sends."""
        return messages_of(self.sends)

    @property
    def accepts_tickets(self) -> bool:
        """Whether a ticket may replace the credential. Robots have no login and therefore no tickets."""
        return self.credential is not Credential.ROBOT_KEY


def _logs(name: str, path: str, summary: str) -> WebSocketPath:
    return WebSocketPath(
        name=name,
        path=path,
        summary=summary,
        credential=Credential.ADMIN_SECRET,
        takes=None,
        sends=protocol.ToLogs,
        rate=ADMIN_LIMIT,
        max_message_bytes=VIEWER_MESSAGE_BYTES,
    )


def _monitoring(name: str, path: str, summary: str, sends: object) -> WebSocketPath:
    return WebSocketPath(
        name=name,
        path=path,
        summary=summary,
        credential=Credential.TOKEN,
        takes=protocol.FromMonitoring,
        sends=sends,
        rate=MONITORING_LIMIT,
        max_message_bytes=VIEWER_MESSAGE_BYTES,
    )


ROBOT = WebSocketPath(
    name="robot",
    path="/ws/robot/{robot_id}",
    summary="A robot: heartbeats, job reports and logs in; jobs, cancels and pings out.",
    credential=Credential.ROBOT_KEY,
    takes=protocol.FromRobot,
    sends=protocol.ToRobot,
    rate=ROBOT_LIMIT,
    max_message_bytes=ROBOT_MESSAGE_BYTES,
)
ADMIN = WebSocketPath(
    name="admin",
    path="/ws/admin",
    summary="An admin dashboard: subscriptions and commands in; robots, jobs and the queue out.",
    credential=Credential.ADMIN_SECRET,
    takes=protocol.FromAdmin,
    sends=protocol.ToAdmin,
    rate=ADMIN_LIMIT,
    max_message_bytes=ADMIN_MESSAGE_BYTES,
)
ROBOT_LOGS = _logs("robotLogs", "/ws/logs/{robot_id}", "The log lines of one robot, live.")
LOGS = _logs("logs", "/ws/logs", "The log lines of every robot, live.")
LIVE_JOBS = _monitoring("liveJobs", "/ws/monitoring/live-jobs", "Each change of a job's state.", protocol.ToLiveJobs)
ROBOT_STATUS = _monitoring(
    "robotStatus", "/ws/monitoring/robot-status", "Robots, every 5 seconds.", protocol.ToRobotStatus
)
QUEUE_METRICS = _monitoring(
    "queueMetrics", "/ws/monitoring/queue-metrics", "Queue depth, every 5 s.", protocol.ToQueueMetrics
)

WEBSOCKET_PATHS = (ROBOT, ADMIN, ROBOT_LOGS, LOGS, LIVE_JOBS, ROBOT_STATUS, QUEUE_METRICS)


def ticket_pattern() -> str:
    """A regular expression for the paths that accept tickets."""
    robot_id = protocol.ID_PATTERN.removeprefix("^").removesuffix("$")
    paths = [one.path for one in WEBSOCKET_PATHS if one.accepts_tickets]
    return "^(?:" + "|".join(path.replace("{robot_id}", robot_id) for path in paths) + ")$"
