"""Robot keys, and who a connection is: formats, digests, comparisons; no look-ups and no randomness.

A robot key is `crpa_` + 10 characters of key id + 43 of secret (256 bits) + 6 of CRC-32, all base 62. The checksum
turns away garbage without a look at the store and lets secret scanners recognise a leaked key.
"""

import hashlib
import hmac
import zlib
from dataclasses import dataclass
from enum import StrEnum

KEY_PREFIX = "crpa_"
KEY_ID_LENGTH = 10
KEY_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_KEY_LENGTH = len(KEY_PREFIX) + KEY_ID_LENGTH + KEY_SECRET_LENGTH + _CHECKSUM_LENGTH
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Role(StrEnum):
    """What a principal may do: an admin everything, a robot its own work."""

    ADMIN = "admin"
    ROBOT = "robot"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is on the other side. `tenant_id` `None` sees every tenant; `expires_at` is Unix seconds."""

    role: Role
    name: str
    tenant_id: str | None = None
    robot_id: str | None = None
    key_id: str | None = None
    expires_at: float | None = None

    def sees(self, tenant_id: str) -> bool:
        return self.tenant_id in (None, tenant_id)


@dataclass(frozen=True, slots=True)
class RobotKey:
    """A stored robot key; the secret itself is never kept, only its SHA-256."""

    key_id: str
    robot_id: str
    tenant_id: str
    digest: str
    created_at: int
    revoked_at: int | None = None


def make_key(key_id: str, secret: str) -> str:
    """The text of a key, to be shown once. Both parts are base 62, of 10 and 43 characters."""
    body = f"{KEY_PREFIX}{key_id}{secret}"
    return body + _checksum(body)


def key_id_of(text: str) -> str | None:
    """The key id of a well-formed key; `None` when it cannot be one of ours."""
    if len(text) != _KEY_LENGTH or not text.startswith(KEY_PREFIX) or not text.isascii():
        return None
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    if not hmac.compare_digest(_checksum(body), checksum):
        return None
    return text[len(KEY_PREFIX) : len(KEY_PREFIX) + KEY_ID_LENGTH]


def digest(text: str) -> str:
    """SHA-256 in hex: enough for a random 256-bit secret, and cheap enough for ten thousand reconnects."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_secret(given: str, stored: str) -> bool:
    """Equality in time that does not depend on where the two differ."""
    return hmac.compare_digest(digest(given), digest(stored))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
