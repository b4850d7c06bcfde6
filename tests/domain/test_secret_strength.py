"""Secrets that guessing tools find first are weak; random ones and long phrases are not."""

import secrets

import pytest

from casare_rpa.domain.secret_strength import weakness_of


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "0000000000000000",
        "1234567890123456",
        "0123456789abcdef",
        "abcdefghijklmnop",
        "ponmlkjihgfedcba",
        "passwordpassword",
        "Password12345678",
        "changemechangeme",
        "admin-secret-123",
        "qwertyuiopasdfgh",
        "secret-token-2345-jwt",
        "Pa55-Pa55-Pa55-Pa55-Xyz8Pa55-Pa55-Pa55-Pa55-Xyz8",
        "casare-orchestrator-secret",
        "x" * 10_000,
    ],
)
def test_guessable_secret_is_weak_and_the_reason_does_not_contain_it(secret: str) -> None:
    reason = weakness_of(secret)
    assert reason is not None
    assert not secret or secret not in reason


@pytest.mark.parametrize(
    "secret",
    [
        "correct-horse-battery-staple",
        "Tr0ub4dor&3-zwiebel",
        "ключ-от-квартиры-7",
        "f3a9c27be01d4856",
        "a" * 20 + "zq7Kd0pW",
    ],
)
def test_secret_that_a_person_chose_well_is_not_weak(secret: str) -> None:
    assert weakness_of(secret) is None


def test_generated_secrets_are_never_weak() -> None:
    assert not any(weakness_of(secrets.token_urlsafe(32)) for _ in range(2_000))
    assert not any(weakness_of(secrets.token_hex(16)) for _ in range(2_000))
