"""The URLs at which instances of the server ask each other."""

import re
from urllib.parse import urlsplit

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ADDRESS_6 = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
_UNSPECIFIED = re.compile(r"[0:.]+")
"""The addresses on which a server listens for all others, such as `0.0.0.0` and `::`."""


def host_of_instance(address: str) -> str:
    """The host in the URL of an instance, in lower case and without brackets; empty if it is not such a URL.

    A URL of an instance is http or https, has a host and perhaps a port, and nothing else.

    >>> host_of_instance("http://10.0.0.5:8000")
    '10.0.0.5'
    """
    try:
        url = urlsplit(address)
        host, port = url.hostname or "", url.port
    except ValueError:
        return ""
    if url.scheme not in ("http", "https") or "@" in url.netloc or port == 0:
        return ""
    if f"{url.scheme}://{url.netloc}" != address or _UNSPECIFIED.fullmatch(host):
        return ""
    return host if _NAME.fullmatch(host) or _ADDRESS_6.fullmatch(host) else ""
