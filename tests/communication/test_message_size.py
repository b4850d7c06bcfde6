"""Messages stay within the size limit, and one that was refused as too large is not sent unchanged again."""

import pytest

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.protocol import JobError
from communication.robots import MakeRobot
from fakes import Document, FakeOrchestrator, FakeSession

SMALL = 8 * 1024


def size(message: Document) -> int:
    """A lower bound of its size on the wire."""
    return len(str(message["payload"]))


async def every_line(session: FakeSession, count: int) -> list[Document]:
    """This number of lines, in any grouping; every message is acknowledged."""
    entries: list[Document] = []
    while len(entries) < count:
        message = await session.next("log_batch", lambda message: True)
        entries += message["payload"]["entries"]
        await session.ack(message)
    return entries


async def test_messages_fit_a_limit_that_shrank_between_two_connections(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    for number in range(300):
        await client.send_log(f"{number:03d} {'x' * 900}", job_id="job-1")
    await session.next("log_batch")
    await client.send_job_status("job-1", "completed", attempt=1, result="y" * 100_000, message="all done")
    orchestrator.greeting = {"max_message_bytes": SMALL}
    await session.close(1012)
    session = await orchestrator.session()
    end = await session.report("completed")
    assert "result" not in end["payload"]
    assert end["payload"]["message"] == "the result was omitted: it is too large; all done"
    await session.ack(end)
    entries = await every_line(session, 300)
    assert [int(entry["message"][:3]) for entry in entries] == list(range(300)), "each once, in order"
    assert all(size(message) <= SMALL for message in session.seen)
    assert await client.drain(5)


async def test_long_lines_are_cut_again_under_a_lower_limit(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.send_log("a" * 60_000)
    orchestrator.greeting = {"max_message_bytes": SMALL}
    await client.connect()
    session = await orchestrator.session()
    line = (await session.next("log"))["payload"]["message"]
    assert len(line) <= SMALL // 2
    assert "left out" in line


async def test_message_refused_by_a_proxy_is_sent_in_smaller_parts(
    orchestrator: FakeOrchestrator, robot: MakeRobot, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy may accept less than the orchestrator announces."""
    client = robot()
    await client.connect()
    taken = 20_000
    for number in range(40):
        await client.send_log(f"{number:03d} {'x' * 2000}")
    lines: list[int] = []
    closes = 0
    session = await orchestrator.session()
    while len(lines) < 40:
        message = await session.next("log_batch")
        if size(message) > taken:
            closes += 1
            await session.close(1009)
            session = await orchestrator.session()
        else:
            lines += [int(entry["message"][:3]) for entry in message["payload"]["entries"]]
            await session.ack(message)
    assert sorted(lines) == list(range(40))
    assert 1 <= closes <= 5
    assert "too large" in caplog.text
    assert await client.drain(5)


async def test_failure_that_is_too_large_keeps_its_error_without_the_traceback(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client = robot()
    error = JobError(type="business", code="E1", message="no such invoice", traceback="t" * 60_000)
    await client.send_job_status("job-1", "failed", attempt=1, error=error)
    orchestrator.greeting = {"max_message_bytes": SMALL}
    await client.connect()
    end = await (await orchestrator.session()).report("failed")
    assert end["payload"]["error"] == {"type": "business", "code": "E1", "message": "no such invoice"}


async def test_progress_that_is_too_large_is_cut(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client = robot()
    await client.send_job_status("job-1", "running", attempt=1, message="m" * 16_000)
    orchestrator.greeting = {"max_message_bytes": SMALL}
    await client.connect()
    assert (await (await orchestrator.session()).report("running"))["payload"]["message"] == "m" * 256


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"message": 7}, "message"),
        ({"message": b"bytes"}, "message"),
        ({"level": None}, "level"),
        ({"job_id": ""}, "job_id"),
        ({"job_id": "x" * 129}, "job_id"),
        ({"job_id": "\ud800"}, "job_id"),
        ({"job_id": 7}, "job_id"),
        ({"node_id": 7}, "node_id"),
    ],
)
async def test_invalid_line_is_refused_before_it_joins_a_batch(
    orchestrator: FakeOrchestrator, robot: MakeRobot, wrong: Document, field: str
) -> None:
    client = robot()
    with pytest.raises(ProtocolError, match=field):
        await client.send_log(**({"message": "line"} | wrong))
    await client.send_log("good")
    await client.connect()
    assert (await (await orchestrator.session()).next("log"))["payload"]["message"] == "good"
