"""/api/v1/auth: login, and refresh of session tokens."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from casare_rpa.infrastructure.orchestrator.api.dependencies import Plane
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Login(BaseModel):
    username: str = Field(min_length=1, max_length=256)
    password: str = Field(min_length=1, max_length=1024)


class Refresh(BaseModel):
    token: str = Field(min_length=1, max_length=4096)


class Token(BaseModel):
    """`expires_in` is in seconds."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a scheme
    expires_in: int


@router.post("/login", responses=responses(401, 413, 422, 429))
async def login(body: Login, plane: Plane, request: Request) -> Token:
    """Exchange a password for a session token. Too many attempts are refused with 429."""
    address = request.client.host if request.client else ""
    token, expires_in = plane.authenticator.login(body.username, body.password, address)
    return Token(access_token=token, expires_in=expires_in)


@router.post("/refresh", responses=responses(401, 413, 422))
async def refresh(body: Refresh, plane: Plane) -> Token:
    """Exchange a valid token for a fresh one; a session lasts at most 12 hours after its login."""
    token, expires_in = plane.authenticator.tokens.refresh(body.token)
    return Token(access_token=token, expires_in=expires_in)
