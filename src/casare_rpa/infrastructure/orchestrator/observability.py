"""Logs without secrets and without floods of one error, and the metrics of /metrics."""

import logging
import re
import sys
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import dumps
from typing import Protocol
from urllib.parse import quote, quote_plus, unquote

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from casare_rpa.domain.printable import one_record

_HIDDEN = "***"
_NAMES = r"api_key|api_secret|token|access_token|password"
_HEADERS = r"authorization|x-api-key|x-api-secret|sec-websocket-protocol|cookie"
# Any client can choose the text, so each pattern must run in linear time: after a possible start the next character
# decides, or the match consumes the text. No repetition may contain a character at which another match can start and
# fail.
_PATTERNS = (
    re.compile(rf"(?i)((?:{_NAMES})(?:=|%3d))[^&\s\"',)}}]+"),
    re.compile(rf"(?i)((?:{_NAMES})\\?['\"]\s*[:,]\s*b?\\?['\"])[^'\"]+"),
    re.compile(rf"(?i)((?:{_HEADERS})\\?['\"]?\s*[:,=]\s*(?:b?\\?['\"])?)[^\r\n'\"]+"),
    re.compile(r"(?i)()crpa_[0-9a-z]+"),
    re.compile(r"()eyJ[\w.-]+"),  # a JWT begins with the base64 of `{"`; also a part of one
)
_ESCAPED_PARAMETER = re.compile(r"(?<=[?&])([^\s=?&\"']*+)=([^\s&\"']*+)")
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(?i)crpa_|eyJ[\w-]")
RECORD_BYTES = 8 * 1024
"""The longest text of one log record, in UTF-8."""
TRACEBACK_START_BYTES = 2 * 1024
"""How much of the beginning of a long record with a traceback is kept; the rest of the room is for its last lines."""
LONGEST_CREDENTIAL = 512
"""Characters at a cut that are left out, because they can be a part of a credential that is hidden only as a whole."""
ERROR_WINDOW_SECONDS = 60.0
LOGGED_PER_WINDOW = 10
"""The number of records of one error that are logged in a window: a full disk or a client must not fill the log."""
COMPARED_CHARACTERS = 500
"""How much of a message and of an exception is kept to recognise an error."""
MAX_COUNTED_ERRORS = 256
"""The number of different errors that are counted at a time."""
QUIET_LOGGERS = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "websockets",
    "asyncio",
    "httpx2",
    "httpcore2",
    "alembic",
    "nats",
)


def forms_of(secret: str) -> set[str]:
    """The forms of a secret in a log: plain, percent-encoded, in JSON, and each of these in a Python literal."""
    written = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    written |= {dumps(secret)[1:-1], dumps(secret, ensure_ascii=False)[1:-1]}
    return written | {repr(text)[1:-1] for text in written}


def redact(text: str, known: tuple[str, ...] = ()) -> str:
    """The text with every credential, and every text of that form, replaced by `***`.

    `known` are exact texts to hide, the longest first.
    """
    for secret in known:
        text = text.replace(secret, _HIDDEN)
    if "%" in text:
        text = _ESCAPED_PARAMETER.sub(_hide_escaped, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text


def _hide_escaped(parameter: re.Match[str]) -> str:
    """A query parameter without its value, if its decoded name or value is a credential."""
    name, value = parameter.groups()
    secret = _SECRET_NAME.fullmatch(unquote(name)) or _SECRET_VALUE.search(unquote(value))
    return f"{name}={_HIDDEN}" if secret else parameter[0]


class RedactingFormatter(logging.Formatter):
    """Formats a record with its traceback, then cuts it, then redacts the text, arguments included.

    The text is at most RECORD_BYTES long. It is cut before it is redacted, so that a long text costs no more than a
    short one. Continuation lines are indented and control characters are escaped, so text from a peer can neither
    imitate a record nor control the terminal.
    """

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._known = tuple(sorted({form for secret in known for form in forms_of(secret)}, key=len, reverse=True))
        self._margin = max([LONGEST_CREDENTIAL, *map(len, self._known)])

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) <= RECORD_BYTES:
            shown = _printable(redact(text, self._known))
            if len(shown) <= RECORD_BYTES:
                return shown.decode()
        note = f" … [cut, {len(text)} characters in all] … ".encode()
        end = self._last_lines(text) if record.exc_text else b""
        size = TRACEBACK_START_BYTES if end else RECORD_BYTES
        start = self._beginning(text)[: size - len(note)]
        return (start + note + end).decode("utf-8", "ignore")

    def _beginning(self, text: str) -> bytes:
        redacted = redact(text[: RECORD_BYTES + self._margin], self._known)
        return _printable(redacted[: -self._margin] if len(text) > RECORD_BYTES else redacted)

    def _last_lines(self, text: str) -> bytes:
        """The last whole lines that fit; empty when there is no line end in them."""
        size = RECORD_BYTES - TRACEBACK_START_BYTES
        redacted = redact(text[-size - self._margin :], self._known)
        _, line_end, lines = _printable(redacted[self._margin :])[-size:].partition(b"\n")
        return line_end + lines


