"""One connection: the handshake, its pace, its silence timeout, its pauses."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from casare_rpa.domain.errors import AuthError, ConnectFailed
from casare_rpa.domain.limits import RateLimit
from casare_rpa.domain.protocol import RateLimitNotice
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import MAX_PAUSE_SECONDS, paced_limit
from communication.robots import API_KEY, MakeRobot, soon
from fakes import FakeOrchestrator, FakeSession

Welcome = Callable[[FakeSession], Awaitable[None]]


async def connect(orchestrator: FakeOrchestrator, robot: MakeRobot, welcome: Welcome, **options: float) -> None:
    """Connect a robot to an orchestrator that sends this instead of `connected`."""
    orchestrator.greet = False
    client = robot(**options)
    connecting = asyncio.create_task(client.connect())
    await welcome(await orchestrator.session())
    with_address = asyncio.create_task(_welcome_again(orchestrator, welcome))
    try:
        await soon(connecting)
    finally:
        with_address.cancel()
        assert not client.connected


async def _welcome_again(orchestrator: FakeOrchestrator, welcome: Welcome) -> None:
    """A robot that was refused with 4001 tries once more, with its key in the address."""
    await welcome(await orchestrator.session())


async def test_orchestrator_that_ignores_the_header_gets_the_key_in_the_address(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    """Contract 1.0 names only the query parameter."""
    orchestrator.greet = False
    client = robot()
    connecting = asyncio.create_task(client.connect())
    first = await orchestrator.session()
    assert (first.query, first.key) == ({}, API_KEY)
    await first.error("AUTH_FAILED", "api_key: it is missing")
    await first.close(4001)
    second = await orchestrator.session()
    assert (second.query, second.key) == ({"api_key": [API_KEY]}, None)
    await second.connected()
    await soon(connecting)
    assert client.connected
    await client.close()


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
    with pytest.raises(AuthError, match=CloseCode.FORBIDDEN.meaning) as caught:
        await connect(orchestrator, robot, lambda session: session.close(4003))
    assert caught.value.close_code is CloseCode.FORBIDDEN


@pytest.mark.parametrize(("code", "retryable"), [(1013, True), (4000, False), (4999, True)])
async def test_close_before_connected_is_an_error_that_obeys_the_code(
    orchestrator: FakeOrchestrator, robot: MakeRobot, code: int, retryable: bool
) -> None:
    with pytest.raises(ConnectFailed) as caught:
        await connect(orchestrator, robot, lambda session: session.close(code))
    assert caught.value.retryable is retryable


async def test_error_before_connected_is_raised(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    with pytest.raises(ConnectFailed, match="the store is unavailable"):
        await connect(orchestrator, robot, lambda session: session.error("INTERNAL_ERROR", "the store is unavailable"))


@pytest.mark.parametrize("frame", ["hello", b"binary", '{"type":"connected","payload":{}}'])
async def test_invalid_first_message_is_an_error(
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


async def test_missing_first_message_times_out(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    async def send_nothing(session: FakeSession) -> None:
        """No message at all."""

    with pytest.raises(ConnectFailed, match="sent no first message"):
        await connect(orchestrator, robot, send_nothing, open_timeout_seconds=0.05)


async def test_request_that_was_given_up_may_still_be_accepted(robot: MakeRobot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = robot(orchestrator_url=f"ws://127.0.0.1:{silent.getsockname()[1]}", open_timeout_seconds=0.05)
        with pytest.raises(ConnectFailed, match="timed out") as caught:
            await client.connect()
    assert caught.value.unanswered
    with pytest.raises(ConnectFailed, match="cannot reach") as caught:
        await client.connect()
    assert not caught.value.unanswered, "no process accepted this request"


@pytest.mark.parametrize(
    ("answer", "may_be_accepted"),
    [
        (b"", True),
        (b"HTTP/1.1 502 Bad Gateway", True),
        (b"HTTP/1.1 504 Gateway Timeout", True),
        (b"HTTP/1.1 503 Busy", False),
    ],
)
async def test_proxy_that_gives_up_leaves_a_request_that_may_be_accepted(
    robot: MakeRobot, answer: bytes, may_be_accepted: bool
) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer:
            writer.write(answer + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        client = robot(orchestrator_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ConnectFailed) as caught:
            await client.connect()
    assert caught.value.unanswered is may_be_accepted


async def test_unreachable_orchestrator_is_an_error_that_says_what_to_do(robot: MakeRobot) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = robot(orchestrator_url=f"ws://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ConnectFailed, match="casare up") as caught:
            await soon(client.connect())
    assert caught.value.retryable


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (403, False), (429, True), (503, True)])
async def test_http_response_instead_of_a_websocket_is_an_error(robot: MakeRobot, status: int, retryable: bool) -> None:
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


async def test_peer_without_http_is_an_error(robot: MakeRobot) -> None:
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
    logging.getLogger("websockets.server").setLevel(logging.INFO)  # the fake orchestrator's own log
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
    assert "GET /ws/robot/robot-1 HTTP" in caplog.text
    assert "GET /ws/robot/robot-1?api_key=***" in caplog.text  # after the refusal
    assert "canary" not in caplog.text


# Pace, silence, close


def test_allowance_keeps_a_margin() -> None:
    assert paced_limit(RateLimitNotice(messages_per_second=100, burst=200)) == RateLimit(80, 100)
    assert paced_limit(RateLimitNotice(messages_per_second=1, burst=1)) == RateLimit(0.8, 1)
    assert paced_limit(None) is None


@pytest.mark.slow
async def test_robot_keeps_the_announced_rate(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    orchestrator.greeting = {"rate_limit": {"messages_per_second": 50, "burst": 10}}
    client = robot()
    await client.connect()
    session = await orchestrator.session()

    async def answer() -> None:
        while True:
            await session.ack(await session.next("log"))

    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer())
        for number in range(25):
            await client.send_log(f"line {number}")
            assert await client.drain(5)
        answering.cancel()
    times = session.arrived_at
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= 10 + 50 * (times[last] - times[first])


async def test_unlimited_robot_does_not_wait(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    orchestrator.greeting = {"rate_limit": None}
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    started_at = time.monotonic()
    for _ in range(300):
        await client.send_heartbeat()
        await session.next("heartbeat")
    assert time.monotonic() - started_at < 2.5


@pytest.mark.slow
async def test_robot_pauses_when_the_orchestrator_asks_for_it(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    await session.error("RATE_LIMITED", "slow down", retry_after_ms=300)
    await session.send("ping", {"timestamp": "t"})
    await session.next("pong")
    assert loop.time() - told_at >= 0.3


async def test_dead_connection_is_broken_and_replaced(robot: MakeRobot, orchestrator: FakeOrchestrator) -> None:
    """The peer's kernel accepts data, but no process reads it, and no pong arrives."""
    client = robot(silence_timeout_seconds=0.1)
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    session.socket.transport.pause_reading()
    again = await orchestrator.session()
    await again.next("hello")
    session.cut()


