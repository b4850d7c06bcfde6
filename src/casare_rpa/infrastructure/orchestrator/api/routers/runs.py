"""/api/v1/runs: the runs of all robots over time."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Reason
from casare_rpa.domain.statistics import RobotRun
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Reader, StatisticsReading
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.long_lists import list_response
from casare_rpa.infrastructure.orchestrator.api.periods import LastHourOfJobs
from casare_rpa.infrastructure.orchestrator.api.searches import Searching

router = APIRouter(prefix="/api/v1/runs", tags=["robots"], dependencies=SCHEMES)

MOST = 5000


class RunView(BaseModel):
    """The last attempt of a job on a robot. `finished_at` is null while the robot runs it."""

    job_id: str
    robot_id: str
    workflow_id: str
    attempt: int
    status: JobStatus
    reason: Reason | None
    started_at: str
    finished_at: str | None


class RunList(BaseModel):
    """Runs between `since` and `until`. With `more`, older runs of the range are left out."""

    since: str
    until: str
    items: list[RunView]
    more: bool


@router.get("", response_model=RunList, responses=responses(401, 403, 422, 429, 503))
async def list_runs(
    statistics_store: StatisticsReading, principal: Reader, search: Searching, period: LastHourOfJobs
) -> Response:
    """The runs of all robots in the last `minutes` or between `from` and `to`: the open ones, then the newest.

    Up to 5,000 of each. A job has one run: its last attempt. Runs that ended more than a day after `to` are left out.
    """
    until = period.until or period.now
    found: list[RobotRun] = await search(statistics_store.runs, principal.tenant_id, period.since, until, MOST + 1)
    open_runs = [run for run in found if run.finished_at is None]
    ended = [run for run in found if run.finished_at is not None]
    return await list_response(
        [*open_runs[:MOST], *ended[:MOST]],
        _view,
        since=rfc3339(period.since),
        until=rfc3339(until),
        more=len(open_runs) > MOST or len(ended) > MOST,
    )


def _view(run: RobotRun) -> RunView:
    return RunView(
        job_id=run.job_id,
        robot_id=run.robot_id,
        workflow_id=run.workflow_id,
        attempt=run.attempt,
        status=run.status,
        reason=run.reason,
        started_at=rfc3339(run.started_at),
        finished_at=None if run.finished_at is None else rfc3339(run.finished_at),
    )
