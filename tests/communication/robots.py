"""Clients under test, and functions that wait for them."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import pytest

from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from fakes import WITHIN_SECONDS

API_KEY = "crpa_canary+key/with=signs&2718281828"
FAST = Backoff(first_seconds=0.01, cap_seconds=0.02)

T = TypeVar("T")


class MakeRobot(Protocol):
    """Makes a client of the fake; it is closed at the end of the test."""

    def __call__(self, **options: Any) -> OrchestratorWebSocketClient: ...


async def disconnected(client: OrchestratorWebSocketClient) -> None:
    """Wait until the client has noticed the end of its connection."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while client.connected:
            await client.send_queue.wait_for_change()


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until a log record contains this text."""
    found = asyncio.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                found.set()

    watch = Watch()
    logging.getLogger().addHandler(watch)
    try:
        if text not in caplog.text:
            async with asyncio.timeout(WITHIN_SECONDS):
                await found.wait()
    finally:
        logging.getLogger().removeHandler(watch)


async def soon(awaited: Awaitable[T]) -> T:
    """The result, within the common deadline of the tests."""
    async with asyncio.timeout(WITHIN_SECONDS):
        return await awaited
