"""The client as its users see it, against an orchestrator on a real socket."""

import asyncio
import subprocess
import sys

import pytest

from casare_rpa import __version__
from casare_rpa.domain.errors import ConnectFailed, ConnectionLost, ProtocolError
from casare_rpa.domain.protocol import Connected, JobAssign, Ping
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.robots import API_KEY, MakeRobot, soon
from fakes import TIMESTAMP, FakeOrchestrator


async def test_sample_of_the_contract_runs_as_written(orchestrator: FakeOrchestrator) -> None:
    client = OrchestratorWebSocketClient(
        robot_id="robot-123",
        api_key="crpa_abc123...",
        orchestrator_url=f"ws://localhost:{orchestrator.port}",
    )
    await client.connect()
    await client.send_heartbeat()
    session = await orchestrator.session()
    beat = (await session.next("heartbeat"))["payload"]
    assert beat.keys() == {"robot_id", "status", "cpu_percent", "memory_mb", "timestamp", "active_jobs"}
    assert (beat["robot_id"], beat["status"], beat["active_jobs"]) == ("robot-123", "idle", [])
    assert beat["memory_mb"] > 0
    await client.close()
    assert await session.ended() == 1000


async def test_client_introduces_itself_first(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot(name="Erika", tags=["pdf"], max_concurrent_jobs=3, capabilities=["robotframework"])
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    assert session.kinds() == ["hello", "heartbeat"]
    assert session.seen[0]["payload"] == {
        "instance_id": client.instance_id,
        "name": "Erika",
        "version": __version__,
        "capabilities": ["robotframework"],
        "tags": ["pdf"],
        "max_concurrent_jobs": 3,
        "active_jobs": [],
        "features": ["claim_ack", "job_status_batch"],
    }
    assert client.connected
    assert client.session_id == "session-1"
    assert session.path == "/ws/robot/robot-1"
    assert (session.query, session.key) == ({}, API_KEY)


@pytest.mark.parametrize("form", ["ws://127.0.0.1:{}/", "http://127.0.0.1:{}", "http://localhost:{}/prefix/"])
async def test_client_takes_every_form_of_the_address(
    orchestrator: FakeOrchestrator, robot: MakeRobot, form: str
) -> None:
    await robot(orchestrator_url=form.format(orchestrator.port)).connect()
    session = await orchestrator.session()
    assert session.path.removeprefix("/prefix") == "/ws/robot/robot-1"


async def test_each_client_has_a_different_instance_id(robot: MakeRobot) -> None:
    assert robot().instance_id != robot().instance_id


async def test_client_sends_heartbeats_by_itself(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    await robot(heartbeat_interval_seconds=0.02).connect()
    session = await orchestrator.session()
    for _ in range(4):
        await session.next("heartbeat")


async def test_status_of_a_heartbeat_lasts_until_the_next_call(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot(heartbeat_interval_seconds=0.02)
    await client.connect()
    session = await orchestrator.session()
    await client.send_heartbeat(RobotStatus.OFFLINE)
    await session.next("heartbeat", lambda beat: beat["payload"]["status"] == "offline")
    assert (await session.next("heartbeat"))["payload"]["status"] == "offline"
    await client.send_heartbeat()
    await session.next("heartbeat", lambda beat: beat["payload"]["status"] == "idle")


async def test_client_answers_a_ping(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    await robot().connect()
    session = await orchestrator.session()
    await session.send("ping", {"timestamp": TIMESTAMP})
    assert (await session.next("pong"))["payload"] == {}


async def test_iteration_shows_every_message_until_the_end(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    messages = aiter(client)
    await client.connect()
    session = await orchestrator.session()
    await session.send("greeting", {"from": "the future"})
    await session.send_text("nonsense")
    await session.send_text(b"binary")
    await session.send("ping", {})
    await session.assign("job-1", 1)
    await session.assign("job-1", 1)
    await session.send("ping", {"timestamp": TIMESTAMP})
    kinds = [type(await soon(anext(messages))) for _ in range(3)]
    assert kinds == [Connected, JobAssign, Ping]
    await client.close()
    with pytest.raises(StopAsyncIteration):
        await soon(anext(messages))
    assert [message async for message in client] == []


async def test_client_is_a_context(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    async with robot() as client:
        session = await orchestrator.session()
        assert client.connected
    assert not client.connected
    assert client.session_id is None
    assert await session.ended() == 1000


async def test_run_connects_and_ends_with_close(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        await orchestrator.session()
        await client.close()
        await soon(running)


async def test_closed_client_refuses_every_call(robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    await client.close()
    for call in (
        client.connect(),
        client.send_heartbeat(),
        client.claim("job-1", 1),
        client.send_job_status("job-1", "running"),
        client.send_log("line"),
    ):
        with pytest.raises(ConnectionLost):
            await call
    await client.close()


async def test_other_event_loops_are_refused(robot: MakeRobot) -> None:
    client = robot()
    await client.connect()

    def elsewhere() -> None:
        asyncio.run(client.send_log("line"))

    with pytest.raises(RuntimeError, match="run_coroutine_threadsafe"):
        await asyncio.to_thread(elsewhere)
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(client.send_log("line"), loop).result(5))


async def test_callback_may_close_the_client(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()

    @client.on_command
    async def leave(command: object) -> None:
        await client.close()

    await client.connect()
    session = await orchestrator.session()
    command = {"command_id": "c", "action": "restart", "mode": "graceful", "deadline_seconds": 1}
    await session.send("command", command | {"timestamp": TIMESTAMP})
    await soon(client.run())
    assert await session.ended() == 1000


async def test_close_cancels_running_callbacks(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    started, stopped = asyncio.Event(), asyncio.Event()

    @client.on_job
    async def work(assign: JobAssign) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await client.connect()
    await (await orchestrator.session()).assign()
    await soon(started.wait())
    await client.close()
    assert stopped.is_set()


@pytest.mark.parametrize("options", [{"tags": ["x" * 200]}, {"max_concurrent_jobs": 0}, {"name": "n" * 300}])
async def test_invalid_options_are_refused(robot: MakeRobot, options: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match=next(iter(options))):
        robot(**options)


async def test_invalid_address_is_refused(robot: MakeRobot) -> None:
    with pytest.raises(ConnectFailed) as caught:
        await robot(orchestrator_url="localhost:8000").connect()
    assert not caught.value.retryable


async def test_client_does_not_show_its_key(robot: MakeRobot) -> None:
    assert API_KEY not in repr(robot())


def test_client_imports_no_package_of_the_server() -> None:
    module = "casare_rpa.infrastructure.orchestrator.communication"
    program = f"import sys, {module}.websocket_client, {module}.http_client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "pydantic", "pydantic_settings", "jwt"}
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
async def test_cancelled_is_sent_as_failed_with_that_type(
    orchestrator: FakeOrchestrator, robot: MakeRobot, word: str
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.assign("job-1", 1)
    await session.next("heartbeat")
    await client.send_job_status("job-1", word, attempt=1, message="stopped by the user")
    report = await session.report("failed")
    assert report["payload"]["error"] == {"type": "cancelled", "message": "stopped by the user"}
