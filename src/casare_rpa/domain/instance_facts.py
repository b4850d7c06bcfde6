"""What an instance of the server writes about itself, for people and for the start of other instances."""

import hashlib
import hmac

import msgspec

from casare_rpa.domain.instants import Instant

DIGEST_CHARACTERS = 16
SECRET_NAMES = ("jwt_secret", "api_secret", "admin_password")
"""The secrets that all instances on one store must share, in the order in which they are compared."""


class SecretDigests(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Digests of the secrets of an instance: equal secrets have equal digests, and no secret can be found from them.

    Each digest is keyed with the secrets before it, which are long and random. So an admin password that is easy to
    guess cannot be tried against its digest, not even with the signing key. Digests with another signing key differ in
    all fields.
    """

    jwt_secret: str = ""
    api_secret: str = ""
    admin_password: str = ""

    @classmethod
    def of(cls, *, jwt_secret: str, api_secret: str, admin_password: str) -> "SecretDigests":
        return cls(
            jwt_secret=_digest(jwt_secret, "jwt_secret", ""),
            api_secret=_digest(jwt_secret, "api_secret", api_secret),
            admin_password=_digest(f"{jwt_secret}\0{api_secret}", "admin_password", admin_password),
        )

    def different(self, other: "SecretDigests") -> str | None:
        """The name of the first secret that differs; `None` if all are equal, or one side has written none."""
        if not self.jwt_secret or not other.jwt_secret:
            return None
        return next((name for name in SECRET_NAMES if getattr(self, name) != getattr(other, name)), None)


def _digest(key: str, name: str, value: str) -> str:
    text = f"casare secret of instances: {name}\0{value}"
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256).hex()[:DIGEST_CHARACTERS]


class InstanceFacts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The facts of one instance, as it wrote them last. It decides nothing by them but its start.

    Every field has a default, and unknown fields are ignored when it is read: instances of several versions read each
    other's rows during an upgrade.
    """

    name: str = ""
    """The name that people gave it; unique among the instances that run."""
    address: str = ""
    """The URL at which other instances ask it; a proxy may publish another one."""
    version: str = ""
    schema: str = ""
    """The newest schema revision that its program knows."""
    started_at: Instant = Instant(0)
    robots: int = 0
    """Connections of robots to this instance."""
    viewers: int = 0
    """Other WebSocket connections to it, and streams of changes."""
    loop_lag_ms: float = 0.0
    """The longest delay of its event loop since the row before, in milliseconds."""
    feed_lag_ms: float = 0.0
    """How long its viewers have waited for the next change or log line that another instance wrote."""
    bus: str = ""
    """The kind of bus to other instances; `alone` for none."""
    bus_alive: bool = True
    store: str = ""
    """The kind of store: `sqlite` or `postgresql`."""
    draining: bool = False
    secrets: SecretDigests = SecretDigests()
