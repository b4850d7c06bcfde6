"""The log of refused hosts and origins: one WARNING for each value, and a limited number in all."""

import pytest

from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import check_host, check_origin
from casare_rpa.infrastructure.orchestrator.auth.refused_addresses import (
    MAX_DIFFERENT,
    REPEAT_SECONDS,
    RefusedAddresses,
)

SETTING = "CASARE_ALLOWED_ORIGINS"


def refusal(**headers: str) -> AuthError:
    scope = {
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()],
        "http_version": "1.1",
        "scheme": "ws",
    }
    check = check_origin if "origin" in headers else check_host
    with pytest.raises(AuthError) as refused:
        check(scope, ())
    return refused.value


def test_each_value_is_logged_once_within_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    times = iter((0.0, 1.0, REPEAT_SECONDS - 1, REPEAT_SECONDS))
    addresses = RefusedAddresses(lambda: next(times))
    for number in range(4):
        addresses.warn(refusal(host="orchestrator:8000"), f"10.0.0.{number}")
    text = "host: 'orchestrator:8000' is not a name of this server; to allow it, add it to CASARE_ALLOWED_HOSTS"
    assert caplog.messages == [f"refused a request from 10.0.0.{number}: {text}" for number in (0, 3)]


def test_values_are_logged_each(caplog: pytest.LogCaptureFixture) -> None:
    addresses = RefusedAddresses(lambda: 0.0)
    for origin in ("https://app.example", "null"):
        addresses.warn(refusal(origin=origin), "10.0.0.7")
    assert caplog.messages == [
        f"refused a request from 10.0.0.7: origin: '{origin}' may not connect; to allow it, add it to {SETTING}"
        for origin in ("https://app.example", "null")
    ]


def test_refused_values_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    addresses = RefusedAddresses(lambda: 0.0)
    for number in range(1_000):
        addresses.warn(refusal(host=f"h{number}-" + "x" * 8_000), "10.0.0.7")
    assert len(caplog.messages) == MAX_DIFFERENT
    assert max(map(len, caplog.messages)) < 300


def test_code_says_that_a_client_may_try_again_later() -> None:
    for refused in (refusal(host="other.example"), refusal(origin="null")):
        assert refused.close_code is CloseCode.ADDRESS_REFUSED
        assert refused.close_code.reconnect == "slowly"
