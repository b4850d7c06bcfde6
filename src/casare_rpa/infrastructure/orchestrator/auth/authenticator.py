"""Who is on the other side: credentials from a connection, and the principal that they prove.

Source: docs/reference/websocket-contract.md, Authentication.
"""

import hashlib
import ipaddress
import math
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import jwt

from casare_rpa.domain.credentials import Principal, Role, digest, key_id_of, same_secret
from casare_rpa.domain.errors import AuthError, RateLimited
from casare_rpa.domain.limits import MAX_QUERY_BYTES, RateLimit, TokenBucket
from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.tickets import is_ticket
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import Settings

ALGORITHM = "HS256"
ISSUER = "casare-orchestrator"
AUDIENCE = "casare"
SESSION_SECONDS = 12 * 3600
"""How long a login may be prolonged."""
TOKEN_TYPE = "access"  # noqa: S105 - a claim, not a secret
REQUIRED_CLAIMS = ["exp", "nbf", "iat", "iss", "aud", "sub", "roles", "jti", "typ"]
EXPIRED = "it has expired; get a fresh one"
ADMIN_USER = "admin"
LOGIN_LIMIT = RateLimit(messages_per_second=0.2, burst=5)
LOGINS_REMEMBERED = 10_000
CLOCK_LEEWAY_SECONDS = 30
HOST_REFUSED = "the request is not for a name of this server; see CASARE_ALLOWED_HOSTS"
SECRET_PARAMETERS = ("api_key", "api_secret", "token")
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection brought: each place that the contract and our additions name. Never printed."""

    parameters: dict[str, str]
    """Query parameters that are no secrets."""
    ticket: str | None = None
    """In the place of `api_secret` or `token`."""
    robot_key: str | None = None
    api_secret: str | None = None
    token: str | None = None
    bearer: str | None = None

    def __repr__(self) -> str:
        return "Credentials(***)"


def credentials_of(scope: dict[str, Any]) -> Credentials:
    """Take the credentials out of an ASGI scope; its query string is overwritten without them.

    The scope is the same object that the server logs from, so what is gone here cannot be logged there.

    Raises:
        AuthError: the query is overlong, malformed, or names a parameter twice.
    """
    raw: bytes = scope.get("query_string", b"")
    scope["query_string"] = b"" if not raw else b"***"
    if len(raw) > MAX_QUERY_BYTES:
        raise AuthError("too long", field="query")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise AuthError("not well formed", field="query") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise AuthError("a parameter is given twice", field="query")
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme, _, bearer = headers.get(b"authorization", "").partition(" ")
    header_token = bearer.strip() if scheme.lower() == "bearer" else None
    header_key = headers.get(b"x-api-key")
    secret = {name: parameters.pop(name, None) for name in SECRET_PARAMETERS}
    tickets = [text for text in (secret["api_secret"], secret["token"]) if is_ticket(text)]
    return Credentials(
        parameters=parameters,
        ticket=_first(*tickets),
        robot_key=_first(secret["api_key"], header_key, header_token),
        api_secret=_first(secret["api_secret"], headers.get(b"x-api-secret")),
        token=_first(secret["token"], header_token, header_key),
        bearer=header_token,
    )


def _first(*values: str | None) -> str | None:
    return next((value for value in values if value is not None), None)


def origin_allowed(origin: str | None, host: str, allowed: tuple[str, ...], scheme: str) -> bool:
    """Whether a page of this origin may connect: our own, or one of `allowed`, exactly. No origin is no page."""
    if origin is None:
        return True
    own = f"{'https' if scheme in ('wss', 'https') else 'http'}://{host}"
    return (host != "" and origin.lower() == own.lower()) or origin in allowed


def host_allowed(scope: Mapping[str, Any], allowed: tuple[str, ...]) -> bool:
    """Whether a request names us as its host: this machine, any IP address, or one of `allowed` (in lower case).

    A page of somebody's that makes its own name resolve to our address (DNS rebinding) still sends that name, so
    names are checked; an address cannot be made to resolve to another. HTTP/1.0 need not name a host; no browser
    speaks it.
    """
    values = [value for name, value in scope["headers"] if name.lower() == b"host"]
    if len(values) != 1:
        return not values and scope["http_version"] == "1.0"
    match = _HOST.fullmatch(values[0].decode("latin-1"))
    if match is None:
        return False
    name = (match["address"] or match["name"]).lower().removesuffix(".")
    if _is_address(name):
        return True
    return match["name"] is not None and (name == "localhost" or name.endswith(".localhost") or name in allowed)


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class LoginAttempts:
    """How often one user may be tried from one address; a try that is refused costs nothing.

    Whoever waits as long as told is let in then: its turn was paid when it was refused.
    """

    __slots__ = ("_bucket", "_turn_at")

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(LOGIN_LIMIT, now)
        self._turn_at: float | None = None

    def take(self, now: float) -> float:
        """Seconds to wait before the next try; 0.0 means go. `now` is monotonic seconds."""
        if self._turn_at is None:
            delay = self._bucket.take(now)
            self._turn_at = now + delay if delay > 0 else None
            return delay
        if now < self._turn_at:
            return self._turn_at - now
        self._turn_at = None
        return 0.0


class Authenticator:
    """Proves who someone is. Its errors never hold the credential."""

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, *, logins_remembered: int = LOGINS_REMEMBERED
    ) -> None:
        self._logins_remembered = logins_remembered
        self._store = store
        self._clock = clock
        self._api_secret = settings.api_secret.get_secret_value()
        self._password = settings.admin_password.get_secret_value()
        self._signing_key = hashlib.sha256(settings.jwt_secret.get_secret_value().encode()).digest()
        self._ttl_seconds = settings.jwt_ttl_seconds
        self._logins: OrderedDict[tuple[str, bool], LoginAttempts] = OrderedDict()

    async def robot(self, key_text: str | None, robot_id: str) -> Principal:
        """The robot that a key belongs to.

        Raises:
            AuthError: 4001 missing, malformed, unknown or revoked; 4003 valid, but of another robot.
        """
        principal = await self.key_holder(key_text)
        if principal.robot_id != robot_id:
            raise AuthError("it belongs to another robot", CloseCode.FORBIDDEN, field="api_key")
        return principal

    async def key_holder(self, key_text: str | None) -> Principal:
        """The robot that a valid key belongs to. Raises AuthError."""
        key_id = key_id_of(key_text) if key_text else None
        key = await self._store.key(key_id) if key_id else None
        stored = key.digest if key is not None and key.revoked_at is None else ""
        if key is None or key_text is None or not secrets.compare_digest(digest(key_text), stored):
            raise AuthError("missing, unknown or revoked", field="api_key")
        return Principal(Role.ROBOT, f"robot {key.robot_id}", key.tenant_id, key.robot_id, key.key_id)

    def admin(self, secret: str | None) -> Principal:
        """Whoever knows the admin secret. Raises AuthError."""
        if not secret or not same_secret(secret, self._api_secret):
            raise AuthError("missing or wrong", field="api_secret")
        return Principal(Role.ADMIN, ADMIN_USER)

    def dashboard(self, credentials: Credentials) -> Principal:
        """Who may use /ws/admin and /ws/logs: the admin secret, or a bearer token of an admin. Raises AuthError."""
        if credentials.api_secret is None and credentials.bearer is not None:
            return self.bearer(credentials.bearer)
        return self.admin(credentials.api_secret)

    async def monitoring(self, token: str | None) -> Principal:
        """Who may watch: the holder of a JWT or of a robot key. Raises AuthError."""
        if token and token.count(".") == 2:
            return self.bearer(token)
        try:
            return await self.key_holder(token)
        except AuthError as error:
            raise AuthError("missing or wrong", field="token") from error

    def bearer(self, token: str) -> Principal:
        """The user of a JWT of ours.

        Raises:
            AuthError: 4002 expired, 4001 anything else.
        """
        claims = self._claims(token)
        return Principal(Role.ADMIN, str(claims["sub"]), claims.get("tenant_id"), expires_at=float(claims["exp"]))

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._signing_key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS},
            )
        except jwt.ExpiredSignatureError:
            raise AuthError(EXPIRED, CloseCode.AUTH_EXPIRED, field="token") from None
        except jwt.PyJWTError:
            raise AuthError("not a valid token", field="token") from None
        expires_at = float(claims["exp"])
        if expires_at <= time.time():  # the leeway is for clocks that are behind, not for a longer life
            raise AuthError(EXPIRED, CloseCode.AUTH_EXPIRED, field="token")
        roles, tenant_id = claims["roles"], claims.get("tenant_id", "")
        if claims["typ"] != TOKEN_TYPE or not isinstance(roles, list) or Role.ADMIN not in roles or tenant_id == "":
            raise AuthError("not a token for this", field="token")
        return claims

    def issue_token(self, username: str) -> tuple[str, int]:
        """A signed token and its life in seconds."""
        now = int(time.time())
        return self._signed({"sub": username, "roles": [Role.ADMIN.value], "tenant_id": None, "auth_time": now}, now)

    def refresh(self, token: str) -> tuple[str, int]:
        """Another token for the holder of one that has not expired, up to `SESSION_SECONDS` after the login.

        Raises:
            AuthError: the token is not valid, or the session has lasted long enough.
        """
        claims, now = self._claims(token), int(time.time())
        signed_in_at = int(claims.get("auth_time", claims["iat"]))
        if now - signed_in_at >= SESSION_SECONDS:
            raise AuthError("the session has ended; sign in again", CloseCode.AUTH_EXPIRED, field="token")
        kept = {"sub": claims["sub"], "roles": claims["roles"], "tenant_id": claims.get("tenant_id")}
        return self._signed({**kept, "auth_time": signed_in_at}, now)

    def _signed(self, about: dict[str, Any], now: int) -> tuple[str, int]:
        claims = {
            **about,
            "typ": TOKEN_TYPE,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + self._ttl_seconds,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._signing_key, algorithm=ALGORITHM), self._ttl_seconds

    def login(self, username: str, password: str, address: str) -> tuple[str, int]:
        """A token for the right password.

        Raises:
            AuthError: wrong user or password, without saying which.
            RateLimited: too many tries from this address for this user; nobody else is slowed.
        """
        right_user = same_secret(username, ADMIN_USER)
        # Unknown users share one place, so that making them up pushes nobody out of memory.
        delay = self._attempts(address, right_user).take(self._clock.monotonic())
        if delay > 0:
            raise RateLimited(f"too many logins; try again in {math.ceil(delay)} s", delay)
        if not same_secret(password, self._password) or not right_user:
            raise AuthError("username or password: wrong")
        return self.issue_token(ADMIN_USER)

    def _attempts(self, address: str, right_user: bool) -> LoginAttempts:
        key = (address, right_user)
        attempts = self._logins.get(key)
        if attempts is None:
            attempts = self._logins[key] = LoginAttempts(self._clock.monotonic())
            if len(self._logins) > self._logins_remembered:
                self._logins.popitem(last=False)
        self._logins.move_to_end(key)
        return attempts
