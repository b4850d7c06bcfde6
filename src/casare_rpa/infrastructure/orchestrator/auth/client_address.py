"""The network address of a client, as limits and the audit trail use it."""

import ipaddress
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"
IPV6_CLIENT_BITS = 64
"""A client usually has a whole /64. Source: RFC 6177."""


def client_address(scope: Mapping[str, Any]) -> str:
    """The IP address of the client of an ASGI scope, or `unknown`.

    A trusted proxy may forward any text as the address. Such text must not reach a log or the audit trail.
    """
    client = scope.get("client")
    try:
        return str(ipaddress.ip_address(client[0] if client else ""))
    except ValueError:
        return UNKNOWN


def network_of(address: str) -> str:
    """The addresses that one client can use: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_CLIENT_BITS), strict=False))
