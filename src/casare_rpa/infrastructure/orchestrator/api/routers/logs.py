"""/api/v1/logs: the search in the log lines of all robots."""

from typing import Annotated

from fastapi import APIRouter, Query

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import from_datetime, rfc3339
from casare_rpa.domain.limits import ACCEPTED_TEXTS
from casare_rpa.domain.logs import Level, LogFilter
from casare_rpa.infrastructure.orchestrator.api.cursors import cursor_of, line_position
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, JobReading, LogReading, seen_tenant
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import FoundLogs, log_view
from casare_rpa.infrastructure.orchestrator.api.parameters import Cursor, From, Limit, To, WantedId
from casare_rpa.infrastructure.orchestrator.api.searches import Searching

router = APIRouter(prefix="/api/v1/logs", tags=["logs"], dependencies=SCHEMES)

MAX_TEXT = 200


@router.get("", responses=responses(401, 403, 422, 429, 503))
async def search_logs(
    job_store: JobReading,
    log_store: LogReading,
    principal: Admin,
    search: Searching,
    robot_id: WantedId = None,
    job_id: WantedId = None,
    tenant_id: WantedId = None,
    node_id: Annotated[
        str | None, Query(min_length=1, max_length=ACCEPTED_TEXTS.node_id, pattern=PLAIN_TEXT_PATTERN)
    ] = None,
    min_level: Level = Level.DEBUG,
    q: Annotated[str | None, Query(min_length=1, max_length=MAX_TEXT, pattern=r"^[^\x00]*$")] = None,
    since: From = None,
    until: To = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> FoundLogs:
    """Log lines, newest first. They arrived at or after `from` and before `to`.

    `q` is a part of the message, in upper or lower case. One request reads at most 20,000 lines, for at most 2 seconds.
    If there are more, `scanned_to` is the time of the last one read, and `next_cursor` continues from there; it is null
    at the end. Two searches of a principal run at a time.
    """
    seen = seen_tenant(principal, tenant_id)
    job = await job_store.job(job_id) if job_id is not None else None
    wanted = LogFilter(
        tenant_id=seen,
        robot_id=robot_id,
        job_id=job_id,
        min_level=min_level,
        text=q,
        since=from_datetime(since) if since is not None else None,
        until=from_datetime(until) if until is not None else None,
        node_id=node_id,
        # A robot can put the id of any job on its lines. Lines of a job that is not stored have no robots to compare.
        robots=None if job is None else tuple({*job.former_robots, *([job.robot_id] if job.robot_id else [])}),
    )
    if job is not None and seen not in (None, job.tenant_id):
        return FoundLogs(items=[], next_cursor=None, scanned_to=None)
    page = await search(log_store.search_logs, wanted, limit, line_position(cursor))
    return FoundLogs(
        items=[log_view(stored) for stored in page.lines],
        next_cursor=cursor_of(*page.after) if page.after is not None else None,
        scanned_to=rfc3339(page.scanned_to) if page.scanned_to is not None else None,
    )
