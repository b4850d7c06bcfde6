"""/api/v1/auth: sign-in, refresh of tokens, sign-out; /api/v1/sessions: the open login sessions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from casare_rpa.domain.credentials import LoginSession, Role
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH, MAX_TOKEN_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, OpenLogins, Reader
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.auth.client_address import client_address
from casare_rpa.infrastructure.orchestrator.auth.logins import IssuedToken, SignIn
from casare_rpa.infrastructure.orchestrator.auth.session_cookie import cookie_of, remove_cookie, set_cookie

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
sessions = APIRouter(prefix="/api/v1/sessions", tags=["auth"], dependencies=SCHEMES)

SessionId = Annotated[str, Path(pattern=ID_PATTERN)]


class Login(BaseModel):
    username: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    password: str = Field(min_length=1, max_length=MAX_PASSWORD_LENGTH)


class Refresh(BaseModel):
    token: str = Field(min_length=1, max_length=MAX_TOKEN_LENGTH)


class Token(BaseModel):
    """`expires_in` is in seconds. `username` is the user of the session, or the name of the view link."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a scheme
    expires_in: int
    username: str
    role: Literal["admin", "viewer"]


class LinkCode(BaseModel):
    code: str
    expires_at: str


class LinkUse(BaseModel):
    code: str = Field(min_length=1, max_length=MAX_TOKEN_LENGTH)


class LoginSessionView(BaseModel):
    """A sign-in that has not ended. `address` is the network address that it came from."""

    session_id: str
    username: str
    tenant_id: str | None
    address: str
    signed_in_at: str
    expires_at: str


class LoginSessionList(BaseModel):
    items: list[LoginSessionView]


@router.post("/login", responses=responses(401, 413, 422, 429, 503))
async def login(body: Login, logins: OpenLogins, request: Request, response: Response) -> Token:
    """Exchange a password for a token and a cookie. Attempts from one address are checked one at a time."""
    address = client_address(request.scope)
    signed_in = await logins.sign_in(body.username, body.password, address, request.is_disconnected)
    return _signed_in(signed_in, request, response)


@router.post("/links", status_code=201, responses=responses(401, 403, 429, 503), dependencies=SCHEMES)
async def create_link(logins: OpenLogins, principal: Admin) -> LinkCode:
    """Create a code that signs in once within ten minutes, for the address `/#link=CODE` of the dashboard.

    Needs the admin secret; a token is not sufficient.
    """
    code, expires_at = await logins.issue_link(principal)
    return LinkCode(code=code, expires_at=rfc3339(expires_at))


@router.post("/link", responses=responses(401, 413, 422, 503))
async def use_link(body: LinkUse, logins: OpenLogins, request: Request, response: Response) -> Token:
    """Exchange the code of a sign-in link, which becomes invalid, or of a view link for a token and a cookie."""
    return _signed_in(await logins.sign_in_by_link(body.code, client_address(request.scope)), request, response)


@router.post("/session", responses=responses(401, 403, 503))
async def resume(logins: OpenLogins, request: Request) -> Token:
    """Exchange the cookie of a session for a fresh token. Only pages of this server may do so."""
    return _shown(await logins.resume(cookie_of(request)))


@router.post("/refresh", responses=responses(401, 413, 422, 503))
async def refresh(body: Refresh, logins: OpenLogins) -> Token:
    """Exchange a valid token for a fresh one; a session ends after CASARE_SESSION_MAX_SECONDS."""
    return _shown(await logins.refresh(body.token))


@router.post("/logout", status_code=204, responses=responses(401, 403, 409, 503), dependencies=SCHEMES)
async def logout(logins: OpenLogins, principal: Reader, request: Request, response: Response) -> None:
    """End the session of the token: its tokens and tickets become invalid, and its connections are closed."""
    await logins.sign_out(principal)
    remove_cookie(request, response)


@sessions.get("", responses=responses(401, 403, 503))
async def list_sessions(logins: OpenLogins, principal: Admin) -> LoginSessionList:
    """The sessions that are open, newest first."""
    return LoginSessionList(items=[_view(login) for login in await logins.open_sessions(principal)])


@sessions.delete("/{session_id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
async def end_session(session_id: SessionId, logins: OpenLogins, principal: Admin) -> None:
    """End a session: its tokens and tickets become invalid, and its connections are closed."""
    await logins.end_session(principal, session_id)


def _signed_in(signed_in: SignIn, request: Request, response: Response) -> Token:
    set_cookie(request, response, signed_in.cookie, signed_in.cookie_seconds)
    return _shown(signed_in.token)


def _shown(token: IssuedToken) -> Token:
    return Token(
        access_token=token.text,
        expires_in=token.expires_in,
        username=token.username,
        role="viewer" if token.role is Role.VIEWER else "admin",
    )


def _view(login: LoginSession) -> LoginSessionView:
    return LoginSessionView(
        session_id=login.login_id,
        username=login.username,
        tenant_id=login.tenant_id,
        address=login.address,
        signed_in_at=rfc3339(login.signed_in_at),
        expires_at=rfc3339(login.expires_at),
    )
