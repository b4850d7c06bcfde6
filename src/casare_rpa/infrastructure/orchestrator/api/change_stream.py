"""Changes of jobs as server-sent events.

Source: docs/reference/http.md, Changes of jobs.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError, PositionGone, StoreUnavailable
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.infrastructure.orchestrator.api.change_views import change_views
from casare_rpa.infrastructure.orchestrator.api.error_responses import error_body
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.observability import Metrics
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.views.change_feed import ChangeFeed, ChangePage

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect the events
    "Vary": "Accept",
}
PAGE = 100
"""Changes that are read and sent at once: at most about 100 KB in memory for each stream."""
POLL_SECONDS = 1.0
"""How often a stream without news reads the store, and how often it checks its credential."""
KEEP_ALIVE_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2_000


def wants_stream(request: Request) -> bool:
    """Whether `Accept` names server-sent events."""
    accepted = ",".join(request.headers.getlist("accept")).lower().split(",")
    return any(one.partition(";")[0].strip() == MEDIA_TYPE for one in accepted)


class StreamParts(Protocol):
    """The parts of an instance that a stream uses."""

    change_feed: ChangeFeed
    authenticator: Authenticator
    metrics: Metrics
    clock: Clock


class ChangeStream(StreamingResponse):
    """The events of one client. Ends when the client leaves, its credential ends, or this instance stops."""

    def __init__(
        self,
        parts: StreamParts,
        principal: Principal,
        first: ChangePage,
        *,
        poll_seconds: float = POLL_SECONDS,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        """`first` is the page with which the stream begins."""
        self._parts = parts
        self._principal = principal
        self._poll_seconds = poll_seconds
        self._keep_alive_seconds = keep_alive_seconds
        self._events = self._all_events(first)
        super().__init__(self._events, media_type=MEDIA_TYPE, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events. Raises RateLimited before the first one if too many streams are open."""
        connections = self._parts.metrics.connections.labels(endpoint="events")
        async with aclosing(self._events):
            with self._parts.change_feed.stream_of(self._principal), connections.track_inprogress():
                await super().__call__(scope, receive, send)

    async def _all_events(self, page: ChangePage) -> AsyncGenerator[bytes, None]:
        feed, clock, tenant_id = self._parts.change_feed, self._parts.clock, page.sequence.tenant_id
        # A client that reconnects before the first change sends this position.
        position = page.sequence.position(page.next_number if not page.changes else page.number(page.changes[0]) - 1)
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode() + _event("position", {"position": position}, position)
        sent_at, checked_at = clock.monotonic(), float("-inf")
        try:
            while True:
                if feed.closed:
                    raise StoreUnavailable("the server is stopping; connect again")
                if clock.monotonic() - checked_at >= self._poll_seconds:
                    await check_credential(self._parts, self._principal)
                    checked_at = clock.monotonic()
                if page.changes:
                    yield b"".join(_event("job", view.model_dump_json(), view.position) for view in change_views(page))
                    sent_at = clock.monotonic()
                elif clock.monotonic() - sent_at >= self._keep_alive_seconds:
                    yield b": keep-alive\n\n"
                    sent_at = clock.monotonic()
                if not page.more:
                    await feed.news(tenant_id, page.next_number, self._poll_seconds)
                page = await feed.page(tenant_id, page.sequence.position(page.next_number), PAGE)
        except (AuthError, PositionGone, StoreUnavailable) as error:
            yield _event("closed", error_body(error, clock.now()))


async def check_credential(parts: StreamParts, principal: Principal) -> None:
    """Raises AuthError when the credential has expired or was revoked."""
    expires_at = principal.expires_at
    if expires_at is not None and expires_at <= parts.clock.now() / MICROSECONDS_PER_SECOND:
        raise AuthError("it has expired; connect again with a fresh one", field="token")
    await parts.authenticator.check_still_valid(principal)


def _event(name: str, data: str | dict[str, object], position: str | None = None) -> bytes:
    """One event. JSON has no line ends, so `data` is one line."""
    text = data if isinstance(data, str) else json.dumps(data)
    place = "" if position is None else f"id: {position}\n"
    return f"{place}event: {name}\ndata: {text}\n\n".encode()
