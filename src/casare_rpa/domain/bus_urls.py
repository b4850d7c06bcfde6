"""The URL of the bus between instances: `off`, or NATS servers with credentials."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

OFF = "off"
NATS_PORT = 4222
FORM = (
    "must be off, or nats://host:port or tls://host:port, with user:password@ or token@ before the host; further "
    "servers follow after commas"
)


@dataclass(frozen=True, slots=True)
class BusServer:
    """One server of the bus, and the credentials for it."""

    host: str
    port: int
    tls: bool
    """Whether the connection must be encrypted. Without, it is encrypted if the server demands it."""
    user: str | None = None
    secret: str | None = field(default=None, repr=False)
    """The password of the user, or a token if there is no user."""

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_bus_url(text: str) -> tuple[BusServer, ...]:
    """The servers of a URL, none for `off`.

    Raises:
        ValueError: the sentence has the allowed form, and no part of the text, which may be a secret.
    """
    if text.strip().lower() == OFF:
        return ()
    return tuple(_server(part.strip()) for part in text.split(","))


def _server(text: str) -> BusServer:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(FORM) from None
    if url.scheme not in ("nats", "tls") or not url.hostname or url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError(FORM)
    user, password = url.username, url.password
    if user == "" or password == "":
        raise ValueError("the user, the password or the token is empty; special characters in them are written as %40")
    name, secret = (None, user) if password is None else (user, password)
    return BusServer(
        url.hostname,
        NATS_PORT if port is None else port,
        url.scheme == "tls",
        None if name is None else unquote(name),
        None if secret is None else unquote(secret),
    )
