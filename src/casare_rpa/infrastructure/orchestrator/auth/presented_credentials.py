"""The credentials, the host and the origin of a WebSocket handshake or an HTTP request.

Source: docs/reference/websocket-contract.md, Authentication.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.limits import MAX_QUERY_BYTES
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.tickets import is_ticket

SECRET_PARAMETERS = ("api_key", "api_secret", "token")
MAX_QUERY_PARAMETERS = 32
MAX_SHOWN_CHARACTERS = 100
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of one handshake, one field for each place. Its `repr` hides them."""

    parameters: dict[str, str]
    """The query parameters that are not credentials."""
    ticket: str | None = None
    """Sent in the place of `api_secret` or `token`."""
    robot_key: str | None = None
    api_secret: str | None = None
    token: str | None = None
    token_in_query: bool = False
    """Whether `token` or its ticket was in the address. Browsers never add it by themselves."""

    def __repr__(self) -> str:
        return "Credentials(***)"


def credentials_of(scope: dict[str, Any]) -> Credentials:
    """Read the credentials of an ASGI scope and overwrite its query string.

    The server logs the address of a connection from the same scope object, so the overwritten query keeps secrets out
    of the access log.

    Raises:
        AuthError: the query is too long, malformed, or gives a parameter twice.
    """
    parameters = _parameters_of(scope)
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
        token_in_query=secret["token"] is not None,
    )


def _parameters_of(scope: dict[str, Any]) -> dict[str, str]:
    raw: bytes = scope.get("query_string", b"")
    # Before any check: a refused connection is logged, too.
    scope["query_string"] = b"" if not raw else b"***"
    if len(raw) > MAX_QUERY_BYTES:
        raise AuthError(f"over {MAX_QUERY_BYTES} bytes", field="query")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS
        )
    except ValueError:
        raise AuthError("not well formed", field="query") from None
    given = [(name, value) for name, value in pairs if value]  # an empty parameter counts as absent
    if len(dict(given)) != len(given):
        raise AuthError("a parameter is given twice", field="query")
    return dict(given)


def _first(*values: str | None) -> str | None:
    return next((value for value in values if value is not None), None)


def check_origin(scope: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raises AuthError (4004) when the handshake comes from a page of another origin that is not in `allowed`."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if not origin_allowed(headers.get(b"origin"), headers.get(b"host", ""), allowed, scope["scheme"]):
        origin = _shown(headers.get(b"origin", ""))
        sentence = f"{origin} may not connect; to allow it, add it to CASARE_ALLOWED_ORIGINS"
        raise AuthError(sentence, CloseCode.ADDRESS_REFUSED, field="origin")


def origin_allowed(origin: str | None, host: str, allowed: tuple[str, ...], scheme: str) -> bool:
    """Whether a page of `origin` may connect: the origin equals our own or one of `allowed`.

    Clients other than browsers send no `Origin` header, and pass.
    """
    if origin is None:
        return True
    own = f"{'https' if scheme in ('wss', 'https') else 'http'}://{host}"
    return (host != "" and origin.lower() == own.lower()) or origin in allowed


def check_host(scope: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raises AuthError (4004) when the `Host` header names another host than this server.

    Accepted are `localhost`, IP addresses, and the names in `allowed` (lower case).
    """
    if not _host_allowed(scope, allowed):
        hosts = b", ".join(value for name, value in scope["headers"] if name.lower() == b"host").decode("latin-1")
        sentence = f"{_shown(hosts)} is not a name of this server; to allow it, add it to CASARE_ALLOWED_HOSTS"
        raise AuthError(sentence, CloseCode.ADDRESS_REFUSED, field="host")


def _shown(value: str) -> str:
    """A text of a client, in quotes and cut to `MAX_SHOWN_CHARACTERS`."""
    return ascii(value[:MAX_SHOWN_CHARACTERS])


def _host_allowed(scope: Mapping[str, Any], allowed: tuple[str, ...]) -> bool:
    # DNS rebinding: a foreign page makes its own name resolve to our address. The browser still sends that name as
    # Host, so names are checked. An IP address cannot be rebound, so every address passes.
    values = [value for name, value in scope["headers"] if name.lower() == b"host"]
    if len(values) != 1:
        # HTTP/1.0 does not require the header, and browsers do not use it.
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
