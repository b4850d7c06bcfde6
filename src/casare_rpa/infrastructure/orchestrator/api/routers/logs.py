"""/api/v1/logs: the search in the log lines of all robots."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from casare_rpa.domain.errors import NotFound, ProtocolError
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import from_datetime, rfc3339
from casare_rpa.domain.limits import ACCEPTED_TEXTS
from casare_rpa.domain.logs import Level, LogFilter, LogPage, LogPosition
from casare_rpa.infrastructure.orchestrator.api.cursors import cursor_of, line_position
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, JobReading, LogReading, Reader, seen_tenant
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import FoundLogs, log_view
from casare_rpa.infrastructure.orchestrator.api.parameters import Cursor, From, Limit, To, WantedId
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore

router = APIRouter(prefix="/api/v1/logs", tags=["logs"], dependencies=SCHEMES)

MAX_TEXT = 200
Order = Literal["asc", "desc"]


@router.get("", responses=responses(401, 403, 404, 422, 429, 503))
async def search_logs(
    job_store: JobReading,
    log_store: LogReading,
    principal: Reader,
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
    order: Order = "desc",
    around: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> FoundLogs:
    """Log lines, newest first or (`asc`) oldest first. They arrived at or after `from` and before `to`.

    `around` is the `log_id` of a line: half of the page is older than it, the rest begins with it. `next_cursor` then
    continues in `order`, and `previous_cursor` in the other order.

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
    ascending = order == "asc"
    if around is None:
        page = await search(
            partial(log_store.search_logs, oldest_first=ascending), wanted, limit, line_position(cursor)
        )
        return _found(page)
    if cursor is not None:
        raise ProtocolError("cannot be combined with 'around'; continue with 'cursor' alone", field="cursor")
    place = await _place(log_store, around, seen)
    older = LogPage([], place, None)
    if limit > 1:
        older = await search(log_store.search_logs, wanted, limit // 2, place)
    # The line itself, and newer ones.
    start = place._replace(log_id=place.log_id - 1)
    newer = await search(partial(log_store.search_logs, oldest_first=True), wanted, limit - limit // 2, start)
    return _joined(older, newer) if ascending else _joined(newer, older)


async def _place(log_store: LogStore, log_id: int, seen: str | None) -> LogPosition:
    """The position of a stored line that the caller may see. Raises NotFound."""
    for stored in await log_store.log_lines([log_id]):
        if seen in (None, stored.line.tenant_id):
            return LogPosition(stored.line.received_at, log_id)
    raise NotFound(f"there is no log line {log_id}; it may have been deleted because of its age", field="around")


def _joined(before: LogPage, after: LogPage) -> FoundLogs:
    """One page of two that were read from the same position in both orders."""
    lines = [*reversed(before.lines), *after.lines]
    return _found(LogPage(lines, after.after, after.scanned_to), _cursor(before.after))


def _found(page: LogPage, previous_cursor: str | None = None) -> FoundLogs:
    return FoundLogs(
        items=[log_view(stored) for stored in page.lines],
        next_cursor=_cursor(page.after),
        scanned_to=rfc3339(page.scanned_to) if page.scanned_to is not None else None,
        previous_cursor=previous_cursor,
    )


def _cursor(position: LogPosition | None) -> str | None:
    return cursor_of(*position) if position is not None else None
