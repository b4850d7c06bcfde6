"""Robot keys: form, checksum, comparison; and the access of a principal to tenants."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casare_rpa.domain.credentials import (
    BASE62,
    LoginSession,
    Principal,
    Role,
    derived,
    digest,
    key_id_of,
    make_key,
    same_secret,
)
from casare_rpa.domain.instants import Instant

KEY = make_key("A" * 10, "b" * 43)


def test_key_has_prefix_id_secret_and_checksum() -> None:
    assert KEY.startswith("crpa_AAAAAAAAAA" + "b" * 43)
    assert len(KEY) == 5 + 10 + 43 + 6
    assert key_id_of(KEY) == "A" * 10


@pytest.mark.parametrize(
    "text", ["", "crpa_", KEY[:-1], KEY + "0", "x" + KEY[1:], KEY[:-1] + "é", KEY[:20] + "c" + KEY[21:]]
)
def test_malformed_key_is_rejected_by_its_form(text: str) -> None:
    assert key_id_of(text) is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(BASE62, min_size=10, max_size=10), st.text(BASE62, min_size=43, max_size=43), st.integers(0, 63))
def test_every_key_is_recognised_and_every_altered_key_rejected(key_id: str, secret: str, position: int) -> None:
    key = make_key(key_id, secret)
    assert key_id_of(key) == key_id
    other = "0" if key[position] != "0" else "1"
    assert key_id_of(key[:position] + other + key[position + 1 :]) is None


def test_same_secret_compares_whole_texts() -> None:
    assert same_secret("a" * 40, "a" * 40)
    assert not same_secret("a" * 40, "a" * 39)
    assert digest("x") == digest("x") != digest("y")


def test_principal_without_tenant_sees_all() -> None:
    assert Principal(Role.ADMIN, "admin").sees("any")
    robot = Principal(Role.ROBOT, "robot", "acme")
    assert robot.sees("acme")
    assert not robot.sees("other")


def test_limits_count_principals_of_one_name_apart() -> None:
    one = Principal(Role.ADMIN, "ada")
    others = [Principal(Role.VIEWER, "ada"), Principal(Role.ADMIN, "ada", "acme"), Principal(Role.ADMIN, "bob")]
    assert one.holder == Principal(Role.ADMIN, "ada", login_id="another session").holder
    assert one.holder not in {other.holder for other in others}


@pytest.mark.parametrize(
    ("at", "made_under", "ended_at", "is_open"),
    [
        (0, "now", None, True),
        (99, "now", None, True),
        (100, "now", None, False),
        (50, "before", None, False),
        (50, "now", 40, False),
    ],
)
def test_login_session_is_open_until_it_ends_or_expires_or_a_secret_changes(
    at: int, made_under: str, ended_at: int | None, is_open: bool
) -> None:
    ended = None if ended_at is None else Instant(ended_at)
    login = LoginSession("lgn-1", "admin", None, "192.0.2.1", Instant(0), Instant(100), "now", ended)
    assert login.is_open(Instant(at), made_under) is is_open


def test_derived_secret_is_that_of_its_seed_and_its_parts() -> None:
    secret = derived(b"seed", "robot key", "ana", 7)
    assert len(secret) == 64
    assert secret == derived(b"seed", "robot key", "ana", 7)
    parts = [("robot key", "ana", 8), ("robot key", "ana", "7"), ("robot key", 'ana",7'), ("robot key", "ana\u2028", 7)]
    others = {derived(b"seed", *part) for part in parts} | {derived(b"other", "robot key", "ana", 7)}
    assert len(others - {secret}) == len(parts) + 1
