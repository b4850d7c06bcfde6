"""Robot keys and principals: formats, digests and comparisons, without lookups and without randomness.

A robot key is `crpa_`, a key id of 10 characters, a secret of 43 (256 bits) and a CRC-32 of 6, all in base 62. With
the checksum, a malformed key is rejected without a query of the store, and secret scanners recognise a leaked key.
"""

import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass
from enum import StrEnum

from casare_rpa.domain.instants import Instant

KEY_PREFIX = "crpa_"
KEY_ID_LENGTH = 10
KEY_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_KEY_LENGTH = len(KEY_PREFIX) + KEY_ID_LENGTH + KEY_SECRET_LENGTH + _CHECKSUM_LENGTH
SECRET_REPEAT_SECONDS = 24 * 3600.0
"""How long a request that creates a secret can be repeated with its idempotency key."""
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Role(StrEnum):
    """The permissions of a principal.

    An admin may use all commands, a viewer may only read, a robot may only serve its own connection.
    """

    ADMIN = "admin"
    VIEWER = "viewer"
    ROBOT = "robot"


Holder = tuple[Role, str | None, str | None, str]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated peer. `tenant_id` is `None` for access to all tenants; `expires_at` is Unix seconds."""

    role: Role
    name: str
    tenant_id: str | None = None
    robot_id: str | None = None
    key_id: str | None = None
    expires_at: float | None = None
    login_id: str | None = None
    """The login session of a token; `None` for other credentials and for tokens of other programs."""

    @property
    def holder(self) -> Holder:
        """Whom the limits of a credential count.

        A name is not unique: a token of another program, a view link or a user of another tenant can have it, too.
        """
        return (self.role, self.tenant_id, self.robot_id, self.name)

    def sees(self, tenant_id: str) -> bool:
        return self.tenant_id in (None, tenant_id)


@dataclass(frozen=True, slots=True)
class LoginSession:
    """The period from a sign-in to its sign-out. Its tokens carry its id and are valid only while it is open.

    The session of a viewer is a view link: its `username` is the name of the link.

    `made_under` is a digest of the password and the signing secret at the sign-in: a session made under others is not
    open.
    """

    login_id: str
    username: str
    tenant_id: str | None
    address: str
    signed_in_at: Instant
    expires_at: Instant
    made_under: str
    ended_at: Instant | None = None
    role: Role = Role.ADMIN

    def is_open(self, at: Instant, made_under: str) -> bool:
        return self.ended_at is None and at < self.expires_at and self.made_under == made_under


@dataclass(frozen=True, slots=True)
class RobotKey:
    """A stored robot key. `digest` is the SHA-256 of the key; the key itself is not stored."""

    key_id: str
    robot_id: str
    tenant_id: str
    digest: str
    created_at: int
    revoked_at: int | None = None


def make_key(key_id: str, secret: str) -> str:
    """The text of a key. `key_id` has 10 characters and `secret` 43, both in base 62."""
    body = f"{KEY_PREFIX}{key_id}{secret}"
    return body + _checksum(body)


def key_id_of(text: str) -> str | None:
    """The key id of a well-formed key; `None` if the form or the checksum is wrong."""
    if len(text) != _KEY_LENGTH or not text.startswith(KEY_PREFIX) or not text.isascii():
        return None
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    if not hmac.compare_digest(_checksum(body), checksum):
        return None
    return text[len(KEY_PREFIX) : len(KEY_PREFIX) + KEY_ID_LENGTH]


def digest(text: str) -> str:
    """SHA-256 in hex. A random 256-bit secret needs no slow hash, and ten thousand reconnects need a fast one."""
    return hashlib.sha256(text.encode()).hexdigest()


def derived(seed: bytes, *about: str | int) -> bytes:
    """64 bytes that only the holder of `seed` can compute, the same at each call, and others for another `about`."""
    return hmac.digest(seed, json.dumps(about, separators=(",", ":"), ensure_ascii=False).encode(), "sha512")


def same_secret(given: str, stored: str) -> bool:
    """Whether both are equal, in a time that does not depend on the position of the first difference."""
    return hmac.compare_digest(digest(given), digest(stored))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
