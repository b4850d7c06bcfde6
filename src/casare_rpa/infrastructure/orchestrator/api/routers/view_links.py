"""/api/v1/view-links: addresses that sign browsers in for reading only, for screens on a wall."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import MAX_NAME_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, OpenViewLinks
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.parameters import IdempotencyKey, WholeNumber

DEFAULT_DAYS, MAX_DAYS = 365, 3650

LinkId = Annotated[str, Path(pattern=ID_PATTERN)]

router = APIRouter(prefix="/api/v1/view-links", tags=["auth"], dependencies=SCHEMES)


class NewLink(BaseModel):
    name: str = Field(
        min_length=1, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN, description="Where the screen is."
    )
    life_days: WholeNumber = Field(DEFAULT_DAYS, ge=1, le=MAX_DAYS, description="Days until the link expires.")


class ViewLinkView(BaseModel):
    """An address that signs browsers in for reading only."""

    link_id: str
    name: str
    created_at: str
    expires_at: str


class NewViewLinkView(ViewLinkView):
    """`code` is shown only once. The address of the link is `/#link=CODE` of the dashboard."""

    code: str


class ViewLinkList(BaseModel):
    items: list[ViewLinkView]


@router.post("", status_code=201, responses=responses(401, 403, 409, 413, 422, 503))
async def create_view_link(
    body: NewLink, links: OpenViewLinks, principal: Admin, idempotency_key: IdempotencyKey = None
) -> NewViewLinkView:
    """Create an address that signs browsers in for reading only, until it is revoked. 409 above 100 links.

    Repeated with its Idempotency-Key within a day, the request creates no second link.
    """
    link, code = await links.create_link(principal, body.name, body.life_days, idempotency_key)
    return NewViewLinkView(**_link_view(link).model_dump(), code=code)


@router.get("", responses=responses(401, 403, 503))
async def list_view_links(links: OpenViewLinks, principal: Admin) -> ViewLinkList:
    """The view links that are neither revoked nor expired, newest first, without their codes."""
    return ViewLinkList(items=[_link_view(link) for link in await links.open_links(principal)])


@router.delete("/{link_id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
async def revoke_view_link(link_id: LinkId, links: OpenViewLinks, principal: Admin) -> None:
    """Revoke a view link: its tokens and tickets become invalid, and the connections of its screens are closed."""
    await links.revoke_link(principal, link_id)


def _link_view(link: LoginSession) -> ViewLinkView:
    return ViewLinkView(
        link_id=link.login_id,
        name=link.username,
        created_at=rfc3339(link.signed_in_at),
        expires_at=rfc3339(link.expires_at),
    )
