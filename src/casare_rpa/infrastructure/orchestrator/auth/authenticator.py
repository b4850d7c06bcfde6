"""Verifies credentials and returns the principal that they prove.

Source: docs/reference/websocket-contract.md, Authentication.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Protocol

from casare_rpa.domain.credentials import Principal, Role, digest, key_id_of, same_secret
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import Credentials
from casare_rpa.infrastructure.orchestrator.auth.session_tokens import SessionTokens
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore
from casare_rpa.infrastructure.orchestrator.settings import Settings

ADMIN_USER = "admin"
REVOKED = "it was revoked"
SESSION_ENDED = "its session has ended; sign in again"


class CredentialStore(AdminStore, LoginStore, Protocol):
    """The store of keys and login sessions."""


class Authenticator:
    """Verifies robot keys, the admin secret, tokens and passwords. Its errors never contain a credential."""

    def __init__(self, store: CredentialStore, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._api_secret = settings.api_secret.get_secret_value()
        self._password = settings.admin_password.get_secret_value()
        # The bytes of the secret, without derivation, so that other programs can sign tokens with any JWT library.
        signing_key = settings.jwt_secret.get_secret_value().encode()
        self.tokens = SessionTokens(signing_key, settings.jwt_ttl_seconds, clock)
        # Keyed, so that a reader of the database cannot try passwords against it.
        self.made_under = hmac.new(signing_key, self._password.encode(), hashlib.sha256).hexdigest()
        """Identifies the password and signing secret of this process. Sessions with another value are not open."""
        all_secrets = f"{self._api_secret}\0{self._password}".encode()
        self.codes_made_under = hmac.new(signing_key, all_secrets, hashlib.sha256).hexdigest()
        """Identifies all secrets of this process. Tickets and sign-in links with another value are not valid."""
        self._clock = clock

    async def robot(self, key_text: str | None, robot_id: str) -> Principal:
        """The principal of a robot key, for a connection as `robot_id`.

        Raises:
            AuthError: 4001 missing, malformed, unknown or revoked; 4003 valid, but the key of another robot.
        """
        principal = await self.key_holder(key_text)
        if principal.robot_id != robot_id:
            raise AuthError("it belongs to another robot", CloseCode.FORBIDDEN, field="api_key")
        return principal

    async def key_holder(self, key_text: str | None) -> Principal:
        """The principal of a valid robot key. Raises AuthError."""
        key_id = key_id_of(key_text) if key_text else None
        key = await self._store.key(key_id) if key_id else None
        stored = key.digest if key is not None and key.revoked_at is None else ""
        if key is None or key_text is None or not secrets.compare_digest(digest(key_text), stored):
            guess = digest(key_text) if key_text else None
            raise _wrong_key("missing, unknown or revoked", "api_key", guess)
        return Principal(Role.ROBOT, f"robot {key.robot_id}", key.tenant_id, key.robot_id, key.key_id)

    def admin(self, secret: str | None) -> Principal:
        """The principal of the admin secret. Raises AuthError."""
        if not secret or not same_secret(secret, self._api_secret):
            raise AuthError("missing or wrong", field="api_secret")
        return Principal(Role.ADMIN, ADMIN_USER)

    async def dashboard(self, credentials: Credentials) -> Principal:
        """The principal of the admin secret, or of the token of an admin if no secret is given. Raises AuthError."""
        if credentials.api_secret is None and credentials.token is not None:
            return await self.bearer(credentials.token)
        return self.admin(credentials.api_secret)

    async def monitoring(self, token: str | None) -> Principal:
        """The principal of a handshake on /ws/monitoring: session token or robot key. Raises AuthError."""
        if token and token.count(".") == 2:
            return await self.bearer(token)
        try:
            return await self.key_holder(token)
        except AuthError as error:
            raise _wrong_key("missing or wrong", "token", error.guess) from error

    async def bearer(self, token: str) -> Principal:
        """The principal of a token.

        Raises:
            AuthError: 4002 the token has expired; 4001 it is not valid, or its login session has ended.
        """
        principal = self.tokens.principal_of(token)
        await self.check_still_valid(principal)
        return principal

    async def check_still_valid(self, principal: Principal) -> None:
        """Check again a principal that was authenticated before, such as the holder of a ticket.

        Raises:
            AuthError: 4001 its key was revoked, or its login session has ended.
        """
        refused = await self.no_longer_valid([principal])
        if refused:
            raise refused.pop(principal)  # not left in a local, see _wrong_key

    async def no_longer_valid(self, principals: Iterable[Principal]) -> dict[Principal, AuthError]:
        """The principals whose key was revoked or whose login session has ended, each with the reason."""
        key_ids = sorted({principal.key_id for principal in principals if principal.key_id is not None})
        login_ids = sorted({principal.login_id for principal in principals if principal.login_id is not None})
        valid_keys = await self._store.valid_keys(key_ids) if key_ids else set()
        logins = {login.login_id: login for login in await self._store.logins(login_ids)} if login_ids else {}
        refused: dict[Principal, AuthError] = {}
        for principal in principals:
            if principal.key_id is not None and principal.key_id not in valid_keys:
                refused[principal] = AuthError(REVOKED, field="api_key")
            elif principal.login_id is not None:
                login = logins.get(principal.login_id)
                if login is None or not login.is_open(self._clock.now(), self.made_under):
                    refused[principal] = AuthError(SESSION_ENDED, field="token")
        return refused

    def right_password(self, username: str, password: str) -> bool:
        """Whether this is the user and its password, in time that does not depend on which of them is wrong."""
        right_user, right_password = same_secret(username, ADMIN_USER), same_secret(password, self._password)
        return right_user and right_password


def _wrong_key(sentence: str, field: str, guess: str | None) -> AuthError:
    """The error of a refused key.

    It is made here, because an error in a local of the frame that raises it refers to itself through its traceback,
    and would wait for the garbage collector.
    """
    error = AuthError(sentence, field=field)
    error.guess = guess
    return error
