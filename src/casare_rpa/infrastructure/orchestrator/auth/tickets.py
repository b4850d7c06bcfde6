"""Tickets: short-lived credentials that a browser page puts into the address of a WebSocket instead of a secret.

A ticket is valid once, for 30 seconds, for one endpoint and one principal. It is signed, so every instance with the
same secrets accepts it, also after a restart. Its use is a row in the store, so only one connection can use it.

Source: RFC 7515; docs/reference/http.md, Tickets.
"""

import re
import secrets

import jwt
import msgspec

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError, ProtocolError, RateLimited
from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.domain.websocket_paths import ticket_pattern
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore

PREFIX = "tkt_"
TICKET_SECONDS = 30.0
MOST_TICKETS = 10_000
MOST_EACH = 200
SPENT = "unknown, used or expired; get a fresh one"
ENDPOINT_PATTERN = ticket_pattern()
"""The paths that accept tickets."""
ALGORITHM = "HS256"
TICKET_TYPE = "casare-ticket"
_JWS = jwt.PyJWS()


def is_ticket(text: str | None) -> bool:
    """Whether a credential has the form of a ticket."""
    return text is not None and text.startswith(PREFIX)


class _SignedTicket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signed content of a ticket. It has other fields than a session token, so neither passes for the other."""

    ticket_id: str
    endpoint: str
    holder: Principal
    expires_at: Instant
    made_under: str


class Tickets:
    """Issues tickets, and accepts each once.

    In memory are only the ids of the unused tickets of this instance, for their limit.
    """

    def __init__(self, store: LoginStore, clock: Clock, *, signing_key: bytes, made_under: str) -> None:
        """`made_under` identifies the secrets of the server: a ticket made under others is not accepted."""
        self._store = store
        self._clock = clock
        self._signing_key = signing_key
        self._made_under = made_under
        self._unused: dict[str, tuple[str, Instant]] = {}  # id to name of the holder and end, oldest first

    async def issue(self, endpoint: str, holder: Principal) -> tuple[str, Instant]:
        """A ticket for a connection to `endpoint`, a path such as `/ws/admin`, as `holder`; and the end of the ticket.

        Raises:
            ProtocolError: no such endpoint, or it accepts no tickets.
            RateLimited: too many unused tickets.
            StoreUnavailable: the limit is reached, and the store does not answer how many of them are used.
        """
        if not re.fullmatch(ENDPOINT_PATTERN, endpoint):
            raise ProtocolError(
                "the path of a WebSocket that takes tickets is expected, such as /ws/admin", field="endpoint"
            )
        now = self._clock.now()
        self._forget(now)
        if self._is_full(holder):
            await self._forget_spent(holder)
        if self._is_full(holder):
            raise RateLimited("too many unused tickets; wait", TICKET_SECONDS)
        ticket_id, expires_at = secrets.token_urlsafe(16), after(now, TICKET_SECONDS)
        content = msgspec.json.encode(_SignedTicket(ticket_id, endpoint, holder, expires_at, self._made_under))
        signed = _JWS.encode(content, self._signing_key, ALGORITHM, {"typ": TICKET_TYPE})
        self._unused[ticket_id] = holder.name, expires_at
        return PREFIX + signed, expires_at

    async def redeem(self, text: str, endpoint: str) -> Principal:
        """The principal of a ticket. The ticket becomes invalid, also if the endpoint is the wrong one.

        Raises:
            AuthError: 4002 unknown, used or expired; 4003 for another endpoint.
            StoreUnavailable: the use cannot be written. The ticket may be used up.
        """
        ticket = self._verified(text)
        self._unused.pop(ticket.ticket_id, None)
        if not await self._store.spend(ticket.ticket_id, ticket.expires_at):
            raise _spent()
        if ticket.endpoint != endpoint:
            raise AuthError("it is for another endpoint", CloseCode.FORBIDDEN, field="ticket")
        return ticket.holder

    def _verified(self, text: str) -> _SignedTicket:
        """The content of a ticket that was signed here and has not expired. Raises AuthError."""
        try:
            signed = _JWS.decode(text.removeprefix(PREFIX), self._signing_key, [ALGORITHM])
            ticket = msgspec.json.decode(signed, type=_SignedTicket)
        except (jwt.PyJWTError, msgspec.DecodeError):  # a wrong signature or form
            raise _spent() from None
        if ticket.expires_at <= self._clock.now() or ticket.made_under != self._made_under:
            raise _spent()
        return ticket

    def _is_full(self, holder: Principal) -> bool:
        return len(self._unused) >= MOST_TICKETS or len(self._ids_of(holder)) >= MOST_EACH

    def _ids_of(self, holder: Principal) -> list[str]:
        return [ticket_id for ticket_id, (name, _) in self._unused.items() if name == holder.name]

    async def _forget_spent(self, holder: Principal) -> None:
        """Drop tickets that another instance has accepted."""
        ids = [*self._unused] if len(self._unused) >= MOST_TICKETS else self._ids_of(holder)
        for ticket_id in await self._store.spent(ids):
            self._unused.pop(ticket_id, None)

    def _forget(self, now: Instant) -> None:
        """Drop expired tickets. All have the same lifetime, so the oldest expire first."""
        while self._unused:
            oldest = next(iter(self._unused))
            if self._unused[oldest][1] > now:
                return
            del self._unused[oldest]


def _spent() -> AuthError:
    return AuthError(SPENT, CloseCode.AUTH_EXPIRED, field="ticket")
