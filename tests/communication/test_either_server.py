"""The main properties of the client, against the fake orchestrator and against the real one."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.protocol import JobAssign, JobCancel
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.peers import FakePeer, Peer, RealPeer, ended, until
from communication.robots import FAST, disconnected, soon
from contract.server_process import Server, serving
from fakes import fake_orchestrator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real one, for all of these."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.slow)])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    if request.param == "real":
        server: Server = request.getfixturevalue("server")
        yield RealPeer(server, server.robot())
    else:
        async with fake_orchestrator() as fake:
            yield FakePeer(fake)


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[OrchestratorWebSocketClient]:
    """Connected; assignments wait in its inbox."""
    async with OrchestratorWebSocketClient(peer.robot_id, peer.api_key, peer.url, backoff=FAST) as connected:
        yield connected


async def assigned(client: OrchestratorWebSocketClient, peer: Peer) -> JobAssign:
    """A new job, as it was assigned."""
    messages = aiter(client)
    job_id = await peer.submit()
    async with asyncio.timeout(5):
        async for message in messages:
            if isinstance(message, JobAssign) and message.job_id == job_id:
                return message
    raise AssertionError("no assignment")


async def claimed(client: OrchestratorWebSocketClient, peer: Peer) -> JobAssign:
    """A new job that this robot may run."""
    assign = await assigned(client, peer)
    assert await soon(client.claim(assign.job_id, assign.attempt or 0))
    return assign


async def break_connection(client: OrchestratorWebSocketClient) -> None:
    """Abort the connection; returns when the client has noticed."""
    connection = client._reconnect_loop.connection
    assert connection is not None
    connection.abort()
    await disconnected(client)


@pytest.mark.slow
async def test_connected_robot_sends_heartbeats(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    first = await until(peer.heartbeat_at, lambda beaten_at: beaten_at is not None)
    assert client.session_id
    await asyncio.sleep(0.002)
    await client.send_heartbeat()
    await until(peer.heartbeat_at, lambda beaten_at: beaten_at > first)


async def test_job_is_claimed_run_and_completed(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    assign = await claimed(client, peer)
    assert (await peer.job(assign.job_id))["status"] == "claimed"
    await client.send_job_status(assign.job_id, "running", progress=37.5, message="half-way, ½")
    job = await until(lambda: peer.job(assign.job_id), lambda job: job["progress"] == 37.5)
    assert (job["status"], job["message"]) == ("running", "half-way, ½")
    await client.send_job_status(assign.job_id, "completed", result={"sum": 1.5})
    assert await client.drain(5)
    job = await peer.job(assign.job_id)
    assert (job["status"], job["result"]) == ("completed", {"sum": 1.5})


async def test_claim_of_a_cancelled_job_is_false(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    assign = await assigned(client, peer)
    await peer.cancel(assign.job_id)
    assert await soon(client.claim(assign.job_id, assign.attempt or 0)) is False


async def test_cancel_reaches_the_robot_and_is_confirmed(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    orders: asyncio.Queue[JobCancel] = asyncio.Queue()
    client.on_cancel(orders.put)
    assign = await claimed(client, peer)
    await client.send_job_status(assign.job_id, "running")
    await until(lambda: peer.job(assign.job_id), lambda job: job["status"] == "running")
    await peer.cancel(assign.job_id)
    order = await soon(orders.get())
    assert (order.job_id, order.grace_seconds) == (assign.job_id, 30)
    await client.send_job_status(assign.job_id, "failed", message="stopped")
    assert (await ended(peer, assign.job_id))["status"] == "failed"


async def test_end_of_a_job_arrives_after_its_lines(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    assign = await claimed(client, peer)
    for number in range(500):
        await client.send_log(f"line {number}", job_id=assign.job_id)
    await client.send_job_status(assign.job_id, "completed")
    await ended(peer, assign.job_id)
    assert await peer.new_lines(assign.job_id) == [f"line {number}" for number in range(500)]


async def test_robot_comes_back_with_its_job_and_ends_it(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    assign = await claimed(client, peer)
    session_id = client.session_id
    await break_connection(client)
    for number in range(3):
        await client.send_log(f"line {number}", job_id=assign.job_id)
    await client.send_job_status(assign.job_id, "completed", result=1)
    assert (await ended(peer, assign.job_id))["status"] == "completed"
    assert client.session_id != session_id
    assert await client.drain(5)
    assert await peer.new_lines(assign.job_id) == [f"line {number}" for number in range(3)]


async def test_lines_logged_before_the_connection_are_not_lost(peer: Peer) -> None:
    client = OrchestratorWebSocketClient(peer.robot_id, peer.api_key, peer.url, backoff=FAST)
    await client.send_log("before")
    async with client:
        assign = await claimed(client, peer)
        await client.send_log("during", job_id=assign.job_id)
        assert await client.drain(5)
        assert await peer.new_lines(assign.job_id) == ["during"]


async def test_line_of_ten_megabytes_loses_only_its_middle(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    session_id = client.session_id
    assign = await claimed(client, peer)
    await client.send_log("a" * 5_000_000 + "z" * 5_000_000, job_id=assign.job_id)
    await client.send_log("b\ud800\x00", job_id=assign.job_id)
    assert await client.drain(5)
    long, odd = await peer.new_lines(assign.job_id)
    assert (long[0], long[-1], odd[0]) == ("a", "z", "b")
    assert len(long) <= 64 * 1024
    assert client.session_id == session_id


async def test_revoked_key_ends_the_client(client: OrchestratorWebSocketClient, peer: Peer) -> None:
    await peer.revoke_key()
    with pytest.raises(AuthError, match="revoked"):
        await soon(client.run())
    assert not client.connected
