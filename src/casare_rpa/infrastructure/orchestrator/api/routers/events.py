"""/api/v1/events: every change of jobs in order, for programs."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from casare_rpa.domain.errors import NotFound, StoreUnavailable
from casare_rpa.infrastructure.orchestrator.api.change_stream import HEADERS, PAGE, ChangeStream, wants_stream
from casare_rpa.infrastructure.orchestrator.api.change_views import ChangeList, change_list
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    AdminReading,
    ChangeStreaming,
    Reader,
    seen_tenant,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.parameters import MAX_CURSOR_LENGTH, Limit, WantedId

router = APIRouter(prefix="/api/v1/events", tags=["events"], dependencies=SCHEMES)

SincePosition = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_LENGTH, description="A position, `oldest` or `now`. Default: `oldest`."),
]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=MAX_CURSOR_LENGTH, description="Of a stream; replaces `since`."),
]


@router.get(
    "",
    response_model=ChangeList,
    responses={200: {"content": {"text/event-stream": {}}}, **responses(401, 403, 404, 410, 422, 429, 503)},
)
async def list_events(
    request: Request,
    parts: ChangeStreaming,
    admin_store: AdminReading,
    principal: Reader,
    since: SincePosition = None,
    tenant_id: WantedId = None,
    limit: Limit = 100,
    last_event_id: LastEventId = None,
) -> Response:
    """Changes of jobs after a position, each once and in order; with `Accept: text/event-stream` as they happen.

    410: changes after the position are no longer stored. The error has `oldest`, the first position that is valid.
    """
    seen = seen_tenant(principal, tenant_id)
    if tenant_id is not None and await admin_store.tenant(tenant_id) is None:
        raise NotFound(f"there is no tenant {tenant_id!r}", field="tenant_id")
    if not wants_stream(request):
        page = await parts.change_feed.page(seen, since, limit)
        return JSONResponse(change_list(page).model_dump(mode="json"), headers={"Vary": HEADERS["Vary"]})
    if parts.change_feed.closed:
        raise StoreUnavailable("the server is stopping; connect again")
    return ChangeStream(parts, principal, await parts.change_feed.page(seen, last_event_id or since, PAGE))
