"""/api/v1/jobs/{job_id}/comparison: a run beside the last good run of its workflow."""

import asyncio
import json
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from casare_rpa.domain.comparison import StepTime, first_difference, parameter_differences, step_differences
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import NotFound, ProtocolError
from casare_rpa.domain.instants import Instant, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.logs import LogFilter, LogPosition, StoredLine
from casare_rpa.domain.printable import one_line
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.steps import RunStep
from casare_rpa.domain.vocabulary import JobStatus, StepStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, JobReading, LogReading, Reader, StepReading
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import LogView, log_view
from casare_rpa.infrastructure.orchestrator.api.parameters import JobId, Measure
from casare_rpa.infrastructure.orchestrator.api.searches import Searcher, Searching
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], dependencies=SCHEMES)

MOST_PARAMETERS = 100
MOST_STEPS = 50
MOST_LINES = 2_000
MOST_CHARACTERS = 4 * 1024 * 1024
"""The number of characters of a log after which no further lines are read."""
LINES_OF_A_READ = 200
MAX_VALUE_LENGTH = 500
"""The longest value of a parameter in the response, in characters of its JSON."""

OtherJob = Annotated[str | None, Query(alias="with", pattern=ID_PATTERN)]


class ReadLines(NamedTuple):
    """Log lines of a run. `cut`: there are more."""

    lines: list[StoredLine]
    cut: bool


class ComparedRun(BaseModel):
    """The last attempt of a job. `waited_seconds` is the time until its start."""

    job_id: str
    status: JobStatus
    robot_id: str | None
    waited_seconds: Measure | None
    ran_seconds: Measure | None


class ComparedParameter(BaseModel):
    """JSON of a parameter in both runs, up to 500 characters; null for a run without it."""

    path: str
    run: str | None
    other: str | None


class ComparedTime(BaseModel):
    status: StepStatus
    seconds: Measure | None


class ComparedStep(BaseModel):
    """A step by its names from the root on; null for a run without it."""

    path: list[str]
    kind: str
    run: ComparedTime | None
    other: ComparedTime | None


class ComparedLines(BaseModel):
    """The first lines that differ; null for a run whose log ended before. A difference in numbers and ids is none."""

    number: int = Field(description="The number of the line in both logs, from 1.")
    run: LogView | None
    other: LogView | None


class Differences(BaseModel):
    """What differs. `parameters_left_out` and `steps_left_out` count differences that are not shown.

    `lines_cut`: a log has lines that were not read.
    """

    parameters: list[ComparedParameter]
    parameters_left_out: int
    steps: list[ComparedStep]
    steps_left_out: int
    first_line: ComparedLines | None
    lines_compared: int
    lines_cut: bool


class Comparison(BaseModel):
    """A run and the last good run of its workflow; without one, `other` and `differences` are null."""

    run: ComparedRun
    other: ComparedRun | None
    differences: Differences | None


@router.get("/{job_id}/comparison", responses=responses(401, 403, 404, 422, 429, 503))
async def compare_job(
    job_id: JobId,
    job_store: JobReading,
    step_store: StepReading,
    log_store: LogReading,
    principal: Reader,
    search: Searching,
    other_id: OtherJob = None,
) -> Comparison:
    """The differences between a job and the last completed job of its workflow before its end, or the job `with`.

    Compared are the parameters, the steps of the last attempts, and up to 2,000 log lines of each.
    """
    job = await _job(job_store, principal, job_id, "job_id")
    other = await _other(job_store, principal, search, job, other_id)
    if other is None:
        return Comparison(run=_run(job), other=None, differences=None)
    steps = [(await step_store.steps(one.job_id, one.attempt, 0)).steps for one in (job, other)]
    lines = [await _lines(log_store, search, one) for one in (job, other)]
    # In a thread: thousands of steps and lines take a second, in which the event loop serves the robots.
    differences = await asyncio.to_thread(_differences, (job, other), steps, lines)
    return Comparison(run=_run(job), other=_run(other), differences=differences)


