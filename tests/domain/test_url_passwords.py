"""Passwords in URLs are found wherever they can stand."""

import pytest

from casare_rpa.domain.url_passwords import holds_credentials, passwords_in


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://casare@db/casare", []),
        ("postgresql://casare:a%40b@db,other:5433/casare", ["a%40b", "a@b"]),
        ("postgresql://db/casare?user=casare&password=se%3Dcret", ["se=cret"]),
        ("postgresql://[db/casare", []),
    ],
)
def test_passwords_are_found(url: str, passwords: list[str]) -> None:
    assert passwords_in(url) == passwords


def test_token_counts_as_a_credential() -> None:
    assert holds_credentials("nats://token@host")
    assert not holds_credentials("nats://host")
