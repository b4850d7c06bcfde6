"""Times and delays: backoff, retries of jobs, and the rules of close codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain import liveness
from casare_rpa.domain.liveness import Backoff, reconnect_after, retry_delay_seconds
from casare_rpa.domain.vocabulary import CloseCode, Reconnect

JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)


def test_deadlines_are_those_of_the_protocol() -> None:
    assert liveness.HEARTBEAT_INTERVAL_SECONDS == 30
    assert liveness.HEARTBEAT_TIMEOUT_SECONDS == 90
    assert liveness.PING_AFTER_SILENCE_SECONDS == 30
    assert liveness.LEASE_SECONDS == 90
    assert liveness.OFFER_TTL_SECONDS == 15
    assert liveness.SLOW_RECONNECT_SECONDS == 300


@pytest.mark.parametrize(("attempt", "bound"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (10_000, 60)])
def test_backoff_doubles_up_to_a_minute(attempt: int, bound: float) -> None:
    assert Backoff().delay(attempt, 0.5) == bound / 2


@given(attempt=st.integers(0, 10**9), jitter=JITTER)
def test_backoff_is_between_zero_and_the_cap(attempt: int, jitter: float) -> None:
    assert 0 <= Backoff().delay(attempt, jitter) <= 60


@pytest.mark.parametrize(("starts", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (8, 600), (1000, 600)])
def test_retry_delay_doubles_up_to_ten_minutes(starts: int, seconds: float) -> None:
    assert retry_delay_seconds(starts, 0.0) == seconds / 2
    assert retry_delay_seconds(starts, 1.0) == seconds


@pytest.mark.parametrize("code", list(CloseCode))
def test_client_follows_the_rule_of_the_close_code(code: CloseCode) -> None:
    assert reconnect_after(int(code)) is code.reconnect


@pytest.mark.parametrize("code", [None, 1005, 1006, 1015, 3000, 4099])
def test_client_reconnects_after_an_unknown_close_code(code: int | None) -> None:
    assert reconnect_after(code) is Reconnect.YES
