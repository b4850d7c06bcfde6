"""The protocol of jobs: assignments, claims, reports, ends and cancels; each attempt is handled once."""

import asyncio

import pytest

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.protocol import JobAssign, JobCancel, JobError, RobotCommand
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.robots import MakeRobot, soon
from fakes import TIMESTAMP, FakeOrchestrator, FakeSession

Pair = tuple[OrchestratorWebSocketClient, FakeSession]


@pytest.fixture
async def pair(orchestrator: FakeOrchestrator, robot: MakeRobot) -> Pair:
    """A robot with one slot, connected; its hello and first heartbeat are read."""
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    return client, session


# Assignments


async def test_assignment_is_handed_on_once(pair: Pair) -> None:
    client, session = pair
    handed: asyncio.Queue[JobAssign] = asyncio.Queue()
    client.on_job(handed.put)
    await session.assign("job-1", 1)
    await session.assign("job-1", 1)
    await session.assign("job-1", 2)
    first, second = await soon(handed.get()), await soon(handed.get())
    assert [(first.job_id, first.attempt), (second.job_id, second.attempt)] == [("job-1", 1), ("job-1", 2)]
    assert bytes(first.parameters) == b'{"a": 1}'
    assert handed.empty()


async def test_assignment_is_handed_on_once_over_a_reconnect(pair: Pair, orchestrator: FakeOrchestrator) -> None:
    client, session = pair
    handed: asyncio.Queue[JobAssign] = asyncio.Queue()
    client.on_job(handed.put)
    await session.assign("job-1", 1)
    await soon(handed.get())
    await session.close(1012)
    session = await orchestrator.session()
    await session.assign("job-1", 1)
    await session.assign("job-2", 1)
    assert (await soon(handed.get())).job_id == "job-2"


async def test_job_of_a_1_0_server_may_come_back_after_its_end(pair: Pair) -> None:
    client, session = pair
    handed: asyncio.Queue[JobAssign] = asyncio.Queue()
    client.on_job(handed.put)
    for _ in range(2):
        await session.assign("job-1", None)
        await session.assign("job-1", None)
        await soon(handed.get())
        await client.send_job_status("job-1", "failed")
        end = await session.report("failed")
        assert "attempt" not in end["payload"]
        await session.ack(end)
        assert await client.drain(5)
    assert handed.empty()


