"""Checks for every HTTP request (host, size of the body) and headers of every response (caching, request id)."""

import re

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import check_host
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.job_commands import new_request_id

MAX_BODY_BYTES = 1024 * 1024
BODY_TOO_LARGE = f"body: over {MAX_BODY_BYTES} bytes"


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
            error = protocol.Error(
                code=ErrorCode.INVALID_MESSAGE, message=str(refused), timestamp=rfc3339(plane.clock.now())
            )
            refusal = Response(codec.encode(error), 421, {"Cache-Control": "no-store"}, "application/json")
            await refusal(scope, receive, send)
            return
        request_id = _request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                # The rest is not read: the connection is closed while the client may still send.
                raise HTTPException(413, BODY_TOO_LARGE, {"Connection": "close"})
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers["X-Request-ID"] = request_id
            await send(message)

        await self._app(scope, bounded, with_headers)
