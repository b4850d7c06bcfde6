"""Statements on the steps of jobs. Portable."""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.steps import RunStep, StepPage
from casare_rpa.domain.vocabulary import StepStatus
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_TOTAL = Statement("SELECT total, revision FROM job_step_totals WHERE job_id = :job_id AND attempt = :attempt")
_STEPS = Statement(
    "SELECT step_id, parent, name, kind, status, started_at, ended_at FROM job_steps "
    "WHERE job_id = :job_id AND attempt = :attempt AND revision > :after ORDER BY step_id"
)


def of_attempt(connection: SqlConnection, job_id: str, attempt: int, after_revision: int) -> StepPage:
    """The steps that changed after a revision, by id."""
    total, revision = _TOTAL.run(connection, job_id=job_id, attempt=attempt).fetchone() or (0, 0)
    found = _STEPS.run(connection, job_id=job_id, attempt=attempt, after=after_revision)
    steps = [
        RunStep(row[0], row[1], row[2], row[3], StepStatus(row[4]), Instant(row[5]), row[6] and Instant(row[6]))
        for row in found
    ]
    return StepPage(steps, total, revision)
