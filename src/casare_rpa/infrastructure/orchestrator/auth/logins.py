"""Sign-ins and sign-outs. Each sign-in is a row in the store, and its tokens contain the id of the row.

Source: docs/explanation/security.md, The end of a credential.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import LoginSession, Principal, Role
from casare_rpa.domain.errors import AuthError, Conflict, NotFound
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, after
from casare_rpa.domain.permissions import require_admin, require_all_tenants, require_secret
from casare_rpa.infrastructure.orchestrator.auth.authenticator import ADMIN_USER, SESSION_ENDED, Authenticator
from casare_rpa.infrastructure.orchestrator.auth.login_turns import LoginTurns
from casare_rpa.infrastructure.orchestrator.auth.sign_in_links import SignInLinks
from casare_rpa.infrastructure.orchestrator.auth.view_links import LINK_ENDED, is_view_code, is_view_id, login_id_of
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, OrdersGiven
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore


class IssuedToken(NamedTuple):
    """A token of a session, its lifetime in seconds, and the user of the session with the role."""

    text: str
    expires_in: int
    username: str
    role: Role


class SignIn(NamedTuple):
    """A new session: its first token, and the secret for the cookie with its lifetime."""

    token: IssuedToken
    cookie: str
    cookie_seconds: int


class SessionLife(NamedTuple):
    """When sessions end, in seconds: without a renewal of a token, and after the sign-in in any case."""

    idle_seconds: int
    max_seconds: int

    def end_of(self, signed_in_at: Instant, renewed_at: Instant) -> Instant:
        return min(after(renewed_at, self.idle_seconds), after(signed_in_at, self.max_seconds))


class Logins:
    """Signs users in and out. The end of a session closes its connections and invalidates its tokens and tickets."""

    def __init__(
        self,
        store: LoginStore,
        authenticator: Authenticator,
        turns: LoginTurns,
        events: EventBus,
        hub: Hub,
        clock: Clock,
        life: SessionLife,
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._turns = turns
        self._events = events
        self._hub = hub
        self._clock = clock
        self._life = life
        self._links = SignInLinks(store, clock, authenticator.codes_made_under)

    async def sign_in(
        self, username: str, password: str, address: str, has_left: Callable[[], Awaitable[bool]]
    ) -> SignIn:
        """A new session, for the admin's password.

        `has_left` returns whether the client has disconnected; its attempt is then not checked.
        Raises:
            AuthError: the user or the password is wrong; the text does not say which.
            RateLimited: too many attempts from this address wait.
        """
        if not await self._turns.check(
            username, address, lambda: self._authenticator.right_password(username, password), has_left
        ):
            raise AuthError("wrong", field="username or password")
        return await self._add_login(address)

    async def issue_link(self, principal: Principal) -> tuple[str, Instant]:
        """A code with which a browser signs in once as the admin, within ten minutes, and its end.

        A token is not sufficient: with codes, its holder could stay signed in after its session has ended.

        Raises:
            AuthError: the credential is not the admin secret.
            RateLimited: too many unused codes.
        """
        require_secret(principal)
        return await self._links.issue()

    async def sign_in_by_link(self, code: str, address: str) -> SignIn:
        """A new session, for a code of `issue_link`, which becomes invalid; or the session of a view link.

        Raises:
            AuthError: the code is unknown, used or expired, or the view link was revoked.
        """
        if is_view_code(code):
            login = await self._open_login(login_id_of(code))
            if login is None:
                raise AuthError(LINK_ENDED, field="code")
            left_seconds = (login.expires_at - self._clock.now()) // MICROSECONDS_PER_SECOND
            return SignIn(self._token_of(login), code, left_seconds)
        await self._links.redeem(code)
        return await self._add_login(address)

    async def _add_login(self, address: str) -> SignIn:
        """Store a sign-in of the admin."""
        cookie = secrets.token_urlsafe(32)
        now = self._clock.now()
        login = LoginSession(
            login_id=login_id_of(cookie),
            username=ADMIN_USER,
            tenant_id=None,
            address=address,
            signed_in_at=now,
            expires_at=self._life.end_of(now, now),
            made_under=self._authenticator.made_under,
        )
        entry = NewAudit(now, ADMIN_USER, "sign_in", login.login_id, f"from {address}")
        await self._store.add_login(login, audit=entry)
        return SignIn(self._token_of(login), cookie, self._life.max_seconds)

    async def resume(self, cookie: str) -> IssuedToken:
        """A fresh token of the session of a cookie.

        Raises:
            AuthError: there is no such open session.
        """
        login = await self._open_login(login_id_of(cookie))
        if login is None:
            raise AuthError(SESSION_ENDED, field="cookie")
        return await self._renewed(login)

    async def _open_login(self, login_id: str) -> LoginSession | None:
        login = await self._store.login(login_id)
        is_open = login is not None and login.is_open(self._clock.now(), self._authenticator.made_under)
        return login if is_open else None

    async def _renewed(self, login: LoginSession) -> IssuedToken:
        """A fresh token of an open session. The session of a user then lasts for the idle time again.

        The end is computed from the current settings, so that a shorter limit also holds for open sessions.
        """
        if login.role is Role.VIEWER:
            return self._token_of(login)
        expires_at = self._life.end_of(login.signed_in_at, self._clock.now())
        if expires_at != login.expires_at:
            await self._store.extend_login(login.login_id, expires_at)
        if expires_at <= self._clock.now():
            raise AuthError(SESSION_ENDED, field="token")
        return self._token_of(replace(login, expires_at=expires_at))

    def _token_of(self, login: LoginSession) -> IssuedToken:
        text, expires_in = self._authenticator.tokens.issue(login.username, tenant_id=login.tenant_id, login=login)
        return IssuedToken(text, expires_in, login.username, login.role)

    async def refresh(self, token: str) -> IssuedToken:
        """A fresh token of the same session.

        Raises:
            AuthError: the token is not valid, the session has ended, or another program made the token.
        """
        principal = await self._authenticator.bearer(token)
        login = None if principal.login_id is None else await self._store.login(principal.login_id)
        if login is None:
            raise AuthError("another program made it; get a new one from that program", field="token")
        return await self._renewed(login)

    async def sign_out(self, principal: Principal) -> None:
        """End the session of the principal. A viewer ends nothing, because other screens use the same link.

        Raises:
            Conflict: its credential belongs to no session.
        """
        if principal.login_id is None:
            raise Conflict("this credential does not belong to a sign-in; only the token of a login can sign out")
        if principal.role is not Role.VIEWER:
            await self._end(principal, principal.login_id, "sign_out")

    async def end_session(self, principal: Principal, login_id: str) -> None:
        """End a session by its id.

        Raises:
            NotFound: there is no such open session.
            AuthError: the principal is not an admin of all tenants.
        """
        self._check_admin(principal)
        if is_view_id(login_id) or not await self._end(principal, login_id, "end_session"):
            raise NotFound(f"there is no open session {login_id!r}", field="session_id")

    async def open_sessions(self, principal: Principal) -> list[LoginSession]:
        """The open sessions, newest first. Raises AuthError if the principal is not an admin of all tenants."""
        self._check_admin(principal)
        now = self._clock.now()
        found = await self._store.open_logins(now)
        made_under = self._authenticator.made_under
        return [login for login in found if login.role is Role.ADMIN and login.is_open(now, made_under)]

    async def _end(self, principal: Principal, login_id: str, action: str) -> bool:
        now = self._clock.now()
        ended = await self._store.end_login(login_id, now, audit=NewAudit(now, principal.name, action, login_id))
        # After the commit: a connection that is attached later is checked against the store. See credential_checks.py.
        self._hub.expel_login(login_id)
        if ended:
            self._events.publish(OrdersGiven())
        return ended

    def _check_admin(self, principal: Principal) -> None:
        require_admin(principal)
        require_all_tenants(principal, "sessions")
