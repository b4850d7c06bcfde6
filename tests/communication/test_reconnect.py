"""Reconnecting: which closes are final, and what a robot does after the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest

from casare_rpa.domain.errors import AuthError, ConnectFailed, ConnectionLost
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.robots import MakeRobot, disconnected, logged, soon
from fakes import FakeOrchestrator


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, 4002, 4010, 4011, 4012, 4099])
async def test_robot_comes_back_after_a_close(orchestrator: FakeOrchestrator, robot: MakeRobot, code: int) -> None:
    client = robot()
    await client.connect()
    await (await orchestrator.session()).close(code)
    session = await orchestrator.session()
    await session.next("heartbeat")
    assert session.kinds() == ["hello", "heartbeat"]
    assert session.seen[0]["payload"]["instance_id"] == client.instance_id
    assert client.session_id == "session-2"


async def test_robot_comes_back_after_a_broken_connection(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    await robot().connect()
    (await orchestrator.session()).cut()
    await (await orchestrator.session()).next("hello")


async def test_robot_tries_until_the_orchestrator_is_back(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    await robot().connect()
    await orchestrator.session()
    await orchestrator.stop()
    await logged(caplog, "casare up")
    await orchestrator.start()
    await (await orchestrator.session()).next("hello")


async def test_robot_reconnects_slowly_after_a_close_that_asks_for_it(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    await robot(slow_reconnect_seconds=0.15).connect()
    started_at = asyncio.get_running_loop().time()
    await (await orchestrator.session()).close(CloseCode.REPLACED)
    await orchestrator.session()
    assert asyncio.get_running_loop().time() - started_at >= 0.15
    assert f"4009, {CloseCode.REPLACED.meaning}" in caplog.text


def set_later(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def callback() -> None:
        event.set()

    return callback


async def given_up(orchestrator: FakeOrchestrator, client: OrchestratorWebSocketClient, requests: int) -> None:
    """Requests of the robot end without an answer, and the next one is accepted."""
    orchestrator.greet = False
    for _ in range(requests):
        connecting = asyncio.create_task(client.connect())
        (await orchestrator.session()).cut()
        with pytest.raises(ConnectFailed, match="no first message"):
            await connecting
    orchestrator.greet = True
    await client.connect()


async def test_robot_that_its_own_late_request_replaced_reconnects_at_once(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    """Behind a proxy, a busy instance accepts a request that was given up, after another one accepted the next."""
    replaced = asyncio.Event()
    client = robot(slow_reconnect_seconds=60.0)
    client.on_replaced(set_later(replaced))
    await given_up(orchestrator, client, requests=2)
    for _ in range(2):
        await (await orchestrator.session()).close(CloseCode.REPLACED)
    await (await orchestrator.session()).next("hello")
    assert caplog.text.count("an earlier request of this robot was accepted late") == 2
    assert not replaced.is_set()


async def test_close_without_such_a_request_means_another_process(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    replaced = asyncio.Event()
    client = robot(slow_reconnect_seconds=60.0)
    client.on_replaced(set_later(replaced))
    await given_up(orchestrator, client, requests=1)
    for _ in range(2):
        await (await orchestrator.session()).close(CloseCode.REPLACED)
    await soon(replaced.wait())


@pytest.mark.parametrize("code", [CloseCode.AUTH_FAILED, CloseCode.FORBIDDEN])
async def test_revoked_key_ends_the_client_with_the_servers_sentence(
    orchestrator: FakeOrchestrator, robot: MakeRobot, code: CloseCode
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.error("AUTH_FAILED", "api_key: revoked just now")
    await session.close(code)
    with pytest.raises(AuthError, match="revoked just now") as caught:
        await soon(client.run())
    assert caught.value.close_code is code
    assert not client.connected
    with pytest.raises(AuthError):
        await client.run()


async def test_refused_reconnect_ends_the_client(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    orchestrator.greet = False
    await (await orchestrator.session()).close(1012)
    session = await orchestrator.session()
    await session.error("AUTH_FAILED", "duplicate identity")
    await session.close(4003)
    with pytest.raises(AuthError, match="duplicate identity"):
        await soon(client.run())


async def test_refused_address_is_tried_again_slowly(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    """A setting of the server can allow the host name, so the robot continues to try, at long intervals."""
    client = robot(slow_reconnect_seconds=0.15)
    await client.connect()
    orchestrator.greet = False
    await (await orchestrator.session()).close(1012)
    session = await orchestrator.session()
    await session.error("AUTH_FAILED", "host: 'casare' is not a name of this server")
    refused_at = asyncio.get_running_loop().time()
    await session.close(CloseCode.ADDRESS_REFUSED)
    session = await orchestrator.session()
    assert asyncio.get_running_loop().time() - refused_at >= 0.15
    assert "host: 'casare' is not a name of this server" in caplog.text
    await session.connected()
    await session.next("hello")


async def test_expired_key_is_tried_again_on_reconnect(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    orchestrator.greet = False
    await (await orchestrator.session()).close(1012)
    await (await orchestrator.session()).close(4002)
    session = await orchestrator.session()
    await session.connected()
    await session.next("hello")


async def test_close_for_abuse_ends_the_client(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    await (await orchestrator.session()).close(CloseCode.PROTOCOL_ABUSE)
    with pytest.raises(ConnectionLost, match=f"4000, {CloseCode.PROTOCOL_ABUSE.meaning}"):
        await soon(client.run())


async def test_normal_close_ends_the_client_without_an_error(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    await (await orchestrator.session()).close(1000)
    await soon(client.run())
    assert not client.connected


async def test_final_close_wakes_all_waiting_callers(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    messages = aiter(client)
    await client.connect()
    session = await orchestrator.session()
    await soon(anext(messages))
    await client.send_job_status("job-2", "completed", attempt=1)
    waiting = [
        asyncio.create_task(client.claim("job-1", 1)),
        asyncio.create_task(anext(messages)),
        asyncio.create_task(client.drain(60)),
    ]
    await session.report("claimed")
    await session.close(4001)
    claimed, iterated, drained = await soon(asyncio.gather(*waiting, return_exceptions=True))
    assert isinstance(claimed, ConnectionLost)
    assert isinstance(iterated, StopAsyncIteration)
    assert drained is False


async def test_heartbeat_without_a_connection_is_that_of_the_next_one(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await orchestrator.stop()
    await session.ended()
    await disconnected(client)
    await soon(client.send_heartbeat())
    await orchestrator.start()
    await (await orchestrator.session()).next("heartbeat")


async def test_robot_logs_why_it_reconnects(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await robot().connect()
    await (await orchestrator.session()).close(1012)
    await (await orchestrator.session()).next("hello")
    assert f"connection lost (1012, {CloseCode(1012).meaning})" in caplog.text
    assert "reconnected" in caplog.text


class RecordingBackoff(Backoff):
    """Records the number of each attempt."""

    attempts: ClassVar[list[int]] = []

    def delay(self, attempt: int, random: float) -> float:
        self.attempts.append(attempt)
        return super().delay(attempt, random)


@pytest.mark.slow
async def test_backoff_grows_until_a_connection_lasts(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    backoff = RecordingBackoff(first_seconds=0.001, cap_seconds=1.0)
    backoff.attempts.clear()
    await robot(backoff=backoff, heartbeat_interval_seconds=0.3).connect()
    for _ in range(3):
        await (await orchestrator.session()).close(1012)
    session = await orchestrator.session()
    for _ in range(5):  # the first heartbeat comes at once, four intervals are longer than the cap
        await session.next("heartbeat")
    await session.close(1012)
    await orchestrator.session()
    assert backoff.attempts == [0, 1, 2, 0]
