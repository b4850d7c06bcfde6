"""Logs without secrets, and the figures of /metrics."""

import logging
import re
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge

from casare_rpa.infrastructure.orchestrator.settings import Settings

_HIDDEN = "***"
_PATTERNS = (
    re.compile(r"(?i)((?:api_key|api_secret|token|password)(?:=|%3d|[\"']\s*:\s*[\"']))[^&\s\"',)}]+"),
    re.compile(
        r"(?i)((?:authorization|x-api-key|x-api-secret|sec-websocket-protocol)['\"]?\s*[:,=]\s*['\"]?)[^\r\n'\"]+"
    ),
    re.compile(r"()crpa_[0-9A-Za-z]+"),
    re.compile(r"()eyJ[\w-]+\.[\w-]+\.[\w-]*"),
)
QUIET_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets", "asyncio", "alembic")


def redact(text: str, known: tuple[str, ...] = ()) -> str:
    """The text with everything that is, or looks like, a credential replaced by `***`."""
    for secret in known:
        text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, then redacts the whole of it: nothing can slip past in an argument."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._known = known

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), self._known).replace("\r", "\\r")


def configure_logging(settings: Settings) -> None:
    """One handler on stderr for everything, libraries included."""
    secrets = (settings.api_secret, settings.jwt_secret, settings.admin_password)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(tuple(s.get_secret_value() for s in secrets if s.get_secret_value())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in QUIET_LOGGERS:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        # What libraries say at INFO is about every single connection; ours say what an operator needs.
        library.setLevel(logging.DEBUG if settings.log_level == "DEBUG" else logging.WARNING)


class Metrics:
    """The figures of one instance, in a registry of its own. Described in docs/reference/metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = Gauge(
            "casare_connections", "WebSocket connections now.", ["endpoint"], registry=self.registry
        )
        self.messages = Counter(
            "casare_messages_received_total",
            "WebSocket messages received.",
            ["endpoint", "type"],
            registry=self.registry,
        )
        self.auth_failures = Counter(
            "casare_auth_failures_total",
            "Connections refused for their credential.",
            ["endpoint"],
            registry=self.registry,
        )
        self.rate_limited = Counter(
            "casare_rate_limited_total",
            "Messages that had to wait for the rate limit.",
            ["endpoint"],
            registry=self.registry,
        )
        self.dropped = Counter(
            "casare_dropped_messages_total",
            "Log lines dropped for viewers that read too slowly.",
            ["endpoint"],
            registry=self.registry,
        )
        self.jobs_submitted = Counter("casare_jobs_submitted_total", "Jobs accepted.", registry=self.registry)
        self.jobs_ended = Counter(
            "casare_jobs_ended_total", "Jobs that ended.", ["status", "reason"], registry=self.registry
        )
        self.jobs = Gauge("casare_jobs", "Jobs that have not ended, by status.", ["status"], registry=self.registry)
        self.robots = Gauge("casare_robots", "Connected robots, by status.", ["status"], registry=self.registry)
        self.deliveries = Gauge(
            "casare_deliveries", "Messages handed to viewers since the start.", registry=self.registry
        )
        self.commits = Gauge("casare_store_commits", "Commits of the store since the start.", registry=self.registry)
        self.store_waiting = Gauge(
            "casare_store_waiting", "Writes that wait for the store now.", registry=self.registry
        )
        self.loop_rounds = Gauge(
            "casare_loop_rounds", "Rounds of a background loop since the start.", ["loop"], registry=self.registry
        )
        self.loop_failures = Gauge(
            "casare_loop_failures",
            "Rounds of a background loop that failed since the start.",
            ["loop"],
            registry=self.registry,
        )
