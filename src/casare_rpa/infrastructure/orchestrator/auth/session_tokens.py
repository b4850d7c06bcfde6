"""Session tokens: signed JWTs that a login issues and a refresh prolongs.

Source: RFC 7519; docs/reference/websocket-contract.md, Authentication.
"""

import secrets
from typing import Any

import jwt
from jwt.types import Options

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

ALGORITHM = "HS256"
ISSUER = "casare-orchestrator"
AUDIENCE = "casare"
SESSION_SECONDS = 12 * 3600
"""How long after the login a session can be prolonged."""
TOKEN_TYPE = "access"  # noqa: S105 - a claim, not a secret
REQUIRED_CLAIMS = ["exp", "nbf", "iat", "iss", "aud", "sub", "roles", "jti", "typ"]
EXPIRED = "it has expired; get a fresh one"
NOT_VALID = "not a valid token"
CLOCK_LEEWAY_SECONDS = 30


class SessionTokens:
    """Issues and verifies the tokens of one signing key. Times are those of `clock`."""

    def __init__(self, signing_key: bytes, ttl_seconds: int, clock: Clock) -> None:
        self._signing_key = signing_key
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def issue(self, username: str, *, tenant_id: str | None = None, signed_in_at: int | None = None) -> tuple[str, int]:
        """A signed token of an admin, and its lifetime in seconds.

        `tenant_id` `None` is an admin of all tenants. `signed_in_at` is Unix seconds; `None` is now.
        """
        now = self._now()
        claims = {
            "sub": username,
            "roles": [Role.ADMIN.value],
            "tenant_id": tenant_id,
            "auth_time": now if signed_in_at is None else signed_in_at,
            "typ": TOKEN_TYPE,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + self._ttl_seconds,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._signing_key, algorithm=ALGORITHM), self._ttl_seconds

    def principal_of(self, token: str) -> Principal:
        """The admin that a token was issued to.

        Raises:
            AuthError: 4002 the token has expired; 4001 it is not valid.
        """
        claims = self._claims(token)
        return Principal(Role.ADMIN, str(claims["sub"]), claims.get("tenant_id"), expires_at=float(claims["exp"]))

    def refresh(self, token: str) -> tuple[str, int]:
        """A fresh token for the holder of a valid one, up to `SESSION_SECONDS` after the login.

        Raises:
            AuthError: the token is not valid, or the session is over.
        """
        claims = self._claims(token)
        signed_in_at = _seconds(claims.get("auth_time", claims["iat"]))
        if self._now() - signed_in_at >= SESSION_SECONDS:
            raise AuthError("the session has ended; sign in again", CloseCode.AUTH_EXPIRED, field="token")
        return self.issue(claims["sub"], tenant_id=claims.get("tenant_id"), signed_in_at=signed_in_at)

    def _now(self) -> int:
        return self._clock.now() // MICROSECONDS_PER_SECOND

    def _claims(self, token: str) -> dict[str, Any]:
        # PyJWT compares times with the wall clock of the machine; the times are checked below with our own clock.
        options: Options = {
            "require": REQUIRED_CLAIMS,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._signing_key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options=options,
            )
        except jwt.PyJWTError:
            raise AuthError(NOT_VALID, field="token") from None
        self._check_times(claims)
        roles, tenant_id = claims["roles"], claims.get("tenant_id", "")
        if claims["typ"] != TOKEN_TYPE or not isinstance(roles, list) or Role.ADMIN not in roles or tenant_id == "":
            raise AuthError("not an access token of an admin", field="token")
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        """The leeway is for a clock of ours that is behind the issuer's; it does not lengthen the life of a token."""
        now = self._now()
        if max(_seconds(claims["nbf"]), _seconds(claims["iat"])) > now + CLOCK_LEEWAY_SECONDS:
            raise AuthError(NOT_VALID, field="token")
        if _seconds(claims["exp"]) <= now:
            raise AuthError(EXPIRED, CloseCode.AUTH_EXPIRED, field="token")


def _seconds(claim: object) -> int:
    """A time of a token, in Unix seconds. Raises AuthError."""
    if isinstance(claim, int | float):
        try:
            return int(claim)
        except (ValueError, OverflowError):  # NaN and Infinity, which JSON of Python allows
            pass
    raise AuthError(NOT_VALID, field="token")