def _differences(jobs: tuple[Job, Job], steps: list[list[RunStep]], lines: list[ReadLines]) -> Differences:
    parameters = parameter_differences(*(json.loads(one.parameters) for one in jobs))
    differing = step_differences(*steps)
    mine, theirs = (one.lines for one in lines)
    number = first_difference([one.line for one in mine], [one.line for one in theirs])
    return Differences(
        parameters=[
            ComparedParameter(path=one_line(one.path), run=_short(one.run), other=_short(one.other))
            for one in parameters[:MOST_PARAMETERS]
        ],
        parameters_left_out=max(0, len(parameters) - MOST_PARAMETERS),
        steps=[
            ComparedStep(path=list(one.path), kind=one.kind, run=_time(one.run), other=_time(one.other))
            for one in differing[:MOST_STEPS]
        ],
        steps_left_out=max(0, len(differing) - MOST_STEPS),
        first_line=None
        if number is None
        else ComparedLines(number=number + 1, run=_line(mine, number), other=_line(theirs, number)),
        lines_compared=min(len(mine), len(theirs)),
        lines_cut=any(one.cut for one in lines),
    )


async def _job(job_store: JobReader, principal: Principal, job_id: str, field: str) -> Job:
    job = await job_store.job(job_id)
    if job is None or not principal.sees(job.tenant_id):
        raise NotFound(f"there is no job {job_id!r}", field=field)
    return job


async def _other(
    job_store: JobReader, principal: Principal, search: Searcher, job: Job, other_id: str | None
) -> Job | None:
    """The job to compare with: the named one, or the last completed one that ended before this job did."""
    if other_id is not None:
        other = await _job(job_store, principal, other_id, "with")
        if other.workflow_id != job.workflow_id:
            raise ProtocolError(f"a job of the workflow {job.workflow_id!r} is expected", field="with")
        return other
    wanted = JobFilter(
        tenant_id=job.tenant_id,
        workflow_id=job.workflow_id,
        statuses=(JobStatus.COMPLETED,),
        ended_until=job.finished_at,
    )
    found: list[Job] = await search(job_store.jobs, wanted, 1, None, JobOrder.LAST_ENDED)
    return found[0] if found else None


async def _lines(log_store: LogStore, search: Searcher, job: Job) -> ReadLines:
    """The first lines of the last attempt."""
    wanted = LogFilter(
        tenant_id=job.tenant_id,
        job_id=job.job_id,
        since=job.started_at if job.attempt > 1 else None,
        robots=() if job.robot_id is None else (job.robot_id,),
    )

    async def read(start: LogPosition | None) -> tuple[list[StoredLine], LogPosition | None]:
        page = await log_store.search_logs(wanted, LINES_OF_A_READ, start, oldest_first=True)
        return page.lines, page.after

    lines: list[StoredLine] = []
    place: LogPosition | None = None
    characters = 0
    while len(lines) < MOST_LINES and characters < MOST_CHARACTERS:
        found, place = await search(read, place)
        lines += found
        characters += sum(len(stored.line.message) for stored in found)
        if place is None:
            return ReadLines(lines, cut=False)
    return ReadLines(lines[:MOST_LINES], cut=True)


def _line(lines: list[StoredLine], number: int) -> LogView | None:
    return log_view(lines[number]) if number < len(lines) else None


def _run(job: Job) -> ComparedRun:
    return ComparedRun(
        job_id=job.job_id,
        status=job.status,
        robot_id=job.robot_id,
        waited_seconds=_seconds(job.submitted_at, job.started_at),
        ran_seconds=_seconds(job.started_at, job.finished_at),
    )


def _seconds(begin: Instant | None, end: Instant | None) -> float | None:
    return None if begin is None or end is None else seconds_between(begin, end)


def _time(time: StepTime | None) -> ComparedTime | None:
    return None if time is None else ComparedTime(status=time.status, seconds=time.seconds)


def _short(value: str | None) -> str | None:
    if value is None or len(value) <= MAX_VALUE_LENGTH:
        return value
    return f"{value[: MAX_VALUE_LENGTH - 1]}…"
