"""Messages kept until they are answered, and the newest progress of each job."""

import json
from typing import Any

from casare_rpa.domain.protocol import JobReport, Pong
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.infrastructure.orchestrator.communication.robot.messages import job_report
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import (
    MIN_PROGRESS_INTERVAL_SECONDS,
    MessageKind,
    PendingMessage,
    ProgressBuffer,
    RetransmitBuffer,
)


def ids(kept: list[PendingMessage | None]) -> list[int]:
    return [one.message_id for one in kept if one is not None]


def test_message_carries_its_id() -> None:
    kept = RetransmitBuffer().add(MessageKind.END, Pong())
    assert json.loads(kept.frame) == {"type": "pong", "id": kept.message_id, "payload": {}}


def test_message_is_sent_once_a_connection() -> None:
    buffer = RetransmitBuffer()
    first, second = buffer.add(MessageKind.END, Pong()), buffer.add(MessageKind.END, Pong())
    assert [buffer.take_due(MessageKind.END, 0.0) for _ in range(3)] == [first, second, None]
    assert buffer.due_at(MessageKind.END) is None
    assert buffer.count(MessageKind.END) == 2
    third = buffer.add(MessageKind.END, Pong())
    buffer.requeue_all()
    assert [buffer.take_due(MessageKind.END, 0.0) for _ in range(4)] == [first, second, third, None]


def test_answered_message_is_removed() -> None:
    buffer = RetransmitBuffer()
    kept = buffer.add(MessageKind.LOG, Pong())
    assert buffer.get(kept.message_id) is kept
    buffer.remove(kept)
    buffer.remove(kept)
    buffer.resend(kept)
    buffer.requeue_all()
    assert buffer.get(kept.message_id) is None
    assert buffer.take_due(MessageKind.LOG, 0.0) is None
    assert buffer.count(MessageKind.LOG) == 0
    assert buffer.all_pending() == []


def test_unknown_ids_match_no_message() -> None:
    buffer = RetransmitBuffer()
    buffer.add(MessageKind.LOG, Pong())
    assert [buffer.get(foreign) for foreign in (99, "1", None)] == [None, None, None]


def test_postponed_message_waits_until_its_time_or_the_next_connection() -> None:
    buffer = RetransmitBuffer()
    kept = buffer.add(MessageKind.CLAIM, Pong())
    buffer.take_due(MessageKind.CLAIM, 0.0)
    buffer.resend(kept, not_before=5.0)
    assert buffer.due_at(MessageKind.CLAIM) == 5.0
    assert buffer.take_due(MessageKind.CLAIM, 4.9) is None
    assert buffer.take_due(MessageKind.CLAIM, 5.0) is kept
    assert kept.tries == 2
    buffer.resend(kept, not_before=9.0)
    buffer.requeue_all()
    assert buffer.take_due(MessageKind.CLAIM, 5.0) is kept


def test_kinds_do_not_wait_for_each_other() -> None:
    buffer = RetransmitBuffer()
    log, end = buffer.add(MessageKind.LOG, Pong()), buffer.add(MessageKind.END, Pong())
    assert buffer.take_due(MessageKind.END, 0.0) is end
    assert ids([buffer.take_due(MessageKind.LOG, 0.0)]) == [log.message_id]
    assert list(buffer.pending(MessageKind.LOG)) == [log]


# Progress


def report(job_id: str = "job-1", attempt: int = 1, **more: Any) -> JobReport:
    return job_report(job_id, ReportStatus.RUNNING, attempt, **more)


def take(progress: ProgressBuffer, now: float) -> dict[str, Any] | None:
    frame = progress.take_frame(now)
    return None if frame is None else json.loads(frame)


def test_only_the_newest_is_sent() -> None:
    progress = ProgressBuffer()
    for percent in (1, 2, 3):
        progress.update(report(progress=percent, message="step" if percent == 1 else None))
    sent = take(progress, 0.0)
    assert sent is not None
    assert (sent["payload"]["progress"], sent["payload"]["message"]) == (3, "step")
    assert take(progress, 0.0) is None
    assert progress.due_at() is None


def test_next_waits_for_the_answer_and_the_interval() -> None:
    progress = ProgressBuffer()
    progress.update(report(progress=1))
    sent = take(progress, 10.0)
    assert sent is not None
    progress.update(report(progress=2))
    assert progress.due_at() is None
    assert progress.acknowledge(sent["id"]) == "job-1"
    assert progress.acknowledge(sent["id"]) is None
    assert progress.due_at() == 10.0 + MIN_PROGRESS_INTERVAL_SECONDS
    assert take(progress, 10.0) is None
    assert take(progress, 10.0 + MIN_PROGRESS_INTERVAL_SECONDS) is not None


def test_jobs_do_not_wait_for_each_other() -> None:
    progress = ProgressBuffer()
    progress.update(report("job-1"))
    progress.update(report("job-2"))
    assert [sent["payload"]["job_id"] for sent in (take(progress, 0.0), take(progress, 0.0)) if sent] == [
        "job-1",
        "job-2",
    ]


def test_new_attempt_starts_without_old_progress() -> None:
    progress = ProgressBuffer()
    progress.update(report(attempt=1, progress=90))
    progress.update(report(attempt=2))
    sent = take(progress, 0.0)
    assert sent is not None
    assert sent["payload"]["attempt"] == 2
    assert "progress" not in sent["payload"]


def test_newest_progress_is_sent_again_on_a_new_connection() -> None:
    progress = ProgressBuffer()
    progress.update(report(progress=5))
    first = take(progress, 0.0)
    progress.requeue_all()
    again = take(progress, 0.0)
    assert first is not None
    assert again is not None
    assert again["payload"] == first["payload"]
    assert progress.acknowledge(first["id"]) is None


def test_removed_job_is_not_reported() -> None:
    progress = ProgressBuffer()
    progress.update(report())
    sent = take(progress, 0.0)
    assert sent is not None
    progress.remove_job("job-1")
    progress.remove_job("job-1")
    progress.resend("job-1", 0.0)
    progress.requeue_all()
    assert progress.acknowledge(sent["id"]) is None
    assert take(progress, 0.0) is None