def _printable(text: str) -> bytes:
    return one_record(text).encode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _ErrorWindow:
    began_at: float
    records: int = 0


class RepeatedErrors(logging.Filter):
    """Passes ten records of the same error a minute. The first one after the minute has the number of the omitted ones.

    Records are of the same error when their logger, their message without arguments, and the text of their exception
    are equal. Records below ERROR pass. Safe for several threads.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._windows: OrderedDict[tuple[str, str, str], _ErrorWindow] = OrderedDict()
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged. Adds the number of omitted records to its message."""
        if record.levelno < logging.ERROR:
            return True
        error = record.exc_info[1] if record.exc_info else None
        key = (record.name, str(record.msg)[:COMPARED_CHARACTERS], repr(error)[:COMPARED_CHARACTERS])
        now = self._monotonic()
        with self._lock:
            window = self._windows.get(key)
            omitted = 0
            if window is None or now - window.began_at >= ERROR_WINDOW_SECONDS:
                omitted = 0 if window is None else window.records - LOGGED_PER_WINDOW
                window = self._windows[key] = _ErrorWindow(now)
                self._windows.move_to_end(key)
                if len(self._windows) > MAX_COUNTED_ERRORS:
                    self._windows.popitem(last=False)
            window.records += 1
        if omitted > 0:
            record.msg = f"{record.getMessage()} ({omitted} earlier records of this error were omitted)"
            record.args = None
        return window.records <= LOGGED_PER_WINDOW


class LogSettings(Protocol):
    """The settings that logging needs."""

    @property
    def log_level(self) -> str: ...

    @property
    def secret_texts(self) -> tuple[str, ...]:
        """Texts that must never be logged."""
        ...


