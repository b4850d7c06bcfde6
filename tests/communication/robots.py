"""Clients under test: how they are made, and how a test waits for them."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from fakes import WITHIN_SECONDS

API_KEY = "crpa_canary+key/with=signs&2718281828"
FAST = Backoff(first_seconds=0.01, cap_seconds=0.02)

T = TypeVar("T")


class MakeRobot(Protocol):
    """Makes a client of the fake; it is closed at the end of the test."""

    def __call__(self, **options: Any) -> OrchestratorWebSocketClient: ...


async def soon(awaited: Awaitable[T]) -> T:
    """What comes of it, within the deadline of all tests."""
    async with asyncio.timeout(WITHIN_SECONDS):
        return await awaited
