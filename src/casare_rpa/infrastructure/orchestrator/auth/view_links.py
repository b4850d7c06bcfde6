"""View links: named addresses that sign browsers in as a viewer, for screens on a wall, until they are revoked.

A view link is a login session with the role viewer. Its code is at the same time the cookie of the session, so that all
screens of a link share the session, and a revocation ends all of them. The store has a digest of the code only.

Source: docs/reference/http.md, View links.
"""

import secrets
from base64 import urlsafe_b64encode
from typing import NamedTuple

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import SECRET_REPEAT_SECONDS, LoginSession, Principal, Role, derived, digest
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.instants import after
from casare_rpa.domain.permissions import require_admin, require_all_tenants
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, OrdersGiven
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore

LINK_ENDED = "unknown, revoked or expired; an admin can make a new one: casare link create NAME"
MOST_LINKS = 100
_CODE_PREFIX = "view_"
_VIEW_ID_PREFIX = "vwl-"
_SECRET_BYTES = 32
_ID_DIGITS = 32
_DAY_SECONDS = 86_400


class NewViewLink(NamedTuple):
    """A view link, and its code, which is not stored."""

    link: LoginSession
    code: str


class ViewLinks:
    """Creates, lists and revokes view links. The principal must be an admin of all tenants."""

    def __init__(
        self,
        store: LoginStore,
        authenticator: Authenticator,
        events: EventBus,
        hub: Hub,
        clock: Clock,
        seed: bytes,
    ) -> None:
        """`seed` is a secret from which the codes of requests with an idempotency key are derived."""
        self._seed = seed
        self._store = store
        self._authenticator = authenticator
        self._events = events
        self._hub = hub
        self._clock = clock

    async def create_link(
        self, principal: Principal, name: str, life_days: int, idempotency_key: str | None = None
    ) -> NewViewLink:
        """A new link that ends after `life_days`, or earlier by a revocation or a change of the password.

        With an idempotency key, the same principal gets the same link for a day, because a response can be lost.

        Raises:
            AuthError: the principal is not an admin of all tenants.
            Conflict: there are too many links; the idempotency key was used for a link with another name or life, or
                for one that has ended or is older than a day.
        """
        _check_admin(principal)
        code, link = self._new_link(principal, name, life_days, idempotency_key)
        known = await self._store.login(link.login_id)
        if known is None:
            if len(await self.open_links(principal)) >= MOST_LINKS:
                raise Conflict(f"there are {MOST_LINKS} view links; revoke one: casare link revoke LINK_ID")
            entry = NewAudit(link.signed_in_at, principal.name, "create_view_link", link.login_id, name)
            if await self._store.add_login(link, audit=entry):
                return NewViewLink(link, code)
            known = await self._store.login(link.login_id)  # a request with the same key was faster
        if known is None or not self._repeats(link, known):
            sentence = (
                "it was used before, for a view link with another name or life, or for one that has ended or is older "
                "than a day; use another"
            )
            raise Conflict(sentence, field="Idempotency-Key")
        return NewViewLink(known, code)

    def _new_link(
        self, principal: Principal, name: str, life_days: int, idempotency_key: str | None
    ) -> tuple[str, LoginSession]:
        """A code and its link, which is not stored. The code of an idempotency key is the same at each call."""
        if idempotency_key is None:
            secret = secrets.token_bytes(_SECRET_BYTES)
        else:
            secret = derived(self._seed, "view link", principal.name, idempotency_key)[:_SECRET_BYTES]
        code = _CODE_PREFIX + urlsafe_b64encode(secret).decode().rstrip("=")
        now = self._clock.now()
        return code, LoginSession(
            login_id=login_id_of(code),
            username=name,
            tenant_id=None,
            address="",  # several browsers use it
            signed_in_at=now,
            expires_at=after(now, life_days * _DAY_SECONDS),
            made_under=self._authenticator.made_under,
            role=Role.VIEWER,
        )

    def _repeats(self, wanted: LoginSession, known: LoginSession) -> bool:
        """Whether a stored link is the answer to a repeated request for `wanted`."""
        now = wanted.signed_in_at
        return (
            known.is_open(now, self._authenticator.made_under)
            and now <= after(known.signed_in_at, SECRET_REPEAT_SECONDS)
            and known.username == wanted.username
            and known.expires_at - known.signed_in_at == wanted.expires_at - now
        )

    async def open_links(self, principal: Principal) -> list[LoginSession]:
        """The links that are neither revoked nor expired, newest first. Raises AuthError."""
        _check_admin(principal)
        now, made_under = self._clock.now(), self._authenticator.made_under
        found = await self._store.open_logins(now)
        return [login for login in found if login.role is Role.VIEWER and login.is_open(now, made_under)]

    async def revoke_link(self, principal: Principal, link_id: str) -> None:
        """End a link: its tokens and tickets become invalid, and its connections are closed.

        Raises:
            AuthError: the principal is not an admin of all tenants.
            NotFound: there is no such open link.
        """
        _check_admin(principal)
        now = self._clock.now()
        entry = NewAudit(now, principal.name, "revoke_view_link", link_id)
        if not is_view_id(link_id) or not await self._store.end_login(link_id, now, audit=entry):
            raise NotFound(f"there is no open view link {link_id!r}; list them: casare link list", field="link_id")
        # After the commit: a connection that is attached later is checked against the store. See credential_checks.py.
        self._hub.expel_login(link_id)
        self._events.publish(OrdersGiven())


def login_id_of(cookie: str) -> str:
    """The id of the session of a cookie. The store has only this digest, from which the cookie cannot be computed."""
    return f"{_VIEW_ID_PREFIX if is_view_code(cookie) else 'lgn-'}{digest(cookie)[:_ID_DIGITS]}"


def is_view_code(text: str) -> bool:
    """Whether a code or cookie has the form of a view link's."""
    return text.startswith(_CODE_PREFIX)


def is_view_id(login_id: str) -> bool:
    return login_id.startswith(_VIEW_ID_PREFIX)


def _check_admin(principal: Principal) -> None:
    require_admin(principal)
    require_all_tenants(principal, "view links")
