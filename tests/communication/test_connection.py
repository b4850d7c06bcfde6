"""One connection: its pace, its silence, its pauses."""

import asyncio
import time

import pytest

from casare_rpa.domain.limits import RateLimit
from casare_rpa.domain.protocol import RateLimitNotice
from casare_rpa.infrastructure.orchestrator.communication.robot import opening
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import allowance
from communication.robots import MakeRobot, soon
from fakes import FakeOrchestrator


def test_allowance_keeps_a_margin() -> None:
    assert allowance(RateLimitNotice(messages_per_second=100, burst=200)) == RateLimit(80, 100)
    assert allowance(RateLimitNotice(messages_per_second=1, burst=1)) == RateLimit(0.8, 1)
    assert allowance(None) is None


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
async def test_robot_pauses_when_it_is_told_to(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
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
    """The peer's kernel takes what we send; nobody reads it, and no pong comes."""
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


async def test_close_does_not_wait_for_a_dead_peer(
    orchestrator: FakeOrchestrator, robot: MakeRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CLOSE_TIMEOUT_SECONDS", 0.05)
    client = robot()
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
