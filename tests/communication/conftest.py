"""A fake orchestrator, and robots that reconnect to it quickly."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.robots import API_KEY, FAST, MakeRobot
from fakes import FakeOrchestrator, fake_orchestrator


@pytest.fixture
async def orchestrator() -> AsyncIterator[FakeOrchestrator]:
    """A fake that accepts robots and sends the messages of the test."""
    async with fake_orchestrator() as fake:
        yield fake


@pytest.fixture
async def robot(orchestrator: FakeOrchestrator) -> AsyncIterator[MakeRobot]:
    """Makes clients of the fake; they are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> OrchestratorWebSocketClient:
            common: dict[str, Any] = {"robot_id": "robot-1", "api_key": API_KEY, "orchestrator_url": orchestrator.url}
            client = OrchestratorWebSocketClient(**(common | {"backoff": FAST} | options))
            stack.push_async_callback(client.close)
            return client

        yield make
