"""/api/v1/audit: the audit trail."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import from_datetime, rfc3339
from casare_rpa.domain.limits import MAX_ID_LENGTH
from casare_rpa.domain.permissions import require_all_tenants
from casare_rpa.infrastructure.orchestrator.api.cursors import number_position
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, AdminReading, Reader
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.parameters import Cursor, From, Limit, To

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=SCHEMES)

MAX_ACTIONS = 16
MAX_ACTION_LENGTH = 64

Word = Annotated[str, Query(min_length=1, max_length=MAX_ACTION_LENGTH, pattern=r"^[a-z_]+$")]


class AuditView(BaseModel):
    """`target` is the job, robot, queue or tenant. `note` is the reason, or the id of the created object."""

    audit_id: int
    at: str
    by: str
    action: str
    target: str
    note: str


class AuditList(BaseModel):
    items: list[AuditView]
    next_cursor: str | None


@router.get("", responses=responses(401, 403, 422, 503))
async def list_audit(
    admin_store: AdminReading,
    principal: Reader,
    target: Annotated[str | None, Query(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)] = None,
    action: Annotated[list[Word] | None, Query(max_length=MAX_ACTIONS)] = None,
    since: From = None,
    until: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditList:
    """Audit entries, newest first: all, or those of one target, of some actions, or from `from` and before `to`."""
    require_all_tenants(principal, "audit entries")
    before = number_position(cursor) if cursor is not None else None
    begin, end = (None if one is None else from_datetime(one) for one in (since, until))
    entries = await admin_store.audit(target, action or (), limit + 1, before, begin, end)
    items = [
        AuditView(audit_id=e.audit_id, at=rfc3339(e.at), by=e.by, action=e.action, target=e.target, note=e.note)
        for e in entries[:limit]
    ]
    more = len(entries) > limit
    return AuditList(items=items, next_cursor=str(items[-1].audit_id) if more else None)