async def test_quiet_connection_is_kept_while_pongs_come(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot(silence_timeout_seconds=0.12, heartbeat_interval_seconds=0.02)
    await client.connect()
    session = await orchestrator.session()
    for _ in range(15):
        await session.next("heartbeat")
    assert client.session_id == "session-1"


async def test_close_does_not_wait_for_a_dead_peer(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot(close_timeout_seconds=0.05)
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    session.socket.transport.pause_reading()
    await soon(client.close())
    assert not client.connected
    session.cut()


async def test_connecting_may_be_given_up(robot: MakeRobot) -> None:
    arrived = asyncio.Event()

    async def take_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(take_and_say_nothing, "127.0.0.1", 0) as server:
        client = robot(orchestrator_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        connecting = asyncio.create_task(client.connect())
        await soon(arrived.wait())
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(connecting)
        assert not client.connected


async def test_pause_is_bounded_and_a_shorter_one_does_not_end_a_longer(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    await client.connect()
    connection = client._reconnect_loop.connection
    assert connection is not None
    now = asyncio.get_running_loop().time()
    connection.pause(1_000_000.0)
    assert now + MAX_PAUSE_SECONDS <= connection._paused_until < now + MAX_PAUSE_SECONDS + 5
    until = connection._paused_until
    connection.pause(0.001)
    assert connection._paused_until == until
