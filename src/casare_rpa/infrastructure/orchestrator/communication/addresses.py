"""URLs of an orchestrator: derives its WebSocket and HTTP endpoints from one address."""

import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from casare_rpa.domain.errors import ConnectFailed

START_HINT = "is it running? start it with `casare up`"
_SECURE = {"ws": False, "http": False, "wss": True, "https": True}


@dataclass(frozen=True, slots=True)
class Address:
    """Location of an orchestrator. `path` is the prefix that a proxy may add, without a trailing slash."""

    secure: bool
    netloc: str
    host: str
    path: str

    @property
    def http(self) -> str:
        """Base URL of the HTTP endpoints, without a trailing slash."""
        return f"{'https' if self.secure else 'http'}://{self.netloc}{self.path}"

    @property
    def shown(self) -> str:
        """The base URL without user and password, for logs and errors."""
        return f"{'https' if self.secure else 'http'}://{self.netloc.rpartition('@')[2]}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, which a proxy cannot reach. `0.0.0.0` and `::` lead to it too."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified

    def ssl_context(self) -> ssl.SSLContext | bool:
        """The trusted certificate authorities: those of `SSL_CERT_FILE` when it is set, else those of this machine."""
        return ssl.create_default_context() if self.secure else True

    @property
    def admin_socket(self) -> str:
        """The URL of /ws/admin. The secret travels in a header."""
        return f"{'wss' if self.secure else 'ws'}://{self.netloc}{self.path}/ws/admin"

    def robot_socket(self, robot_id: str, api_key: str | None = None) -> str:
        """The URL of /ws/robot/{robot_id}. With a key it must not be logged.

        Source: docs/reference/websocket-contract.md, Authentication.
        """
        scheme = "wss" if self.secure else "ws"
        credential = "" if api_key is None else f"?api_key={quote(api_key, safe='')}"
        return f"{scheme}://{self.netloc}{self.path}/ws/robot/{quote(robot_id, safe='')}{credential}"


def parse_address(text: str) -> Address:
    """Parse a ws://, wss://, http:// or https:// URL, with or without path and trailing slash.

    >>> parse_address("ws://localhost:8000/").http
    'http://localhost:8000'

    Raises:
        ConnectFailed: the text is not such a URL; not retryable.
    """
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname
        _ = parts.port  # evaluated lazily: raises ValueError for a port that is not a number
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in _SECURE or not host or any(c.isspace() for c in parts.netloc):
        raise ConnectFailed(
            "the orchestrator's URL is not valid; expected a URL like http://127.0.0.1:8000", retryable=False
        )
    return Address(_SECURE[parts.scheme], parts.netloc, host, parts.path.rstrip("/"))


def certificate_failure(error: BaseException, shown: str) -> str | None:
    """A sentence for a connection that failed because of the server's certificate; `None` for any other failure."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    hint = "for a private authority, set SSL_CERT_FILE to its file"
    return f"the certificate of {shown} is not valid: {cause.verify_message}; {hint}"
