"""POST /api/v1/ws-tickets: tickets with which a page opens a WebSocket."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field

from casare_rpa.domain.instants import rfc3339
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, OpenTickets, Reader
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.auth.tickets import ENDPOINT_PATTERN

router = APIRouter(prefix="/api/v1/ws-tickets", tags=["auth"], dependencies=SCHEMES)


def _decoded(path: object) -> object:
    """A path without percent-encoding, as the server sees the path of a connection."""
    return unquote(path) if isinstance(path, str) else path


class WantedTicket(BaseModel):
    endpoint: Annotated[str, BeforeValidator(_decoded)] = Field(
        pattern=ENDPOINT_PATTERN,
        description="The path of the WebSocket, such as `/ws/admin`. It may be percent-encoded.",
    )


class Ticket(BaseModel):
    """Valid for one connection, in the query parameter `api_secret` or `token`."""

    ticket: str
    expires_at: str


@router.post("", status_code=201, responses=responses(401, 403, 413, 422, 429, 503))
async def create_ticket(body: WantedTicket, tickets: OpenTickets, principal: Reader) -> Ticket:
    """Create a ticket for one connection to one endpoint within 30 seconds."""
    ticket, expires_at = await tickets.issue(body.endpoint, principal)
    return Ticket(ticket=ticket, expires_at=rfc3339(expires_at))
