"""The credentials of a connection and the principals that they authenticate, with the real store."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import Principal, RobotKey, Role, digest, make_key
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth import session_tokens
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import (
    Credentials,
    credentials_of,
    origin_allowed,
)
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database

SECRET = "the-admin-secret-0123456789-Zm9v"
JWT_SECRET = "the-jwt-secret-of-these-tests-Zm9v"
PASSWORD = "the-password-0123456789-Zm9v"
SIGNING_KEY = JWT_SECRET.encode()
KEY = make_key("keyidkeyid", "s" * 43)
REVOKED = make_key("revokedkey", "r" * 43)
ADDRESS = "192.0.2.1"
NOW = FakeClock().now() // MICROSECONDS_PER_SECOND
"""Unix seconds of the clock of these tests."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(new_database(tmp_path))
    try:
        robot = Robot(
            robot_id="alpha",
            tenant_id="default",
            name="",
            tags=(),
            max_concurrent_jobs=None,
            created_at=clock.now(),
        )
        await opened.add_robot(robot, audit=AN_ENTRY)
        await opened.add_key(RobotKey("keyidkeyid", "alpha", "default", digest(KEY), clock.now()), audit=AN_ENTRY)
        await opened.add_key(RobotKey("revokedkey", "alpha", "default", digest(REVOKED), clock.now()), audit=AN_ENTRY)
        await opened.revoke_key("alpha", "revokedkey", clock.now(), audit=AN_ENTRY)
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def authenticator(store: SqliteStore, clock: FakeClock, tmp_path: Path) -> Authenticator:
    settings = Settings(api_secret=SECRET, jwt_secret=JWT_SECRET, admin_password=PASSWORD, data_dir=tmp_path)
    return Authenticator(store, settings, clock)


def scope(query: bytes = b"", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "websocket", "query_string": query, "headers": pairs}


def claims(**changes: Any) -> dict[str, Any]:
    usual = {
        "sub": "admin",
        "typ": "access",
        "roles": ["admin"],
        "tenant_id": None,
        "iss": session_tokens.ISSUER,
        "aud": session_tokens.AUDIENCE,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 60,
        "jti": "1",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not ...}


def refusal(error: pytest.ExceptionInfo[AuthError], credential: str | None) -> CloseCode:
    """The close code; the sentence must not hold the credential."""
    if credential:
        assert credential not in str(error.value)
        assert credential not in repr(error.value.__cause__)
    return error.value.close_code


# Credentials of a connection


@pytest.mark.parametrize(
    ("query", "field"),
    [("api_key", "robot_key"), ("api_secret", "api_secret"), ("token", "token")],
)
def test_credentials_are_taken_from_the_query_and_overwritten_in_place(query: str, field: str) -> None:
    connection = scope(f"min_level=INFO&{query}=canary%2Bvalue&tenant_id=".encode())
    same_object = connection
    found = credentials_of(connection)
    assert getattr(found, field) == "canary+value"
    assert found.parameters == {"min_level": "INFO"}, "an empty parameter counts as absent"
    assert same_object["query_string"] == b"***"
    assert "canary" not in repr(found)


def test_credentials_are_taken_from_headers() -> None:
    assert credentials_of(scope(X_API_Key="k")).robot_key == "k"
    assert credentials_of(scope(X_API_Secret="s")).api_secret == "s"
    found = credentials_of(scope(Authorization="bearer  t"))
    assert (found.token, found.robot_key) == ("t", "t")
    assert credentials_of(scope(Authorization="Basic dTpw")) == Credentials({})


def test_empty_parameter_counts_as_absent() -> None:
    assert credentials_of(scope(b"api_key=&since=", X_API_Key="h")) == Credentials({}, robot_key="h", token="h")
    assert credentials_of(scope(b"token=&token=t&api_secret=")).token == "t"
    assert not credentials_of(scope(b"token=", X_API_Key="h")).token_in_query


def test_credentials_in_the_query_take_precedence_over_headers() -> None:
    assert credentials_of(scope(b"api_key=q", X_API_Key="h")).robot_key == "q"


