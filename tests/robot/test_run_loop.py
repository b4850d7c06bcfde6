"""The process of a robot: its first connection is retried, signals drain or stop it, its log cannot be forged."""

import asyncio
import io
import logging
import signal
from collections.abc import AsyncIterator

import pytest

from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.log_format import RecordFormatter
from casare_rpa.robot.run_loop import StopSignals, connect_until_accepted
from fakes import FakeOrchestrator, fake_orchestrator

QUICK = Backoff(first_seconds=0.01, cap_seconds=0.02)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
ANOTHER_PROTOCOL = b"220 mail ready\r\n"


@pytest.fixture
async def orchestrator() -> AsyncIterator[FakeOrchestrator]:
    async with fake_orchestrator() as fake:
        yield fake


class ProxyWithoutBackend:
    """Answers the first connections with these bytes; passes later ones on."""

    def __init__(self, port: int, *answers: bytes) -> None:
        self._port = port
        self._answers = list(answers)
        self.connections = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answers.pop(0))
            await writer.drain()
            writer.close()
            return
        backend_reader, backend_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._copy(reader, backend_writer), self._copy(backend_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


async def test_first_connection_is_retried_after_every_failure_that_can_pass(
    orchestrator: FakeOrchestrator, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = ProxyWithoutBackend(orchestrator.port, NOT_FOUND, FORBIDDEN, ANOTHER_PROTOCOL)
    async with await asyncio.start_server(proxy.handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = OrchestratorWebSocketClient("robot-1", "k", f"ws://127.0.0.1:{port}")
        async with asyncio.timeout(10):
            await connect_until_accepted(client, QUICK)
        assert (client.connected, proxy.connections) == (True, 4)
        await client.close()
    said = [record.getMessage() for record in caplog.records if record.name == "casare_rpa.robot.run_loop"]
    assert len(said) == 3
    assert all(text.startswith("not connected yet: ") and "next attempt in" in text for text in said)
    assert "answered 404" in said[0]


@pytest.mark.parametrize("code", [4000, 4002, 4009, 1013])
async def test_first_connection_is_retried_after_a_close_that_later_ones_survive(
    orchestrator: FakeOrchestrator, code: int
) -> None:
    orchestrator.greet = False
    client = OrchestratorWebSocketClient("robot-1", "k", orchestrator.url)
    connecting = asyncio.create_task(connect_until_accepted(client, QUICK, slow_reconnect_seconds=0.01))
    async with asyncio.timeout(10):
        await (await orchestrator.session()).close(code)
        await (await orchestrator.session()).connected()
        await connecting
    await client.close()


@pytest.mark.parametrize("code", [4001, 4003])
async def test_refused_key_ends_the_attempts_of_the_first_connection(orchestrator: FakeOrchestrator, code: int) -> None:
    orchestrator.greet = False
    client = OrchestratorWebSocketClient("robot-1", "k", orchestrator.url)
    connecting = asyncio.create_task(connect_until_accepted(client, QUICK))
    async with asyncio.timeout(10):
        for _ in range(2 if code == 4001 else 1):  # the second time with the key in the address
            await (await orchestrator.session()).close(code)
        with pytest.raises(AuthError):
            await connecting


@pytest.mark.parametrize(
    ("received", "drains", "stops"),
    [
        (["SIGTERM"], True, False),
        (["SIGHUP"], True, False),
        (["SIGINT"], True, True),
        (["SIGTERM", "SIGTERM"], True, True),
        (["SIGHUP", "SIGTERM"], True, True),
    ],
)
async def test_first_signal_drains_and_the_second_stops(received: list[str], *, drains: bool, stops: bool) -> None:
    signals = StopSignals()
    for name in received:
        signals.on_signal(getattr(signal, name))
    assert (signals.drain.is_set(), signals.stop.is_set()) == (drains, stops)


def test_record_of_the_robots_log_cannot_be_forged_or_control_the_terminal() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RecordFormatter())
    log = logging.getLogger("forged")
    log.propagate = False
    log.addHandler(handler)
    try:
        raise ValueError("no\n2026-11-28 10:00:00,000 ERROR   forged \x1b]52;c;aGk=\x07 \x9b2J \u202e")
    except ValueError as error:
        log.exception("job failed: %s", error)
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("ERROR   job failed: no")
    assert all(line.startswith("    ") for line in rest)
    assert not set("\x1b\x07\x9b\u202e") & set(stream.getvalue())
