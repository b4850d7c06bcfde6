"""Verifies credentials and returns the principal that they prove.

Source: docs/reference/websocket-contract.md, Authentication.
"""

import secrets

from casare_rpa.domain.credentials import Principal, Role, digest, key_id_of, same_secret
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.login_attempts import MAX_ADDRESSES, LoginAttempts
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import Credentials
from casare_rpa.infrastructure.orchestrator.auth.session_tokens import SessionTokens
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.settings import Settings

ADMIN_USER = "admin"


class Authenticator:
    """Verifies robot keys, the admin secret, session tokens and passwords. Its errors never contain a credential."""

    def __init__(
        self, store: AdminStore, settings: Settings, clock: Clock, *, logins_remembered: int = MAX_ADDRESSES
    ) -> None:
        self._store = store
        self._api_secret = settings.api_secret.get_secret_value()
        self._password = settings.admin_password.get_secret_value()
        # The bytes themselves, so that another program that has the secret can sign tokens with any JWT library.
        signing_key = settings.jwt_secret.get_secret_value().encode()
        self.tokens = SessionTokens(signing_key, settings.jwt_ttl_seconds, clock)
        self._logins = LoginAttempts(clock, logins_remembered)

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
            raise AuthError("missing, unknown or revoked", field="api_key")
        return Principal(Role.ROBOT, f"robot {key.robot_id}", key.tenant_id, key.robot_id, key.key_id)

    def admin(self, secret: str | None) -> Principal:
        """The principal of the admin secret. Raises AuthError."""
        if not secret or not same_secret(secret, self._api_secret):
            raise AuthError("missing or wrong", field="api_secret")
        return Principal(Role.ADMIN, ADMIN_USER)

    def dashboard(self, credentials: Credentials) -> Principal:
        """The principal of the admin secret, or of the token of an admin if no secret is given. Raises AuthError."""
        if credentials.api_secret is None and credentials.token is not None:
            return self.bearer(credentials.token)
        return self.admin(credentials.api_secret)

    async def monitoring(self, token: str | None) -> Principal:
        """The principal of a handshake on /ws/monitoring: session token or robot key. Raises AuthError."""
        if token and token.count(".") == 2:
            return self.bearer(token)
        try:
            return await self.key_holder(token)
        except AuthError as error:
            raise AuthError("missing or wrong", field="token") from error

    def bearer(self, token: str) -> Principal:
        """The principal of a session token.

        Raises:
            AuthError: 4002 the token has expired; 4001 it is not valid.
        """
        return self.tokens.principal_of(token)

    def login(self, username: str, password: str, address: str) -> tuple[str, int]:
        """A session token and its lifetime in seconds, for the admin's password.

        Raises:
            AuthError: the user or the password is wrong; the message does not reveal which.
            RateLimited: too many attempts from this address.
        """
        right_user = same_secret(username, ADMIN_USER)
        self._logins.count_attempt(address, known_user=right_user)
        # Both are always compared, so the time of the answer does not reveal which one is wrong.
        if not same_secret(password, self._password) or not right_user:
            raise AuthError("username or password: wrong")
        return self.tokens.issue(ADMIN_USER)