@pytest.mark.parametrize(
    "query",
    [
        b"api_key=canary&api_key=canary",
        b"api_key=canary&%61pi_key=canary",
        b"min_level=INFO&min_level=INFO&api_key=canary",
        b"api_key=" + b"canary" * 2000,
        b"api_key=canary\xff",
        b"api_key=canary%ff",
        b"&".join(b"p%d=canary" % number for number in range(40)),
    ],
)
def test_malformed_query_is_refused_and_overwritten(query: bytes) -> None:
    connection = scope(query)
    with pytest.raises(AuthError, match=r"^query: ") as error:
        credentials_of(connection)
    assert refusal(error, "canary") is CloseCode.AUTH_FAILED
    assert connection["query_string"] == b"***"


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "expected"),
    [
        (None, "app.example", "ws", True),
        (None, "", "ws", True),
        ("http://app.example", "app.example", "ws", True),
        ("http://App.Example", "app.example", "ws", True),
        ("http://app.example:8000", "app.example:8000", "ws", True),
        ("https://app.example", "app.example", "wss", True),
        ("https://app.example", "app.example", "ws", False),
        ("http://app.example", "app.example", "wss", False),
        ("http://app.example", "app.example:8000", "ws", False),
        ("http://app.example.evil", "app.example", "ws", False),
        ("http://app.example/", "app.example", "ws", False),
        ("http://evil@app.example", "app.example", "ws", False),
        ("http://", "", "ws", False),
        ("null", "app.example", "ws", False),
        ("", "app.example", "ws", False),
        ("http://[", "app.example", "ws", False),
        ("https://other.example", "app.example", "ws", True),
        ("https://other.example:443", "app.example", "ws", False),
        ("https://other.example.evil", "app.example", "ws", False),
    ],
)
def test_origin_must_be_the_servers_own_or_listed_exactly(
    origin: str | None, host: str, scheme: str, expected: bool
) -> None:
    assert origin_allowed(origin, host, ("https://other.example",), scheme) is expected


# Robots


async def test_robot_key_identifies_its_robot_and_tenant(authenticator: Authenticator) -> None:
    expected = Principal(Role.ROBOT, "robot alpha", "default", "alpha", "keyidkeyid")
    assert await authenticator.robot(KEY, "alpha") == expected
    assert await authenticator.monitoring(KEY) == expected


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "crpa_",
        "crpa_garbage",
        KEY[:-1],
        KEY + "0",
        KEY.swapcase(),
        make_key("keyidkeyid", "t" * 43),
        make_key("nobodyskey", "s" * 43),
        REVOKED,
        SECRET,
        "crpa_" + "é" * 59,
    ],
)
async def test_invalid_robot_key_is_refused(authenticator: Authenticator, key: str | None) -> None:
    with pytest.raises(AuthError) as error:
        await authenticator.robot(key, "alpha")
    assert refusal(error, key) is CloseCode.AUTH_FAILED
    with pytest.raises(AuthError) as error:
        await authenticator.monitoring(key)
    assert refusal(error, key) is CloseCode.AUTH_FAILED


async def test_key_of_another_robot_is_forbidden(authenticator: Authenticator) -> None:
    with pytest.raises(AuthError) as error:
        await authenticator.robot(KEY, "beta")
    assert refusal(error, KEY) is CloseCode.FORBIDDEN


# Admins


async def test_admin_secret_is_accepted(authenticator: Authenticator) -> None:
    assert authenticator.admin(SECRET) == Principal(Role.ADMIN, "admin")
    assert await authenticator.dashboard(Credentials({}, api_secret=SECRET)) == Principal(Role.ADMIN, "admin")


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1], SECRET + "x", "é", PASSWORD, KEY])
async def test_wrong_admin_secret_is_refused(authenticator: Authenticator, secret: str | None) -> None:
    with pytest.raises(AuthError) as error:
        authenticator.admin(secret)
    assert refusal(error, secret) is CloseCode.AUTH_FAILED


async def test_token_is_not_accepted_as_admin_secret(authenticator: Authenticator) -> None:
    token, _ = authenticator.tokens.issue("admin")
    with pytest.raises(AuthError):
        await authenticator.dashboard(Credentials({}, api_secret=token))
    assert (await authenticator.dashboard(Credentials({}, token=token))).role is Role.ADMIN


# Tokens


