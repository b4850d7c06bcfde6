"""The order of messages and the delivery of log lines, on a socket."""

import asyncio
from datetime import datetime

import pytest

from casare_rpa.domain.errors import ConnectionLost, ProtocolError
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import SendLimits
from communication.robots import MakeRobot, soon
from fakes import Document, FakeOrchestrator, FakeSession


def lines(message: Document) -> list[str]:
    """The lines in a `log` or `log_batch`."""
    payload = message["payload"]
    return [entry["message"] for entry in payload.get("entries", [payload])]


async def answered_lines(session: FakeSession, count: int) -> list[str]:
    """This number of lines; every message is acknowledged."""
    found: list[str] = []
    position = 0
    while len(found) < count:
        async with asyncio.timeout(5):
            while position == len(session.seen):
                await asyncio.sleep(0)
        message = session.seen[position]
        position += 1
        if message["type"] in ("log", "log_batch"):
            found += lines(message)
            await session.ack(message)
    return found


async def test_single_line_is_a_log_of_the_contract(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    when = datetime(2025, 12, 22, 14, 30)
    await client.send_log("hello \ud800", "warn", job_id="job-1", node_id="Step 1", logged_at=when)
    message = await session.next("log")
    assert message["payload"] == {
        "robot_id": "robot-1",
        "level": "WARNING",
        "message": "hello \ufffd",
        "timestamp": "2025-12-22T14:30:00Z",
        "job_id": "job-1",
        "node_id": "Step 1",
    }
    assert not await client.drain(0.01)
    await session.ack(message)
    assert await client.drain(5)


async def test_unknown_level_is_refused(robot: MakeRobot) -> None:
    with pytest.raises(ProtocolError, match="level"):
        await robot().send_log("line", "loud")


async def test_lines_travel_in_batches_and_in_order(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    expected = [f"line {number}" for number in range(1000)]
    for line in expected:
        await client.send_log(line)
    await client.connect()
    session = await orchestrator.session()
    assert await answered_lines(session, 1000) == expected
    assert await client.drain(5)
    batches = [message["payload"]["entries"] for message in session.seen if message["type"] == "log_batch"]
    assert [len(batch) for batch in batches] == [200] * 5


async def test_batches_stay_under_half_of_the_message_limit(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    orchestrator.greeting = {"max_message_bytes": 20_000}
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    for _ in range(20):
        await client.send_log("x" * 3000)
    await client.send_log("\x01" * 30_000)
    await answered_lines(session, 21)
    sizes = [len(str(message)) for message in session.seen if message["type"].startswith("log")]
    assert max(sizes) < 12_000
    assert "left out" in lines(session.seen[-1])[-1]


async def test_lines_without_an_answer_are_sent_again_after_ends(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await client.send_log("one")
    await session.ack(await session.next("log"))
    await client.send_log("two")
    await session.next("log")
    await client.send_job_status("job-1", "completed", attempt=1)
    session.cut()
    session = await orchestrator.session()
    message = await session.next("log")
    assert session.kinds() == ["hello", "job_status", "heartbeat", "log"]
    assert lines(message) == ["two"]


async def test_end_waits_for_the_lines_before_it(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    await client.send_log("the last line")
    await client.send_job_status("job-1", "completed", attempt=1)
    line = await session.next("log")
    await client.send_log("of another job")
    await session.next("log")
    await client.send_heartbeat()
    await session.next("heartbeat")
    assert "job_status" not in session.kinds()
    await session.ack(line)
    await session.report("completed")


async def test_end_does_not_wait_for_long(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot(send_limits=SendLimits(end_delay_seconds=0.02))
    await client.connect()
    session = await orchestrator.session()
    await client.send_log("never answered")
    await client.send_job_status("job-1", "completed", attempt=1)
    await session.report("completed")


async def test_lines_wait_when_too_many_are_in_flight(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot(send_limits=SendLimits(buffer_lines=3, log_window=1))
    for number in range(3):
        await client.send_log(f"line {number}")
    waiting = asyncio.create_task(client.send_log("line 3"))
    await client.connect()
    session = await orchestrator.session()
    await soon(waiting)
    assert await answered_lines(session, 4) == ["line 0", "line 1", "line 2", "line 3"]


async def test_waiting_line_is_refused_when_the_client_closes(robot: MakeRobot) -> None:
    client = robot(send_limits=SendLimits(buffer_lines=1))
    await client.send_log("line 0")
    waiting = asyncio.create_task(client.send_log("line 1"))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(ConnectionLost):
        await soon(waiting)


async def test_lines_are_sent_again_when_the_store_is_unavailable(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await client.send_log("line")
    first = await session.next("log")
    await session.error("INTERNAL_ERROR", "the store is unavailable", first)
    again = await session.next("log")
    assert again == first
    await session.ack(again)
    assert await client.drain(5)
