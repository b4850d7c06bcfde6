"""The newest word on each job."""

import json
from typing import Any

from casare_rpa.domain.protocol import JobReport, ReportStatus
from casare_rpa.infrastructure.orchestrator.communication.robot.messages import job_report
from casare_rpa.infrastructure.orchestrator.communication.robot.progress import MIN_INTERVAL_SECONDS, ProgressReports


def report(job_id: str = "job-1", attempt: int = 1, **more: Any) -> JobReport:
    return job_report(job_id, ReportStatus.RUNNING, attempt, **more)


def take(progress: ProgressReports, now: float) -> dict[str, Any] | None:
    frame = progress.take(now)
    return None if frame is None else json.loads(frame)


def test_only_the_newest_is_sent() -> None:
    progress = ProgressReports()
    for percent in (1, 2, 3):
        progress.tell(report(progress=percent, message="step" if percent == 1 else None))
    sent = take(progress, 0.0)
    assert sent is not None
    assert (sent["payload"]["progress"], sent["payload"]["message"]) == (3, "step")
    assert take(progress, 0.0) is None
    assert progress.due_at() is None


def test_next_waits_for_the_answer_and_the_interval() -> None:
    progress = ProgressReports()
    progress.tell(report(progress=1))
    sent = take(progress, 10.0)
    assert sent is not None
    progress.tell(report(progress=2))
    assert progress.due_at() is None
    assert progress.answered(sent["id"]) == "job-1"
    assert progress.answered(sent["id"]) is None
    assert progress.due_at() == 10.0 + MIN_INTERVAL_SECONDS
    assert take(progress, 10.0) is None
    assert take(progress, 10.0 + MIN_INTERVAL_SECONDS) is not None


def test_jobs_do_not_wait_for_each_other() -> None:
    progress = ProgressReports()
    progress.tell(report("job-1"))
    progress.tell(report("job-2"))
    assert [sent["payload"]["job_id"] for sent in (take(progress, 0.0), take(progress, 0.0)) if sent] == [
        "job-1",
        "job-2",
    ]


def test_new_attempt_begins_anew() -> None:
    progress = ProgressReports()
    progress.tell(report(attempt=1, progress=90))
    progress.tell(report(attempt=2))
    sent = take(progress, 0.0)
    assert sent is not None
    assert sent["payload"]["attempt"] == 2
    assert "progress" not in sent["payload"]


def test_last_word_is_said_again_on_a_new_connection() -> None:
    progress = ProgressReports()
    progress.tell(report(progress=5))
    first = take(progress, 0.0)
    progress.reconnected()
    again = take(progress, 0.0)
    assert first is not None
    assert again is not None
    assert again["payload"] == first["payload"]
    assert progress.answered(first["id"]) is None


def test_forgotten_job_is_not_mentioned() -> None:
    progress = ProgressReports()
    progress.tell(report())
    sent = take(progress, 0.0)
    assert sent is not None
    progress.forget("job-1")
    progress.forget("job-1")
    progress.again("job-1", 0.0)
    progress.reconnected()
    assert progress.answered(sent["id"]) is None
    assert take(progress, 0.0) is None
