"""Ends and claims that are due at the same moment share a message, where the server accepts that."""

import json
from typing import Any

import pytest

from casare_rpa.domain.limits import MAX_REPORTS_IN_BATCH, WorkLimits
from casare_rpa.domain.protocol import Hello, JobReport
from casare_rpa.domain.vocabulary import ReportStatus, ServerFeature
from casare_rpa.infrastructure.orchestrator.communication.robot.messages import job_report
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import (
    BATCH_SHARE,
    DEFAULT_MESSAGE_BYTES,
    SendQueue,
)
from communication.robots import MakeRobot
from communication.test_send_order import NOW, heartbeat, kinds, sent
from fakes import FakeOrchestrator, FakeSession


@pytest.fixture
def queue() -> SendQueue:
    return SendQueue(lambda: Hello(instance_id="i"), heartbeat)


def connect(queue: SendQueue, *features: ServerFeature) -> list[dict[str, Any]]:
    """The messages that a new connection sends after hello and heartbeat."""
    queue.on_connected(DEFAULT_MESSAGE_BYTES, WorkLimits(None, None), features or [ServerFeature.JOB_STATUS_BATCH])
    return [message for message in sent(queue) if message["type"] not in ("hello", "heartbeat")]


def end(number: int, **more: Any) -> JobReport:
    return job_report(f"job-{number}", ReportStatus.COMPLETED, 1, **more)


def claim(number: int) -> JobReport:
    return job_report(f"job-{number}", ReportStatus.CLAIMED, 1)


def job_ids(message: dict[str, Any]) -> list[str]:
    payload = message["payload"]
    return [one["job_id"] for one in payload.get("reports", [payload])]


def test_due_ends_and_claims_share_a_message_ends_first(queue: SendQueue) -> None:
    connect(queue)
    queue.add_claim(claim(1))
    queue.add_end(end(2, result={"n": 2}), NOW)
    queue.add_claim(claim(3))
    (message,) = sent(queue)
    assert message["type"] == "job_status_batch"
    assert job_ids(message) == ["job-2", "job-1", "job-3"]
    assert message["payload"]["reports"][0]["result"] == {"n": 2}
    assert {pending.job_id for pending in queue.answered_by(message["id"])} == {"job-1", "job-2", "job-3"}
    assert queue.answered_by(message["id"]) == [], "an answer counts once"


def test_one_report_and_those_for_another_server_have_their_own_messages(queue: SendQueue) -> None:
    connect(queue)
    queue.add_end(end(1), NOW)
    assert kinds(sent(queue)) == ["job_status"]
    queue.add_end(end(2), NOW)
    assert kinds(connect(queue, ServerFeature.JOB_STEPS)) == ["job_status", "job_status"]
    assert kinds(connect(queue)) == ["job_status_batch"]


def test_held_and_delayed_reports_are_not_sent_with_others(queue: SendQueue) -> None:
    connect(queue)
    held, delayed = queue.add_end(end(1), NOW), queue.add_end(end(2), NOW)
    held.held, delayed.not_before = True, NOW + 1
    queue.add_claim(claim(3))
    assert kinds(sent(queue)) == ["job_status"]
    queue.release(held)
    assert [job_ids(message) for message in sent(queue, NOW + 1)] == [["job-1", "job-2"]]


def test_message_has_a_limited_number_of_reports_and_bytes(queue: SendQueue) -> None:
    connect(queue)
    for number in range(2 * MAX_REPORTS_IN_BATCH + 1):
        queue.add_claim(claim(number))
    messages = sent(queue)
    assert [len(job_ids(message)) for message in messages] == [MAX_REPORTS_IN_BATCH, MAX_REPORTS_IN_BATCH, 1]
    large = "x" * (DEFAULT_MESSAGE_BYTES // BATCH_SHARE // 3)
    for number in range(5):
        queue.add_end(end(number, result=large), NOW)
    messages = sent(queue)
    assert [job_ids(message) for message in messages] == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert all(len(json.dumps(message)) <= DEFAULT_MESSAGE_BYTES // BATCH_SHARE for message in messages)


def test_reports_of_a_message_without_an_answer_are_sent_again_on_the_next_connection(queue: SendQueue) -> None:
    connect(queue)
    first, second = queue.add_claim(claim(1)), queue.add_claim(claim(2))
    (lost,) = sent(queue)
    queue.remove(first)  # the claim was abandoned
    (again,) = connect(queue)
    assert (again["type"], job_ids(again)) == ("job_status", ["job-2"])
    assert queue.answered_by(lost["id"]) == [], "an answer of the old connection cannot come"
    assert queue.answered_by(again["id"]) == [second]


def test_report_that_must_be_alone_ends_a_message(queue: SendQueue) -> None:
    connect(queue)
    reports = [queue.add_claim(claim(number)) for number in range(4)]
    reports[2].alone = True
    assert [job_ids(message) for message in sent(queue)] == [["job-0", "job-1"], ["job-2"], ["job-3"]]


def test_pending_message_that_is_shortened_has_its_new_content(queue: SendQueue) -> None:
    queue.add_end(end(1, result="x" * 100_000), NOW)
    queue.add_claim(claim(2))
    queue.on_connected(50_000, WorkLimits(None, None), [ServerFeature.JOB_STATUS_BATCH])
    hello, batch, *_ = sent(queue)
    assert hello["type"] == "hello"
    assert job_ids(batch) == ["job-1", "job-2"]
    assert "result" not in batch["payload"]["reports"][0]


def test_batch_that_was_too_large_makes_batches_smaller_and_no_single_report(queue: SendQueue) -> None:
    connect(queue)
    for number in range(8):
        queue.add_end(end(number, result="x" * 1_000), NOW)
    (batch,) = sent(queue)
    queue.reduce_message_limit()
    messages = connect(queue)
    assert [len(job_ids(message)) for message in messages] == [4, 4], "halves"
    assert queue.max_message_bytes == DEFAULT_MESSAGE_BYTES
    assert all(len(json.dumps(message)) < len(json.dumps(batch)) for message in messages)


async def at_work(orchestrator: FakeOrchestrator, robot: MakeRobot) -> tuple[Any, FakeSession]:
    orchestrator.greeting["features"] = ["job_status_batch"]
    client = robot()
    await client.connect()
    session = await orchestrator.session()
    await session.next("heartbeat")
    return client, session


async def test_refused_message_is_sent_again_report_by_report(orchestrator: FakeOrchestrator, robot: MakeRobot) -> None:
    client, session = await at_work(orchestrator, robot)
    for number in range(2):
        await client.send_job_status(f"job-{number}", "completed", attempt=1)
    batch = await session.next("job_status_batch")
    await session.error("INVALID_MESSAGE", "no such job", batch)
    alone = [await session.report("completed") for _ in range(2)]
    assert sorted(job_ids(message)[0] for message in alone) == ["job-0", "job-1"]
    await session.error("INVALID_MESSAGE", "no such job", alone[0])
    await session.ack(alone[1])
    assert await client.drain(5)


async def test_message_is_sent_again_later_after_a_temporary_error(
    orchestrator: FakeOrchestrator, robot: MakeRobot
) -> None:
    client, session = await at_work(orchestrator, robot)
    for number in range(2):
        await client.send_job_status(f"job-{number}", "completed", attempt=1)
    batch = await session.next("job_status_batch")
    await session.error("INTERNAL_ERROR", "try again", batch)
    again = await session.next("job_status_batch")
    assert sorted(job_ids(again)) == ["job-0", "job-1"]
    await session.ack(again)
    assert await client.drain(5)
