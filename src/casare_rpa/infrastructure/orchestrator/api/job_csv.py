"""Jobs as CSV (RFC 4180), for spreadsheets."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from casare_rpa.domain.failures import sentence
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.printable import one_line
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader

PAGE = 500
COLUMNS = (
    "job_id", "workflow_id", "status", "reason", "message", "robot_id", "queue", "priority", "tags", "attempt",
    "created_at", "started_at", "finished_at", "duration_seconds", "retry_of", "tenant_id",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@")
"""The first characters of a formula in a spreadsheet. A cell with a text of a robot must not be computed."""


async def csv_of_jobs(store: JobReader, wanted: JobFilter, order: JobOrder) -> AsyncIterator[str]:
    """The lines of the file: the column names and the first page together, then page by page."""
    text = _lines([COLUMNS])
    after: tuple[Instant, str] | None = None
    while True:
        jobs = await store.jobs(wanted, PAGE, after, order)
        yield text + _lines([_cells(job) for job in jobs])
        if len(jobs) < PAGE:
            return
        text, after = "", order.position(jobs[-1])


async def in_turns(
    first: str, rest: AsyncIterator[str], turn: Callable[[], AbstractAsyncContextManager[None]]
) -> AsyncIterator[str]:
    """The pages of a file. Each page after the first is a search that waits for its turn, as any other search does."""
    text: str | None = first
    while text is not None:
        yield text  # outside of the turn: a client that does not read must not keep it
        async with turn():
            text = await anext(rest, None)


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(job: Job) -> list[object]:
    took = None
    if job.started_at is not None and job.finished_at is not None:
        took = (job.finished_at - job.started_at) / MICROSECONDS_PER_SECOND
    said = sentence(job) if job.status is JobStatus.FAILED else job.message
    return [
        job.job_id,
        _text(job.workflow_id),
        job.status.value,
        job.reason.value if job.reason is not None else None,
        _text(said),
        _text(job.visible_robot_id),
        _text(job.queue),
        job.priority,
        _text(" ".join(job.tags)),
        job.attempt,
        _time(job.submitted_at),
        _time(job.started_at),
        _time(job.finished_at),
        took,
        job.retry_of,
        _text(job.tenant_id),
    ]


def _time(at: Instant | None) -> str | None:
    return rfc3339(at) if at is not None else None


def _text(text: str | None) -> str | None:
    """The text on one line, in a form that a spreadsheet does not read as a formula."""
    if text is None:
        return None
    line = one_line(text)
    return f"'{line}" if line.startswith(FORMULA) else line