def configure_logging(settings: LogSettings) -> None:
    """Install one handler on stderr for all loggers, also those of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(settings.secret_texts))
    handler.addFilter(RepeatedErrors())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in QUIET_LOGGERS:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        # At INFO, libraries log every connection.
        library.setLevel(logging.DEBUG if settings.log_level == "DEBUG" else logging.WARNING)


class Totals(Collector):
    """A counter without locks: for one thread, or for a total that is counted elsewhere and set before each read."""

    def __init__(self, name: str, help_text: str, registry: CollectorRegistry, *labels: str) -> None:
        self._name = name
        self._help = help_text
        self._labels = labels
        self.totals: defaultdict[tuple[str, ...], float] = defaultdict(float)
        """The total of each label value. Only one thread may increase it: `totals["/ws/robot", "log"] += 1`."""
        registry.register(self)

    def set_total(self, total: float, *label: str) -> None:
        """Set the total since start, of one label value if the counter has a label. It must not decrease."""
        self.totals[label] = total

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for label, total in self.totals.items():
            family.add_metric(label, total)
        yield family


class Metrics:
    """The metrics of one instance, in their own registry. Described in docs/reference/metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = Gauge(
            "casare_connections",
            "WebSocket connections and streams now.",
            ["endpoint"],
            registry=self.registry,
        )
        self.messages = Totals(
            "casare_messages_received_total", "WebSocket messages received.", self.registry, "endpoint", "type"
        )
        self.unauthenticated = Gauge(
            "casare_unauthenticated_connections",
            "Connections now that have presented no valid credential.",
            registry=self.registry,
        )
        self.evicted = Totals(
            "casare_unauthenticated_connections_closed_total",
            "Connections without a credential that were closed because a limit was reached.",
            self.registry,
        )
        self.auth_failures = Counter(
            "casare_auth_failures_total",
            "Connections and requests refused for their credential.",
            ["endpoint"],
            registry=self.registry,
        )
        self.rate_limited = Counter(
            "casare_rate_limited_total",
            "Messages that had to wait for the rate limit, counted when their connection ends.",
            ["endpoint"],
            registry=self.registry,
        )
        self.dropped = Counter(
            "casare_dropped_messages_total",
            "Log lines dropped for viewers that read too slowly, counted when their connection ends.",
            ["endpoint"],
            registry=self.registry,
        )
        self.jobs_ended = Totals(
            "casare_jobs_ended_total",
            "Jobs that this instance ended since it started.",
            self.registry,
            "status",
            "reason",
        )
        self.jobs_submitted = Totals("casare_jobs_submitted_total", "Jobs accepted.", self.registry)
        self.jobs_submitted.set_total(0)
        self.jobs_ended_24h = Gauge(
            "casare_jobs_ended_24h",
            "Jobs that ended in the last 24 hours; failed ones without the cancelled.",
            ["status"],
            registry=self.registry,
        )
        self.jobs = Gauge("casare_jobs", "Jobs that have not ended, by status.", ["status"], registry=self.registry)
        self.robots = Gauge("casare_robots", "Connected robots, by status.", ["status"], registry=self.registry)
        self.instance_info = Gauge(
            "casare_instance_info",
            "This instance; always 1.",
            ["name", "version", "schema", "store", "bus"],
            registry=self.registry,
        )
        self.instance_robots = Gauge(
            "casare_instance_robots", "Connections of robots to this instance.", registry=self.registry
        )
        self.viewers = Gauge(
            "casare_viewers", "WebSocket connections of viewers, and streams of changes, now.", registry=self.registry
        )
        self.feed_lag = Gauge(
            "casare_feed_lag_seconds",
            "How long viewers have waited for the next change or log line.",
            registry=self.registry,
        )
        self.loop_lag = Gauge(
            "casare_event_loop_lag_seconds", "Delay of the event loop in its last measurement.", registry=self.registry
        )
        self.bus_alive = Gauge(
            "casare_bus_alive", "Whether hints of other instances are expected to arrive.", registry=self.registry
        )
        self.draining = Gauge("casare_draining", "Whether this instance stops soon.", registry=self.registry)
        self.hints_sent = Totals("casare_bus_hints_sent_total", "Hints sent to other instances.", self.registry)
        self.hints_received = Totals("casare_bus_hints_received_total", "Hints that arrived.", self.registry)
        self.hints_dropped = Totals(
            "casare_bus_hints_dropped_total", "Hints that could not be sent or read.", self.registry
        )
        self.store_waiting = Gauge(
            "casare_store_waiting", "Writes that wait for the store now.", registry=self.registry
        )
        self.degraded = Gauge(
            "casare_degraded", "1 while the store or the bus is away, else 0.", registry=self.registry
        )
        self.deliveries = Totals("casare_deliveries_total", "Messages sent to viewers.", self.registry)
        self.commits = Totals("casare_store_commits_total", "Commits of the store.", self.registry)
        self.store_failures = Totals("casare_store_failures_total", "Commits that failed.", self.registry)
        self.rows_deleted = Totals(
            "casare_retention_deleted_total", "Old rows deleted since start.", self.registry, "kind"
        )
        self.log_bytes = Gauge(
            "casare_log_bytes", "Stored bytes of log lines after the last retention.", registry=self.registry
        )
        self.robots_paused = Totals(
            "casare_robot_pauses_total", "Messages after which a robot was not read for a time.", self.registry, "limit"
        )
        self.connections_delayed = Totals(
            "casare_connections_delayed_total", "Connections over the limit of their credential.", self.registry
        )
        self.loop_rounds = Totals("casare_loop_rounds_total", "Rounds of a background loop.", self.registry, "loop")
        self.loop_failures = Totals(
            "casare_loop_failures_total", "Rounds of a background loop that failed.", self.registry, "loop"
        )
