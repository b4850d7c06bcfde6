"""Opening a connection: what keeps a robot out, and how it is told."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest

from casare_rpa.domain.errors import AuthError, ConnectFailed
from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.robot import opening
from communication.robots import MakeRobot, soon
from fakes import FakeOrchestrator, FakeSession

Welcome = Callable[[FakeSession], Awaitable[None]]


async def connect(orchestrator: FakeOrchestrator, robot: MakeRobot, welcome: Welcome) -> None:
    """Connect a robot to an orchestrator that says this instead of `connected`."""
    orchestrator.greet = False
    client = robot()
    connecting = asyncio.create_task(client.connect())
    await welcome(await orchestrator.session())
    try:
        await soon(connecting)
    finally:
        assert not client.connected


@pytest.mark.parametrize("code", [CloseCode.AUTH_FAILED, CloseCode.AUTH_EXPIRED, CloseCode.FORBIDDEN])
async def test_refused_key_is_an_error_with_the_servers_sentence(
    orchestrator: FakeOrchestrator, robot: MakeRobot, code: CloseCode
) -> None:
    async def refuse(session: FakeSession) -> None:
        await session.error("AUTH_FAILED", "api_key: revoked on Monday")
        await session.close(code)

    with pytest.raises(AuthError, match="revoked on Monday") as caught:
        await connect(orchestrator, robot, refuse)
    assert caught.value.close_code is code


async def test_refused_key_is_an_error_when_only_the_close_says_so(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    with pytest.raises(AuthError, match="not for this robot") as caught:
        await connect(orchestrator, robot, lambda session: session.close(4003))
    assert caught.value.close_code is CloseCode.FORBIDDEN


@pytest.mark.parametrize(("code", "retryable"), [(1013, True), (4000, False), (4999, True)])
async def test_close_before_connected_is_an_error_that_obeys_the_code(
    orchestrator: FakeOrchestrator, robot: MakeRobot, code: int, retryable: bool
) -> None:
    with pytest.raises(ConnectFailed) as caught:
        await connect(orchestrator, robot, lambda session: session.close(code))
    assert caught.value.retryable is retryable


async def test_error_before_connected_is_told(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    with pytest.raises(ConnectFailed, match="the store is away"):
        await connect(orchestrator, robot, lambda session: session.error("INTERNAL_ERROR", "the store is away"))


@pytest.mark.parametrize("frame", ["hello", b"binary", '{"type":"connected","payload":{}}'])
async def test_first_message_that_is_not_the_contracts_is_told(
    orchestrator: FakeOrchestrator, robot: MakeRobot, frame: str | bytes
) -> None:
    with pytest.raises(ConnectFailed, match="first message"):
        await connect(orchestrator, robot, lambda session: session.send_text(frame))


async def test_unknown_first_messages_are_left_out(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    orchestrator.greet = False
    client = robot()
    connecting = asyncio.create_task(client.connect())
    session = await orchestrator.session()
    await session.send("greeting", {})
    await session.connected()
    await soon(connecting)
    assert client.connected


async def test_silence_after_the_handshake_ends(
    orchestrator: FakeOrchestrator, robot: MakeRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "OPEN_TIMEOUT_SECONDS", 0.05)

    async def say_nothing(session: FakeSession) -> None:
        """Nothing at all."""

    with pytest.raises(ConnectFailed, match="said nothing"):
        await connect(orchestrator, robot, say_nothing)


async def test_nobody_there_is_an_error_that_says_what_to_do(robot: MakeRobot) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = robot(orchestrator_url=f"ws://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ConnectFailed, match="casare up") as caught:
            await soon(client.connect())
    assert caught.value.retryable


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (403, False), (429, True), (503, True)])
async def test_http_answer_instead_of_a_websocket_is_told(robot: MakeRobot, status: int, retryable: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        client = robot(orchestrator_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ConnectFailed, match=f"answered {status}") as caught:
            await soon(client.connect())
    assert caught.value.retryable is retryable


async def test_peer_that_does_not_speak_http_is_told(robot: MakeRobot) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        client = robot(orchestrator_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ConnectFailed, match="does not speak"):
            await soon(client.connect())


async def test_failed_client_may_connect_later(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await orchestrator.stop()
    with pytest.raises(ConnectFailed):
        await soon(client.connect())
    await orchestrator.start()
    await soon(client.connect())
    assert client.connected


async def test_key_reaches_no_log_and_no_error(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.INFO)  # the fake's own side, which knows no secrets
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    await client.close()
    with pytest.raises(AuthError) as caught:
        await connect(orchestrator, robot, lambda refused: refused.close(4001))
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    assert "GET /ws/robot/robot-1?api_key=***" in caplog.text
    assert "canary" not in caplog.text
