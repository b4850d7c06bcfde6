"""Passwords in URLs, to keep them out of logs."""

from urllib.parse import parse_qs, unquote, urlsplit


def passwords_in(url: str) -> list[str]:
    """The passwords in the URL of a database, as they stand there and decoded. Empty if there are none."""
    try:
        parts = urlsplit(url)
    except ValueError:  # several hosts can look like a broken address
        parts = urlsplit("")
    user_info = parts.netloc.rpartition("@")[0]
    _, _, password = user_info.partition(":")
    found = {password, unquote(password), *parse_qs(parts.query).get("password", [])}
    return sorted(found - {""})


def holds_credentials(url: str) -> bool:
    """Whether a part of the URL before the host may be a password or a token."""
    return "@" in url