async def test_callback_that_raises_fails_the_job(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    client, session = pair

    @client.on_job
    async def work(assign: JobAssign) -> None:
        raise RuntimeError("the printer is on fire")

    await session.assign("job-1", 3)
    payload = (await session.report("failed"))["payload"]
    assert (payload["job_id"], payload["attempt"], payload["message"]) == ("job-1", 3, "the printer is on fire")
    assert payload["error"]["code"] == "RuntimeError"
    assert "the printer is on fire" in payload["error"]["traceback"]
    assert "the printer is on fire" in caplog.text


async def test_callback_that_raises_after_the_end_changes_nothing(pair: Pair) -> None:
    client, session = pair

    @client.on_job
    async def work(assign: JobAssign) -> None:
        await client.send_job_status(assign.job_id, "completed", attempt=assign.attempt)
        raise RuntimeError("too late")

    await session.assign("job-1", 1)
    await session.ack(await session.report("completed"))
    await client.send_heartbeat()
    await session.next("heartbeat")
    assert session.kinds().count("job_status") == 1


async def test_callback_that_raises_after_a_refused_claim_changes_nothing(pair: Pair) -> None:
    client, session = pair

    @client.on_job
    async def work(assign: JobAssign) -> None:
        await client.claim(assign.job_id, assign.attempt or 0)
        raise RuntimeError("not mine")

    await session.assign("job-1", 1)
    await session.error("INVALID_MESSAGE", "the offer is over", await session.report("claimed"))
    await client.send_heartbeat()
    await session.next("heartbeat")
    assert session.kinds().count("job_status") == 1


async def test_failing_callbacks_of_orders_are_logged(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    client, session = pair
    called: asyncio.Queue[str] = asyncio.Queue()

    @client.on_cancel
    async def cancel(order: JobCancel) -> None:
        called.put_nowait(f"{order.job_id} {order.attempt} {order.reason} {order.grace_seconds}")
        raise RuntimeError("no")

    @client.on_command
    async def command(order: RobotCommand) -> None:
        called.put_nowait(order.action)
        raise RuntimeError("no")

    await session.cancel("job-1", "wrong file", attempt=2, grace_seconds=30)
    order = {"command_id": "c", "action": "restart", "mode": "graceful", "deadline_seconds": 9}
    await session.send("command", order | {"timestamp": TIMESTAMP})
    assert await soon(called.get()) == "job-1 2 wrong file 30"
    assert await soon(called.get()) == "restart"
    assert client.connected
    assert "job_cancel failed" in caplog.text


# Claims


async def test_claim_is_true_when_it_is_acknowledged(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 2))
    claim = await session.report("claimed")
    assert (claim["payload"]["job_id"], claim["payload"]["attempt"]) == ("job-1", 2)
    assert not claiming.done()
    await session.ack(claim)
    assert await soon(claiming) is True
    assert await client.claim("job-1", 2) is True
    await client.send_heartbeat()
    beat = (await session.next("heartbeat"))["payload"]
    assert (beat["status"], beat["active_jobs"]) == ("busy", [{"job_id": "job-1", "attempt": 2}])


async def test_claim_is_false_when_it_is_refused(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    await session.error("INVALID_MESSAGE", "job-1: the offer is over", await session.report("claimed"))
    assert await soon(claiming) is False
    assert await client.claim("job-1", 1) is False
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["active_jobs"] == []


async def test_claim_is_false_when_the_offer_is_cancelled(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    await session.report("claimed")
    await session.cancel("job-1", "of another attempt", attempt=2)
    await session.cancel("job-2", "another job")
    await session.cancel("job-1", "offer expired", attempt=1)
    assert await soon(claiming) is False
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["active_jobs"] == []


async def test_claim_is_false_when_the_offer_was_cancelled_before_it(pair: Pair) -> None:
    client, session = pair
    messages = aiter(client)
    await session.assign()
    await session.cancel(attempt=1)
    while not isinstance(await soon(anext(messages)), JobCancel):
        pass
    assert await soon(client.claim("job-1", 1)) is False
    await client.send_heartbeat()
    beat = await session.next("heartbeat", lambda beat: beat["payload"]["active_jobs"] == [])
    assert beat["payload"]["status"] == "idle"
    assert "job_status" not in session.kinds()


async def test_cancel_of_a_job_that_counts_as_claimed_is_confirmed(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    await session.report("claimed")
    await session.cancel("job-1", "not wanted", attempt=1, grace_seconds=30)
    assert await soon(claiming) is False
    payload = (await session.report("failed"))["payload"]
    assert (payload["attempt"], payload["error"]) == (1, {"type": "cancelled", "message": "not wanted"})


async def test_claim_waits_over_a_reconnect(pair: Pair, orchestrator: FakeOrchestrator) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    first = await session.report("claimed")
    session.cut()
    session = await orchestrator.session()
    hello = await session.next("hello")
    assert hello["payload"]["active_jobs"] == [{"job_id": "job-1", "attempt": 1}]
    again = await session.report("claimed")
    assert again == first
    await session.ack(again)
    assert await soon(claiming) is True


async def test_claim_is_sent_again_when_the_offer_is_repeated(pair: Pair) -> None:
    client, session = pair
    client.on_job(lambda assign: client.claim(assign.job_id, assign.attempt or 0))
    await session.assign("job-1", 1)
    first = await session.report("claimed")
    await session.assign("job-1", 1)
    assert await session.report("claimed") == first


async def test_claim_is_tried_again_when_the_store_is_unavailable(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    first = await session.report("claimed")
    await session.error("INTERNAL_ERROR", "the store is unavailable", first)
    again = await session.report("claimed")
    assert again == first
    await session.ack(again)
    assert await soon(claiming) is True


async def test_claim_that_is_given_up_holds_no_slot(pair: Pair) -> None:
    client, session = pair
    claiming = [asyncio.create_task(client.claim("job-1", 1)) for _ in range(2)]
    claim = await session.report("claimed")
    claiming[0].cancel()
    assert await soon(claiming[1]) is False
    await session.ack(claim)
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["active_jobs"] == []
    assert session.kinds().count("job_status") == 1


async def test_busy_robot_sends_a_heartbeat_as_soon_as_it_is_idle(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    claim = await session.report("claimed")
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["status"] == "busy"
    await session.error("INVALID_MESSAGE", "no", claim)
    assert (await session.next("heartbeat"))["payload"]["status"] == "idle"
    assert await soon(claiming) is False


# Reports


async def test_end_is_kept_until_it_is_answered(pair: Pair, orchestrator: FakeOrchestrator) -> None:
    client, session = pair
    await client.send_job_status("job-1", "completed", attempt=4, progress=100, result={"total": "12.50"})
    first = await session.report("completed")
    assert first["payload"]["result"] == {"total": "12.50"}
    assert not await client.drain(0.01)
    session.cut()
    session = await orchestrator.session()
    again = await session.report("completed")
    assert again == first
    assert session.kinds() == ["hello", "job_status"]
    assert session.seen[0]["payload"]["active_jobs"] == [{"job_id": "job-1", "attempt": 4}]
    await session.ack(again)
    assert await client.drain(5)
    await client.send_heartbeat()
    await session.next("heartbeat", lambda beat: beat["payload"]["active_jobs"] == [])
    session.cut()
    session = await orchestrator.session()
    await session.next("heartbeat")
    assert session.kinds() == ["hello", "heartbeat"]


async def test_end_without_a_connection_is_sent_on_the_next_one(pair: Pair, orchestrator: FakeOrchestrator) -> None:
    client, session = pair
    await orchestrator.stop()
    await session.ended()
    await client.send_log("the last line")
    await client.send_job_status("job-1", "failed", attempt=1, error=JobError(type="business", message="no invoice"))
    await orchestrator.start()
    session = await orchestrator.session()
    await session.ack(await session.next("log"))
    assert session.kinds() == ["hello", "job_status", "heartbeat", "log"]


async def test_end_that_is_refused_is_not_sent_again(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    client, session = pair
    await client.send_job_status("job-1", "completed", attempt=1)
    await session.error("INVALID_MESSAGE", "job-1: unknown", await session.report("completed"))
    assert await client.drain(5)
    assert "job-1: unknown" in caplog.text


async def test_end_is_tried_again_when_the_store_is_unavailable(pair: Pair) -> None:
    client, session = pair
    await client.send_job_status("job-1", "completed", attempt=1)
    first = await session.report("completed")
    await session.error("INTERNAL_ERROR", "the store is unavailable", first)
    again = await session.report("completed")
    assert again == first
    await session.ack(again)
    assert await client.drain(5)


async def test_end_frees_the_slot_before_it_is_answered(pair: Pair) -> None:
    client, session = pair
    claiming = asyncio.create_task(client.claim("job-1", 1))
    await session.ack(await session.report("claimed"))
    await soon(claiming)
    await client.send_job_status("job-1", "completed")
    assert (await session.report("completed"))["payload"]["attempt"] == 1
    await client.send_heartbeat()
    beat = (await session.next("heartbeat"))["payload"]
    assert (beat["status"], beat["active_jobs"]) == ("idle", [{"job_id": "job-1", "attempt": 1}])


async def test_reports_after_the_end_are_ignored(pair: Pair) -> None:
    client, session = pair
    await client.send_job_status("job-1", "completed", attempt=1)
    await client.send_job_status("job-1", "running", attempt=1, progress=50)
    await client.send_job_status("job-1", "failed", attempt=1)
    await session.ack(await session.report("completed"))
    await client.send_job_status("job-1", "running", attempt=1, progress=50)
    assert await client.drain(5)
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["active_jobs"] == []
    assert session.kinds().count("job_status") == 1


async def test_progress_is_the_newest_and_is_repeated_on_a_new_connection(
    pair: Pair, orchestrator: FakeOrchestrator
) -> None:
    client, session = pair
    await client.send_job_status("job-1", "running", attempt=1, progress=0, message="begins")
    first = await session.report("running")
    for percent in range(1, 51):
        await client.send_job_status("job-1", "running", attempt=1, progress=percent)
    await client.send_heartbeat()
    assert (await session.next("heartbeat"))["payload"]["active_jobs"] == [{"job_id": "job-1", "attempt": 1}]
    await session.ack(first)
    newest = (await session.report("running"))["payload"]
    assert (newest["progress"], newest["message"]) == (50, "begins")
    session.cut()
    session = await orchestrator.session()
    assert (await session.report("running"))["payload"] == newest


async def test_progress_is_tried_again_when_the_store_is_unavailable(pair: Pair) -> None:
    client, session = pair
    await client.send_job_status("job-1", "running", attempt=1, progress=7)
    await session.error("INTERNAL_ERROR", "the store is unavailable", await session.report("running"))
    assert (await session.report("running"))["payload"]["progress"] == 7


async def test_progress_that_is_refused_is_dropped(pair: Pair) -> None:
    client, session = pair
    await client.send_job_status("job-1", "running", attempt=1, progress=7)
    await session.error("INVALID_MESSAGE", "superseded", await session.report("running"))
    await session.ack({"id": "never sent"})
    await client.send_heartbeat()
    await session.next("heartbeat")
    assert session.kinds().count("job_status") == 1


@pytest.mark.parametrize(
    ("result", "field"),
    [({1, "set", object}, "result"), ("x" * 300_000, "result"), ([[]] * 1, ""), (float, "result")],
)
async def test_end_that_the_orchestrator_would_refuse_is_refused_here(pair: Pair, result: object, field: str) -> None:
    client, session = pair
    if not field:
        for _ in range(40):
            result = [result]
        field = "nested"
    with pytest.raises(ProtocolError, match=field):
        await client.send_job_status("job-1", "completed", attempt=1, result=result)
    await client.send_job_status("job-1", "failed", attempt=1)
    await session.report("failed")
