"""Checks for every HTTP request (host, credential before the body, size of the body) and headers of every response."""

import re

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casare_rpa.domain.errors import AuthError, CasareError
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.api.dependencies import authenticated
from casare_rpa.infrastructure.orchestrator.api.error_responses import casare_error, error_answer, unexpected
from casare_rpa.infrastructure.orchestrator.auth.client_address import client_address
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import check_host
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.job_commands import new_request_id

MAX_BODY_BYTES = 1024 * 1024
UNAUTHENTICATED_BODIES = {
    "/api/v1/auth/login": 16 * 1024,
    "/api/v1/auth/refresh": 16 * 1024,
    "/api/v1/auth/link": 16 * 1024,
}
"""The paths below /api that take a body without a credential, and its largest size."""


_REQUEST_ID = re.compile(rf"(?:{ID_PATTERN})\Z")


def _request_id_of(scope: Scope) -> str:
    """The request's own `X-Request-ID` when it has the form of an id, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            return text if _REQUEST_ID.match(text) else new_request_id()
    return new_request_id()


class HttpGuard:
    """ASGI middleware in front of the routes. WebSockets pass unchanged; the handshake has its own limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        plane: ControlPlane = scope["app"].state.control_plane
        try:
            check_host(scope, plane.settings.host_names)
        except AuthError as refused:
            plane.refused_addresses.warn(refused, client_address(scope))
            await error_answer(Request(scope), 421, ErrorCode.INVALID_MESSAGE, str(refused))(scope, receive, send)
            return
        request_id = _request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        seen, most = 0, UNAUTHENTICATED_BODIES.get(scope["path"], MAX_BODY_BYTES)

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                # The rest is not read: the connection is closed while the client may still send.
                raise HTTPException(413, f"body: over {most} bytes", {"Connection": "close"})
            return message

        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers["X-Request-ID"] = request_id
            await send(message)

        try:
            refusal = await _refusal_before_body(scope, plane)
            if refusal is None:
                await self._app(scope, bounded, with_headers)
            else:
                await refusal(scope, receive, with_headers)
        except Exception as error:  # the edge of a request; the framework would log the error a second time
            if started:
                raise
            await unexpected(Request(scope), error)(scope, receive, with_headers)


async def _refusal_before_body(scope: Scope, plane: ControlPlane) -> Response | None:
    """The response to a body without a valid credential or with compression; None when the request continues.

    The framework parses a body before it calls the dependencies of a route, one of which is the credential.
    """
    has_body = any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
    if not has_body or not scope["path"].startswith("/api/"):
        return None
    request = Request(scope)
    if scope["path"] not in UNAUTHENTICATED_BODIES:
        try:
            scope["state"]["principal"] = await authenticated(request, plane)
        except CasareError as error:
            return await casare_error(request, error)
    # Without this check, the error would be about the JSON. Small compressed bodies can also become very large.
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        sentence = "body: send it uncompressed, without Content-Encoding"
        return error_answer(request, 422, ErrorCode.INVALID_MESSAGE, sentence)
    return None
