"""Tickets: what a page in a browser puts into the address of a WebSocket instead of a secret.

Single use, for seconds, bound to one endpoint and to whoever asked for it. In memory: they do not outlive the process,
and need not, for every connection asks for a new one. Source: docs/reference/http.md.
"""

import re
import secrets
from dataclasses import dataclass

from casare_rpa.domain.credentials import Principal, digest
from casare_rpa.domain.errors import AuthError, ProtocolError, RateLimited
from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

PREFIX = "tkt_"
TICKET_SECONDS = 30.0
MOST_TICKETS = 10_000
MOST_EACH = 200
SPENT = "unknown, used or expired; get a fresh one"
ENDPOINT_PATTERN = (
    r"^(?:/ws/admin|/ws/logs(?:/[A-Za-z0-9._:-]{1,128})?|/ws/monitoring/(?:live-jobs|robot-status|queue-metrics))$"
)
"""The paths that take tickets."""


def is_ticket(text: str | None) -> bool:
    """Whether a credential is one of these, by its looks."""
    return text is not None and text.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class _Issued:
    endpoint: str
    holder: Principal
    expires_at: float
    """Monotonic seconds."""


class Tickets:
    """Those that were issued and neither used nor expired. Only digests are kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, _Issued] = {}  # oldest first

    def issue(self, endpoint: str, holder: Principal) -> str:
        """A ticket for a connection to `endpoint`, a path such as `/ws/admin`; the connection is then the holder's.

        Raises:
            ProtocolError: there is no such endpoint, or it takes no tickets.
            RateLimited: too many are waiting to be used.
        """
        if not re.fullmatch(ENDPOINT_PATTERN, endpoint):
            raise ProtocolError(
                "the path of a WebSocket that takes tickets is expected, such as /ws/admin", field="endpoint"
            )
        now = self._clock.monotonic()
        self._forget(now)
        of_holder = sum(one.holder.name == holder.name for one in self._issued.values())
        if of_holder >= MOST_EACH or len(self._issued) >= MOST_TICKETS:
            raise RateLimited("too many tickets that nobody used; wait", TICKET_SECONDS)
        text = PREFIX + secrets.token_urlsafe(32)
        self._issued[digest(text)] = _Issued(endpoint, holder, now + TICKET_SECONDS)
        return text

    def redeem(self, text: str, endpoint: str) -> Principal:
        """Whose it is; it is used up then, also by a connection to the wrong endpoint.

        Raises:
            AuthError: 4002 unknown, used or expired: come back with a fresh one; 4003 for another endpoint.
        """
        self._forget(self._clock.monotonic())
        issued = self._issued.pop(digest(text), None)
        if issued is None:
            raise AuthError(SPENT, CloseCode.AUTH_EXPIRED, field="ticket")
        if issued.endpoint != endpoint:
            raise AuthError("it is for another endpoint", CloseCode.FORBIDDEN, field="ticket")
        return issued.holder

    def _forget(self, now: float) -> None:
        """Drop those that have expired; all live equally long, so they stand in front."""
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest].expires_at > now:
                return
            del self._issued[oldest]