async def test_issued_token_is_valid_until_it_expires(authenticator: Authenticator, clock: FakeClock) -> None:
    token, expires_in = authenticator.tokens.issue("admin")
    found = await authenticator.bearer(token)
    assert expires_in == 900
    assert (found.role, found.name, found.tenant_id) == (Role.ADMIN, "admin", None)
    assert found.expires_at == NOW + 900
    assert await authenticator.monitoring(token) == found
    clock.advance(899)
    assert await authenticator.bearer(token) == found
    clock.advance(1)
    with pytest.raises(AuthError, match=r"^token: it has expired") as error:
        await authenticator.bearer(token)
    assert error.value.close_code is CloseCode.AUTH_EXPIRED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": NOW - 1}, CloseCode.AUTH_EXPIRED),
        ({"exp": NOW - 3600}, CloseCode.AUTH_EXPIRED),
        ({"exp": NOW}, CloseCode.AUTH_EXPIRED),
        ({"exp": "soon"}, CloseCode.AUTH_FAILED),
        ({"exp": float("inf")}, CloseCode.AUTH_FAILED),
        ({"nbf": float("nan")}, CloseCode.AUTH_FAILED),
        ({"nbf": NOW + 31}, CloseCode.AUTH_FAILED),
        ({"nbf": NOW + 3600}, CloseCode.AUTH_FAILED),
        ({"iat": NOW + 3600}, CloseCode.AUTH_FAILED),
        ({"iss": "someone-else"}, CloseCode.AUTH_FAILED),
        ({"aud": "something-else"}, CloseCode.AUTH_FAILED),
        ({"typ": "refresh"}, CloseCode.AUTH_FAILED),
        ({"roles": []}, CloseCode.AUTH_FAILED),
        ({"roles": ["viewer"]}, CloseCode.AUTH_FAILED),
        ({"roles": "admin"}, CloseCode.AUTH_FAILED),
        ({"tenant_id": ["acme"]}, CloseCode.AUTH_FAILED),
        ({"tenant_id": ""}, CloseCode.AUTH_FAILED),
        ({"tenant_id": "two words"}, CloseCode.AUTH_FAILED),
        ({"sub": ""}, CloseCode.AUTH_FAILED),
        ({"sub": "two\nlines"}, CloseCode.AUTH_FAILED),
        ({"sub": "long" * 65}, CloseCode.AUTH_FAILED),
        ({"sub": 7}, CloseCode.AUTH_FAILED),
        ({"exp": True}, CloseCode.AUTH_FAILED),
        ({"sid": 7}, CloseCode.AUTH_FAILED),
        ({"sid": "lgn-of-nobody"}, CloseCode.AUTH_FAILED),
        *[({name: ...}, CloseCode.AUTH_FAILED) for name in session_tokens.REQUIRED_CLAIMS],
    ],
)
async def test_token_with_a_wrong_claim_is_refused(
    authenticator: Authenticator, changes: dict[str, Any], code: CloseCode
) -> None:
    token = jwt.encode(claims(**changes), SIGNING_KEY, algorithm="HS256")
    with pytest.raises(AuthError) as error:
        await authenticator.bearer(token)
    assert refusal(error, token) is code


@pytest.mark.parametrize("name", [name for name in claims() if name not in session_tokens.REQUIRED_CLAIMS])
async def test_token_needs_no_other_claims(authenticator: Authenticator, name: str) -> None:
    token = jwt.encode(claims(**{name: ...}), SIGNING_KEY, algorithm="HS256")
    assert (await authenticator.bearer(token)).name == "admin"


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "roles", "tenant_id", "exp"])
async def test_refusal_of_a_signed_token_names_the_claim(authenticator: Authenticator, name: str) -> None:
    token = jwt.encode(claims(**{name: ...}), SIGNING_KEY, algorithm="HS256")
    with pytest.raises(AuthError, match=f"^token: not a valid token, because the claim {name} is missing$"):
        await authenticator.bearer(token)


async def test_token_is_accepted_if_the_server_clock_is_slightly_behind(authenticator: Authenticator) -> None:
    soon = NOW + 20
    token = jwt.encode(claims(nbf=soon, iat=soon), SIGNING_KEY, algorithm="HS256")
    assert (await authenticator.bearer(token)).name == "admin"


@pytest.mark.parametrize(
    ("key", "algorithm", "headers"),
    [
        ("", "none", {}),
        (b"0" * 32, "HS256", {}),
        (JWT_SECRET.encode() * 2, "HS256", {}),
        (hashlib.sha256(JWT_SECRET.encode()).digest(), "HS256", {}),
        (SIGNING_KEY + b"0" * 32, "HS512", {}),
        (b"0" * 32, "HS256", {"kid": "../../dev/null", "jku": "https://evil.example/keys", "x5u": "https://evil"}),
    ],
)
async def test_token_with_a_foreign_signature_is_refused(
    authenticator: Authenticator, key: bytes, algorithm: str, headers: dict[str, str]
) -> None:
    token = jwt.encode(claims(), key, algorithm=algorithm, headers=headers)
    with pytest.raises(AuthError) as error:
        await authenticator.bearer(token)
    assert refusal(error, token) is CloseCode.AUTH_FAILED


async def test_header_parameters_of_a_token_are_ignored(authenticator: Authenticator) -> None:
    headers = {"kid": "1", "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    token = jwt.encode(claims(), SIGNING_KEY, algorithm="HS256", headers=headers)
    assert (await authenticator.bearer(token)).name == "admin"


@pytest.mark.parametrize("token", ["..", "a.b.c", "", "é.é.é", "eyJhbGciOiJIUzI1NiJ9.e30."])
async def test_missing_token_is_refused(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(AuthError) as error:
        await authenticator.bearer(token)
    assert error.value.close_code is CloseCode.AUTH_FAILED


def test_secret_with_reserved_characters_survives_the_query() -> None:
    secret = "a+b/c=d&e %f"
    assert credentials_of(scope(f"api_secret={quote(secret, safe='')}".encode())).api_secret == secret
