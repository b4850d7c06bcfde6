"""The send queue alone, without a socket and on a virtual clock: order, waits, and bounds in both directions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from casare_rpa.domain.limits import RateLimit, WorkLimits
from casare_rpa.domain.protocol import Heartbeat, Hello, JobCancel, JobReport, RobotLog
from casare_rpa.domain.vocabulary import ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.robot.messages import job_report, log_entry
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import (
    DEFAULT_MESSAGE_BYTES,
    MIN_MESSAGE_BYTES,
    SendLimits,
    SendQueue,
)

NOW = 1_000.0
END_DELAY_SECONDS = 1.0


def heartbeat() -> Heartbeat:
    return Heartbeat(
        robot_id="r", status=RobotStatus.IDLE, cpu_percent=0, memory_mb=0, timestamp=datetime.now(UTC), active_jobs=[]
    )


def line(text: str = "line") -> RobotLog:
    return log_entry("r", text, "INFO", "job-1", None, None)


def end(job_id: str = "job-1") -> JobReport:
    return job_report(job_id, ReportStatus.COMPLETED, 1)


def sent(queue: SendQueue, now: float = NOW) -> list[dict[str, Any]]:
    """Every message that is due."""
    messages = []
    while queue.due_in(now) == 0.0:
        frame = queue.next_frame(now)
        if frame is not None:
            messages.append(json.loads(frame))
    return messages


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def acknowledge(queue: SendQueue, message: dict[str, Any]) -> None:
    (pending,) = queue.answered_by(message["id"])
    assert pending is not None
    queue.remove(pending)


@pytest.fixture
def queue() -> SendQueue:
    """Connected; hello and first heartbeat are sent."""
    queue = SendQueue(
        lambda: Hello(instance_id="i"), heartbeat, limits=SendLimits(log_window=2, end_delay_seconds=END_DELAY_SECONDS)
    )
    queue.on_connected(DEFAULT_MESSAGE_BYTES)
    assert kinds(sent(queue)) == ["hello", "heartbeat"]
    return queue


def test_end_leaves_with_the_answer_to_its_lines(queue: SendQueue) -> None:
    queue.add_line(line())
    queue.add_end(end(), NOW)
    (log,) = sent(queue)
    assert queue.due_in(NOW) == END_DELAY_SECONDS
    acknowledge(queue, log)
    assert kinds(sent(queue)) == ["job_status"], "at once, not after the delay"


def test_end_leaves_after_the_delay_without_an_answer(queue: SendQueue) -> None:
    queue.add_line(line())
    queue.add_end(end(), NOW)
    assert kinds(sent(queue)) == ["log"]
    assert sent(queue, NOW + END_DELAY_SECONDS - 0.01) == []
    assert kinds(sent(queue, NOW + END_DELAY_SECONDS)) == ["job_status"]


def test_end_waits_only_for_the_lines_before_it(queue: SendQueue) -> None:
    queue.add_line(line("before"))
    queue.add_end(end(), NOW)
    (before,) = sent(queue)
    queue.add_line(line("after"))
    (after,) = sent(queue)
    acknowledge(queue, after)
    assert sent(queue) == [], "a later line does not stand for an earlier one"
    acknowledge(queue, before)
    assert kinds(sent(queue)) == ["job_status"]


def test_end_without_unanswered_lines_leaves_at_once(queue: SendQueue) -> None:
    queue.add_line(line())
    (log,) = sent(queue)
    acknowledge(queue, log)
    queue.add_end(end(), NOW)
    assert kinds(sent(queue)) == ["job_status"]


def test_answer_to_a_line_does_not_shorten_the_backoff_of_an_end(queue: SendQueue) -> None:
    queue.add_end(end(), NOW)
    (report,) = sent(queue)
    (pending,) = queue.answered_by(report["id"])
    assert pending is not None
    queue.resend(pending, NOW + 30)
    queue.add_line(line())
    (log,) = sent(queue)
    acknowledge(queue, log)
    assert queue.due_in(NOW) == 30


def test_log_window_closes_and_opens_again(queue: SendQueue) -> None:
    logs = []
    for number in range(3):
        queue.add_line(line(str(number)))
        logs += sent(queue)
    assert len(logs) == 2
    assert queue.due_in(NOW) is None
    assert queue.buffered_lines == 1
    acknowledge(queue, logs[0])
    assert kinds(sent(queue)) == ["log"]
    assert (queue.buffered_lines, queue.buffered_bytes) == (0, 0)
    assert not queue.drained


def test_queue_is_drained_when_everything_is_answered(queue: SendQueue) -> None:
    assert queue.drained
    queue.add_line(line())
    queue.add_end(end(), NOW)
    while not queue.drained:
        for message in sent(queue):
            acknowledge(queue, message)
    assert queue.due_in(NOW) is None


def test_requests_for_a_heartbeat_are_merged(queue: SendQueue) -> None:
    for _ in range(3):
        queue.request_heartbeat()
        queue.request_pong()
    assert kinds(sent(queue)) == ["heartbeat", "pong"]
    assert queue.due_in(NOW) is None


def test_receipts_and_rejections_of_a_lost_connection_are_not_sent_on_the_next(queue: SendQueue) -> None:
    queue.add_cancel_receipt(JobCancel(job_id="job-1", reason="no", attempt=1))
    queue.add_rejection("job-2", 1, "no")
    queue.request_pong()
    queue.on_disconnected()
    queue.on_connected(DEFAULT_MESSAGE_BYTES)
    assert kinds(sent(queue)) == ["hello", "heartbeat"]


def test_urgent_messages_go_first(queue: SendQueue) -> None:
    queue.add_progress(job_report("job-2", ReportStatus.RUNNING, 1))
    queue.add_claim(job_report("job-3", ReportStatus.CLAIMED, 1))
    queue.request_pong()
    queue.request_heartbeat()
    queue.add_end(end(), NOW)
    queue.add_line(line())
    order = [(message["type"], message["payload"].get("status")) for message in sent(queue)]
    assert order == [
        ("job_status", "completed"),
        ("heartbeat", "idle"),
        ("pong", None),
        ("job_status", "claimed"),
        ("job_status", "running"),
        ("log", None),
    ]


def test_progress_of_an_ended_job_is_dropped(queue: SendQueue) -> None:
    queue.add_progress(job_report("job-1", ReportStatus.RUNNING, 1, progress=50))
    queue.add_end(end(), NOW)
    assert [message["payload"]["status"] for message in sent(queue)] == ["completed"]
    queue.on_connected(DEFAULT_MESSAGE_BYTES)
    assert [message["payload"].get("status") for message in sent(queue)][1:] == ["completed", "idle"]


def test_size_limit_shrinks_by_half_down_to_a_minimum(queue: SendQueue) -> None:
    limits = []
    queue.add_line(line("x" * 60_000))
    for _ in range(6):
        queue.reduce_message_limit()
        queue.on_connected(DEFAULT_MESSAGE_BYTES)
        sent(queue)
        limits.append(queue.max_message_bytes)
    assert limits == sorted(limits, reverse=True)
    assert limits[0] < DEFAULT_MESSAGE_BYTES
    assert limits[-1] == MIN_MESSAGE_BYTES


def test_log_lines_are_paced_by_the_announced_limit_and_nothing_else_is() -> None:
    queue = SendQueue(lambda: Hello(instance_id="i"), heartbeat)
    queue.on_connected(DEFAULT_MESSAGE_BYTES, WorkLimits(None, RateLimit(100, 200)))
    assert kinds(sent(queue)) == ["hello", "heartbeat"]
    for number in range(650):
        queue.add_line(line(str(number)))
    first = sent(queue)
    assert [len(message["payload"]["entries"]) for message in first] == [200, 200], "the second is over the burst"
    assert queue.due_in(NOW) == 2.0
    queue.request_heartbeat()
    assert kinds(sent(queue)) == ["heartbeat"]
    assert sent(queue, NOW + 1.9) == []
    assert len(sent(queue, NOW + 2.0)) == 1
    queue.on_connected(DEFAULT_MESSAGE_BYTES, WorkLimits(RateLimit(10, 10), None))
    for message in first:
        acknowledge(queue, message)
    sent(queue, NOW + 60)
    queue.add_line(line())
    assert (queue.due_in(NOW + 60) or 0) > 100, "bytes count too"
