"""Secrets appear in no log and no repr."""

import logging

import pytest

from casare_rpa.infrastructure.orchestrator.communication.secret import RedactingLogger, Secret


@pytest.mark.parametrize("text", ["a/b c+d", "a%2Fb%20c%2Bd", "a/b%20c%2Bd", "a%2Fb+c%2Bd"])
def test_secret_is_redacted_in_every_form(text: str) -> None:
    assert Secret("a/b c+d").redact(f"GET /?api_key={text} HTTP") == "GET /?api_key=*** HTTP"


def test_secret_that_is_empty_redacts_nothing() -> None:
    assert Secret("").redact("text") == "text"


def test_secret_is_not_in_its_repr() -> None:
    assert "canary" not in repr(Secret("canary"))


def test_logger_redacts_message_arguments_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logger = RedactingLogger(Secret("canary"))
    logger.debug("> GET %s", "/?k=canary")
    try:
        raise ValueError("canary")
    except ValueError:
        logger.exception("failed canary")
    assert "> GET /?k=***" in caplog.text
    assert "ValueError: ***" in caplog.text
    assert "canary" not in caplog.text
    assert all(not record.exc_info for record in caplog.records)


def test_logger_logs_nothing_below_its_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    RedactingLogger(Secret("x")).info("quiet")
    assert not caplog.records
