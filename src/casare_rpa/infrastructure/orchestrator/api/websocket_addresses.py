"""Answers to requests below /ws that open no WebSocket: 404 with the right path, 426 without an upgrade."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.domain.websocket_paths import WEBSOCKET_PATHS
from casare_rpa.infrastructure.orchestrator.api.error_responses import error_answer
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane

NEEDS_UPGRADE = (
    "this is a WebSocket: the request needs Connection: Upgrade and Upgrade: websocket; if the client sends them, a "
    "proxy on the way removes them"
)
MAX_SHOWN_CHARACTERS = 200
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def tidy_path(path: str) -> str:
    """The path without one doubled slash and one at its end: Concatenated addresses often contain them."""
    path = path.replace("//", "/", 1)
    return path.removesuffix("/") or "/"


def wrong_path(path: str, routes: list[WebSocketRoute]) -> str:
    """The sentence for a path at which there is no WebSocket; it names the path that was probably meant."""
    parts = [part for part in path.split("/") if part]
    # A robot id is kept as it is. The other parts have no capitals and no underscores.
    likely = "/" + "/".join([*(part.lower().replace("_", "-") for part in parts[:2]), *parts[2:]])
    for candidate in (likely, likely.lower().replace("_", "-")):
        if len(candidate) <= MAX_SHOWN_CHARACTERS and any(route.path_regex.match(candidate) for route in routes):
            return f"there is no WebSocket at this path; did you mean {candidate}?"
    return f"there is no WebSocket at this path; existing paths: {', '.join(one.path for one in WEBSOCKET_PATHS)}"


async def refuse_handshake(scope: Scope, receive: Receive, send: Send, routes: list[WebSocketRoute]) -> None:
    """Answer a handshake with 404 and the error body of the contract."""
    plane: ControlPlane = scope["app"].state.control_plane
    await receive()  # websocket.connect
    sentence = wrong_path(scope["path"], routes)
    body = codec.encode(
        protocol.Error(code=ErrorCode.INVALID_MESSAGE, message=sentence, timestamp=rfc3339(plane.clock.now()))
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def upgrade_routes(routes: list[WebSocketRoute]) -> list[Route]:
    """The routes for HTTP requests below /ws."""

    async def answer(request: Request) -> Response:
        path = tidy_path(request.url.path)
        if any(route.path_regex.match(path) for route in routes):
            headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
            return error_answer(request, 426, ErrorCode.INVALID_MESSAGE, NEEDS_UPGRADE, headers)
        return error_answer(request, 404, ErrorCode.INVALID_MESSAGE, wrong_path(path, routes))

    paths = ("/ws", "/ws/{rest:path}", "//ws/{rest:path}")
    return [Route(path, answer, methods=METHODS, include_in_schema=False) for path in paths]
