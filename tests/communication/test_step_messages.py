"""Steps of jobs in the queue of outgoing messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from casare_rpa.domain.protocol import Heartbeat, Hello
from casare_rpa.domain.steps import MAX_STORED_STEPS, JobStep
from casare_rpa.domain.vocabulary import ServerFeature, StepStatus
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import DEFAULT_MESSAGE_BYTES, SendQueue
from casare_rpa.infrastructure.orchestrator.communication.robot.step_buffer import MIN_INTERVAL_SECONDS

NOW = 100.0
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FEATURES = (ServerFeature.JOB_STEPS,)


def a_step(step_id: int, status: StepStatus = StepStatus.RUNNING, name: str = "Open") -> JobStep:
    ended_at = None if status is StepStatus.RUNNING else NOON
    return JobStep(id=step_id, name=name, status=status, started_at=NOON, ended_at=ended_at)


def sent(queue: SendQueue, now: float = NOW) -> list[dict[str, Any]]:
    """The messages that are due now."""
    messages = []
    while queue.due_in(now) == 0.0:
        frame = queue.next_frame(now)
        if frame is not None:
            messages.append(json.loads(frame))
    return [message for message in messages if message["type"] == "job_steps"]


def acknowledge(queue: SendQueue, message: dict[str, Any]) -> None:
    (pending,) = queue.answered_by(message["id"])
    assert pending is not None
    queue.remove(pending)


def ids(message: dict[str, Any]) -> list[int]:
    return [step["id"] for step in message["payload"]["steps"]]


@pytest.fixture
def queue() -> SendQueue:
    """Connected to a server that accepts steps."""
    queue = SendQueue(lambda: Hello(instance_id="i"), Heartbeat)
    queue.on_connected(DEFAULT_MESSAGE_BYTES, features=FEATURES)
    sent(queue)
    return queue


def test_newest_state_of_each_step_is_sent(queue: SendQueue) -> None:
    queue.add_step("job-1", 1, a_step(1))
    queue.add_step("job-1", 1, a_step(2))
    queue.add_step("job-1", 1, a_step(2, StepStatus.PASSED))
    (message,) = sent(queue)
    assert (message["payload"]["job_id"], message["payload"]["attempt"]) == ("job-1", 1)
    assert [(step["id"], step["status"]) for step in message["payload"]["steps"]] == [(1, "running"), (2, "passed")]


def test_one_message_is_under_way_and_the_next_follows_after_a_second(queue: SendQueue) -> None:
    queue.add_step("job-1", 1, a_step(1))
    (first,) = sent(queue)
    queue.add_step("job-1", 1, a_step(2))
    assert sent(queue, NOW + 10) == [], "the first is not answered"
    acknowledge(queue, first)
    assert sent(queue, NOW + MIN_INTERVAL_SECONDS - 0.1) == []
    (second,) = sent(queue, NOW + MIN_INTERVAL_SECONDS)
    assert ids(second) == [2]


def test_many_steps_are_sent_without_a_pause_between_their_messages(queue: SendQueue) -> None:
    for number in range(250):
        queue.add_step("job-1", 1, a_step(number + 1))
    sizes = []
    for _ in range(3):
        (message,) = sent(queue)
        sizes.append(len(ids(message)))
        acknowledge(queue, message)
    assert sizes == [100, 100, 50]


def test_largest_message_fits_into_the_limit(queue: SendQueue) -> None:
    for number in range(100):
        queue.add_step("job-1", 1, a_step(number + 1, name="\N{GRINNING FACE}" * 500))
    (message,) = sent(queue)
    assert len(json.dumps(message, ensure_ascii=False).encode()) < DEFAULT_MESSAGE_BYTES


def test_unanswered_steps_are_sent_again_over_a_new_connection(queue: SendQueue) -> None:
    queue.add_step("job-1", 1, a_step(1))
    (first,) = sent(queue)
    assert not queue.drained
    queue.on_connected(DEFAULT_MESSAGE_BYTES, features=FEATURES)
    assert sent(queue) == [first]
    acknowledge(queue, first)
    assert queue.drained


def test_server_that_does_not_accept_steps_gets_none(queue: SendQueue) -> None:
    queue.add_step("job-1", 1, a_step(1))
    sent(queue)
    queue.add_step("job-1", 1, a_step(2))
    queue.on_connected(DEFAULT_MESSAGE_BYTES)
    queue.add_step("job-1", 1, a_step(3))
    assert sent(queue, NOW + 10) == []
    assert queue.drained


def test_steps_before_the_first_connection_are_kept() -> None:
    queue = SendQueue(lambda: Hello(instance_id="i"), Heartbeat)
    queue.add_step("job-1", 1, a_step(1))
    queue.on_connected(DEFAULT_MESSAGE_BYTES, features=FEATURES)
    (message,) = sent(queue)
    assert ids(message) == [1]


def test_steps_over_a_lower_limit_are_dropped(queue: SendQueue) -> None:
    for number in range(100):
        queue.add_step("job-1", 1, a_step(number + 1, name="x" * 500))
    sent(queue)
    queue.on_connected(10_000, features=FEATURES)
    assert sent(queue, NOW + 10) == []


def test_of_counted_steps_the_greatest_id_is_kept(queue: SendQueue) -> None:
    for number in (1, MAX_STORED_STEPS + 2000, MAX_STORED_STEPS + 3000):
        queue.add_step("job-1", 1, a_step(number))
    (message,) = sent(queue)
    assert ids(message) == [1, MAX_STORED_STEPS + 3000]
