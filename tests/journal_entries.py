"""Entries of a robot's journal."""

from datetime import UTC, datetime

from casare_rpa.domain.protocol import JobError, JobReport, RobotLog
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.robot.journal import Journal

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def end(job_id: str, attempt: int = 1, status: ReportStatus = ReportStatus.COMPLETED) -> JobReport:
    error = JobError(type="error", message="no") if status is ReportStatus.FAILED else None
    return JobReport(job_id=job_id, attempt=attempt, status=status, timestamp=NOW, error=error)


def line(text: str, level: str = "INFO") -> RobotLog:
    return RobotLog(robot_id="r", level=level, message=text, timestamp=NOW)


def messages(journal: Journal) -> list[str]:
    return [entry.message for entry in journal.lines_after(0, 1000)]
