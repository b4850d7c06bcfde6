"""Tokens: JWTs that a login issues and a refresh prolongs, or that another program with the secret signs.

Source: RFC 7519; docs/reference/websocket-contract.md, Tokens of other programs.
"""

import re
import secrets
from typing import Any

import jwt
from jwt.types import Options

from casare_rpa.domain.credentials import LoginSession, Principal, Role
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

ALGORITHM = "HS256"
ISSUER = "casare-orchestrator"
AUDIENCE = "casare"
TOKEN_TYPE = "access"  # noqa: S105 - a claim, not a secret
REQUIRED_CLAIMS = ("exp", "iss", "aud", "sub", "roles", "tenant_id")
MAX_SUBJECT_LENGTH = 256
EXPIRED = "it has expired; get a fresh one"
NOT_VALID = "not a valid token"
CLOCK_LEEWAY_SECONDS = 30


class SessionTokens:
    """Issues and verifies the tokens of one signing key. All times come from `clock`."""

    def __init__(self, signing_key: bytes, ttl_seconds: int, clock: Clock) -> None:
        self._signing_key = signing_key
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def issue(
        self, username: str, *, tenant_id: str | None = None, login: LoginSession | None = None
    ) -> tuple[str, int]:
        """A signed token of an admin, or of the role of its login session, and its lifetime in seconds.

        The token ends with its login session. `tenant_id` `None` is all tenants.
        """
        role = Role.ADMIN if login is None else login.role
        now = self._now()
        expires_at = now + self._ttl_seconds
        claims = {
            "sub": username,
            "roles": [role.value],
            "tenant_id": tenant_id,
            "typ": TOKEN_TYPE,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "jti": secrets.token_hex(8),
        }
        if login is not None:
            expires_at = min(expires_at, login.expires_at // MICROSECONDS_PER_SECOND)
            claims["sid"] = login.login_id
        token = jwt.encode({**claims, "exp": expires_at}, self._signing_key, algorithm=ALGORITHM)
        return token, expires_at - now

    def principal_of(self, token: str) -> Principal:
        """The admin or viewer that a token was issued to. The caller checks the login session of `login_id`.

        Raises:
            AuthError: 4002 the token has expired; 4001 it is not valid.
        """
        claims = self._claims(token)
        role = Role.ADMIN if Role.ADMIN in claims["roles"] else Role.VIEWER
        return Principal(
            role,
            # The name of a view link is free, and must not be taken for a user.
            claims["sub"] if role is Role.ADMIN else f"{role} {claims['sub']}",
            claims["tenant_id"],
            expires_at=float(claims["exp"]),
            login_id=claims.get("sid"),
        )

    def _now(self) -> int:
        return self._clock.now() // MICROSECONDS_PER_SECOND

    def _claims(self, token: str) -> dict[str, Any]:
        # PyJWT compares times with the wall clock of the machine; the times are checked below with our own clock.
        options: Options = {
            # PyJWT takes null for a missing claim, and a null `tenant_id` is meaningful.
            "require": [name for name in REQUIRED_CLAIMS if name != "tenant_id"],
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
        except jwt.InvalidSignatureError:
            raise AuthError(
                f"{NOT_VALID}, because it is not signed with the secret of this server", field="token"
            ) from None
        except jwt.MissingRequiredClaimError as missing:
            raise _wrong_claim(missing.claim, "is missing") from None
        except jwt.InvalidIssuerError:
            raise _wrong_claim("iss", f"must be {ISSUER}") from None
        except jwt.InvalidAudienceError:
            raise _wrong_claim("aud", f"must be {AUDIENCE}") from None
        except jwt.PyJWTError:
            raise AuthError(NOT_VALID, field="token") from None
        self._check_times(claims)
        _check_holder(claims)
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        """Check the times. The leeway is for a clock behind the issuer's; it does not extend the life of a token."""
        now = self._now()
        for name in ("nbf", "iat"):
            if name in claims and _seconds(claims, name) > now + CLOCK_LEEWAY_SECONDS:
                raise _wrong_claim(name, "is in the future")
        if _seconds(claims, "exp") <= now:
            raise AuthError(EXPIRED, CloseCode.AUTH_EXPIRED, field="token")


def _check_holder(claims: dict[str, Any]) -> None:
    """Raises AuthError if the holder of the token may not use it, or a claim does not have the documented type."""
    if "tenant_id" not in claims:  # an absent claim must not mean all tenants
        raise _wrong_claim("tenant_id", "is missing")
    roles, tenant_id, subject = claims["roles"], claims["tenant_id"], claims["sub"]
    if claims.get("typ", TOKEN_TYPE) != TOKEN_TYPE:
        raise _wrong_claim("typ", f"must be {TOKEN_TYPE} or absent")
    # Viewers are sessions of this server, which can be revoked; other programs make tokens of admins only.
    if not isinstance(roles, list) or not (Role.ADMIN in roles or (Role.VIEWER in roles and "sid" in claims)):
        raise _wrong_claim("roles", f'must be a list with "{Role.ADMIN}"')
    if tenant_id is not None and not (isinstance(tenant_id, str) and re.fullmatch(ID_PATTERN, tenant_id)):
        raise _wrong_claim("tenant_id", "must be the id of a tenant, or null for all tenants")
    if not isinstance(claims.get("sid", ""), str):
        raise _wrong_claim("sid", "must be absent in a token of another program")
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise _wrong_claim("sub", f"must be a name of 1 to {MAX_SUBJECT_LENGTH} printable characters")


def _wrong_claim(name: str, sentence: str) -> AuthError:
    """The error names the claim. Only programs that have the secret see it, because the signature is checked first."""
    return AuthError(f"{NOT_VALID}, because the claim {name} {sentence}", field="token")


def _seconds(claims: dict[str, Any], name: str) -> int:
    """A time of a token, in Unix seconds. Raises AuthError."""
    claim = claims[name]
    if isinstance(claim, int | float) and not isinstance(claim, bool):
        try:
            return int(claim)
        except (ValueError, OverflowError):  # NaN and Infinity, which Python's JSON parser accepts
            pass
    raise _wrong_claim(name, "must be a number of seconds since 1970")
