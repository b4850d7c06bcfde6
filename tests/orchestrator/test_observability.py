"""Logs without secrets and forged records; metrics with names, help texts and labels."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import jwt
import pytest

from casare_rpa.domain.credentials import make_key
from casare_rpa.infrastructure.orchestrator import observability
from casare_rpa.infrastructure.orchestrator.observability import (
    MAX_COUNTED_ERRORS,
    Metrics,
    RepeatedErrors,
    Totals,
    configure_logging,
    redact,
)
from casare_rpa.infrastructure.orchestrator.settings import Settings

CANARY = "canary-0123456789abcdef"
SECRET = 'adm!n "secret" & ünïcode/0123'
KEY = make_key("keyidkeyid", "s" * 43)
TOKEN = jwt.encode({"sub": "admin"}, b"0" * 32, algorithm="HS256")


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Capture stderr at DEBUG; restores the loggers."""
    loggers = [logging.getLogger(name) for name in ("", *observability.QUIET_LOGGERS)]
    before = [(logger, logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging(
        Settings(
            log_level="DEBUG",
            api_secret=SECRET,
            jwt_secret=CANARY + "-jwt-Zm9vYmFy",
            admin_password=CANARY + "-pw",
            data_dir=tmp_path,
        )
    )
    yield stream
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


@pytest.mark.parametrize(
    "text",
    [
        f'127.0.0.1:1 - "WebSocket /ws/admin?api_secret={CANARY}" [accepted]',
        f"/ws/robot/a?min_level=INFO&api_key={CANARY}&x=1",
        f"/ws/monitoring/live-jobs?TOKEN={CANARY}",
        f"?api_secret%3D{CANARY}",
        f"?{percent('api_key')}={CANARY}",
        f"?a=1&%74oken={CANARY} HTTP/1.1",
        f"< GET /ws/logs?api_secret={CANARY} HTTP/1.1",
        f"< Authorization: Bearer {CANARY}",
        f"< X-API-Key: {CANARY}",
        f"x-api-secret={CANARY}",
        f"Sec-WebSocket-Protocol: casare, {CANARY}",
        repr([(b"authorization", f"Bearer {CANARY}".encode()), (b"host", b"a")]),
        repr({"X-API-Key": CANARY}),
        f'{{"username": "admin", "password": "{CANARY}"}}',
        f"{{'token': '{CANARY}'}}",
        repr(f'{{"api_key": "{CANARY}"}}'),
    ],
)
def test_credential_is_hidden_in_a_known_place(text: str) -> None:
    assert CANARY not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize("text", [KEY, TOKEN, f"x{KEY}y", f"({TOKEN})", KEY.upper()])
def test_credential_of_a_known_form_is_hidden_anywhere(text: str) -> None:
    assert redact(text).strip("xy()") == "***"


@pytest.mark.parametrize("value", [KEY, TOKEN])
def test_percent_encoded_credential_is_hidden_under_any_name(value: str) -> None:
    assert redact(f"/x?ticket={percent(value)}&min_level=INFO") == "/x?ticket=***&min_level=INFO"


@pytest.mark.parametrize(
    "sentence",
    [
        "token: it has expired; get a fresh one",
        "api_key: missing, unknown or revoked",
        "robot alpha: heartbeat after 12 s",
        "GET /api/v1/jobs?status=running&cursor=%5B1%5D",
    ],
)
def test_text_without_credentials_is_not_changed(sentence: str) -> None:
    assert redact(sentence) == sentence


@pytest.mark.parametrize("form", [SECRET, quote(SECRET), quote(SECRET, safe=""), SECRET.replace('"', '\\"')])
def test_configured_secret_is_hidden_in_every_encoding(output: io.StringIO, form: str) -> None:
    logger = logging.getLogger("casare_rpa.test")
    logger.info("in the message " + form)  # noqa: G003 - that is the case
    logger.info("in %s", [form])
    logger.info("in %(x)s", {"x": form})
    try:
        raise ValueError(form)
    except ValueError:
        logger.exception("in a traceback")
    printed = output.getvalue()
    assert printed.count("***") == 4
    assert form not in printed
    assert "ünïcode" not in printed


@pytest.mark.parametrize("name", observability.QUIET_LOGGERS)
def test_logs_of_libraries_are_redacted_too(output: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("%s %s", f"/ws/admin?api_secret={CANARY}", KEY)
    assert f" {name}: /ws/admin?api_secret=*** ***\n" in output.getvalue()


def test_request_path_and_headers_that_websockets_logs_at_debug_are_redacted(output: io.StringIO) -> None:
    logger = logging.getLogger("websockets.server")
    logger.setLevel(logging.NOTSET)
    logger.debug("< GET %s HTTP/1.1", f"/ws/admin?api_secret={CANARY}")
    for name in ("Authorization", "X-API-Key", "X-API-Secret", "Cookie"):
        logger.debug("< %s: %s", name, f"Bearer {CANARY}")
    assert CANARY not in output.getvalue()
    assert output.getvalue().count("***") == 5


def test_libraries_are_quiet_below_debug(output: io.StringIO, tmp_path: Path) -> None:
    configure_logging(Settings(log_level="INFO", data_dir=tmp_path))
    for name in observability.QUIET_LOGGERS:
        logging.getLogger(name).info("a connection came")
    assert output.getvalue() == ""


def test_record_is_one_line_and_a_peer_cannot_forge_another(output: io.StringIO) -> None:
    logging.getLogger("casare_rpa.test").warning("robot said %s", "a\n2026-01-01 ERROR forged\r\x1b[31m\x9b")
    first, second, *rest = output.getvalue().split("\n")
    assert first.endswith("WARNING casare_rpa.test: robot said a")
    assert second == "    2026-01-01 ERROR forged\\x0d\\x1b[31m\\x9b"
    assert rest == [""]


def test_log_level_is_the_configured_one(output: io.StringIO, tmp_path: Path) -> None:
    configure_logging(Settings(log_level="ERROR", data_dir=tmp_path))
    logging.getLogger("casare_rpa.test").warning("unheard")
    assert output.getvalue() == ""


def logged(errors: RepeatedErrors, message: str, error: Exception | None = None, level: int = logging.ERROR) -> str:
    """What the filter leaves of a record; empty if it omits it."""
    exc_info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("a", level, "f.py", 1, message, (), exc_info)
    return record.getMessage() if errors.filter(record) else ""


def test_same_error_is_logged_ten_times_a_minute_and_the_others_are_counted() -> None:
    now = [0.0]
    errors = RepeatedErrors(lambda: now[0])
    full = OSError("database or disk is full")
    assert [logged(errors, "cannot commit", full) for _ in range(30)] == ["cannot commit"] * 10 + [""] * 20
    now[0] = 59.9
    assert logged(errors, "cannot commit", full) == ""
    now[0] = 60.0
    assert logged(errors, "cannot commit", full) == "cannot commit (21 earlier records of this error were omitted)"
    assert [logged(errors, "cannot commit", full) for _ in range(10)] == ["cannot commit"] * 9 + [""]
    now[0] = 180.0
    assert logged(errors, "cannot commit", full) == "cannot commit (1 earlier records of this error were omitted)"
    now[0] = 240.0
    assert logged(errors, "cannot commit", full) == "cannot commit"


def test_other_errors_and_warnings_are_logged_meanwhile() -> None:
    errors = RepeatedErrors(lambda: 0.0)
    for _ in range(20):
        logged(errors, "cannot commit", OSError("full"))
    assert logged(errors, "cannot commit", OSError("read-only")) == "cannot commit"
    assert logged(errors, "cannot read", OSError("full")) == "cannot read"
    assert all(logged(errors, "careful", level=logging.WARNING) for _ in range(100))


def test_only_the_newest_errors_are_counted() -> None:
    errors = RepeatedErrors(lambda: 0.0)
    for _ in range(11):
        logged(errors, "first")
    assert logged(errors, "first") == ""
    for number in range(MAX_COUNTED_ERRORS - 1):
        logged(errors, f"another {number}")
    assert logged(errors, "first") == ""
    logged(errors, "one more")
    assert logged(errors, "first") == "first"


def test_errors_of_a_process_are_limited(output: io.StringIO) -> None:
    for number in range(1_000):
        logging.getLogger("a").error("the disk is full, attempt %d", number)
    assert len(output.getvalue().splitlines()) == 10


def test_every_metric_has_a_help_text_and_the_prefix_casare() -> None:
    families = list(Metrics().registry.collect())
    assert len(families) >= 13
    for family in families:
        assert family.name.startswith("casare_")
        assert family.documentation.endswith(".")


def test_metrics_are_separate_for_each_instance() -> None:
    first, second = Metrics(), Metrics()
    first.auth_failures.labels(endpoint="http").inc()
    first.commits.set_total(7)
    sample = "casare_auth_failures_total"
    assert first.registry.get_sample_value(sample, {"endpoint": "http"}) == 1
    assert second.registry.get_sample_value(sample, {"endpoint": "http"}) is None
    assert first.registry.get_sample_value("casare_store_commits_total") == 7


def test_totals_have_one_value_per_label() -> None:
    metrics = Metrics()
    assert isinstance(metrics.loop_rounds, Totals)
    metrics.loop_rounds.set_total(3, "dispatch")
    metrics.loop_rounds.set_total(5, "beats")
    metrics.loop_rounds.set_total(4, "dispatch")
    assert metrics.registry.get_sample_value("casare_loop_rounds_total", {"loop": "dispatch"}) == 4
    assert metrics.registry.get_sample_value("casare_loop_rounds_total", {"loop": "beats"}) == 5
