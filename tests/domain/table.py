"""Jobs in each phase of the table, and short names for events."""

from typing import Any

from msgspec.structs import replace

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Event, Offered, Refusal, Report, Step
from casare_rpa.domain.job_table import advance
from casare_rpa.domain.vocabulary import ReportStatus

START = Instant(1_766_413_800 * MICROSECONDS_PER_SECOND)
ROBOT, SESSION = "robot-1", "ses-1"


def at(seconds: float) -> Instant:
    return Instant(START + round(seconds * MICROSECONDS_PER_SECOND))


def report(status: str, attempt: int | None = 1, robot: str = ROBOT, session: str = SESSION, **more: Any) -> Report:
    return Report(robot, session, attempt, ReportStatus(status), **more)


def pending(**wishes: Any) -> Job:
    return Job(**{"job_id": "job-1", "tenant_id": "default", "workflow_id": "w", "submitted_at": START, **wishes})


def offered(claim_ack: bool = False, **wishes: Any) -> Job:
    return step(pending(**wishes), Offered(ROBOT, SESSION, claim_ack), 0).job


def claimed(**wishes: Any) -> Job:
    return step(offered(**wishes), report("claimed"), 1).job


def running(**wishes: Any) -> Job:
    return step(claimed(**wishes), report("running"), 2).job


def completed(**wishes: Any) -> Job:
    return step(running(**wishes), report("completed"), 3).job


def failed(**wishes: Any) -> Job:
    return step(running(**wishes), report("failed"), 3).job


def lost(**wishes: Any) -> Job:
    from casare_rpa.domain.job_events import LeaseOver

    return step(running(**wishes), LeaseOver(), 100).job


def step(job: Job, event: Event, seconds: float) -> Step:
    """The change that the table returns; fails for a refusal."""
    answer = advance(job, event, at(seconds))
    assert isinstance(answer, Step), answer
    return answer


def refusal(job: Job, event: Event, seconds: float = 10) -> Refusal:
    """The refusal that the table returns; fails for a change."""
    answer = advance(job, event, at(seconds))
    assert isinstance(answer, Refusal), answer
    return answer


def with_attempt(job: Job, attempt: int) -> Job:
    return replace(job, attempt=attempt)
