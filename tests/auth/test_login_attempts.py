"""The stored login attempts: counted, and limited in number."""

import pytest

from casare_rpa.domain.errors import RateLimited
from casare_rpa.infrastructure.orchestrator.auth.login_attempts import LoginAttempts
from fake_clock import FakeClock

ADDRESS = "192.0.2.1"
BURST = 5


def admitted(attempts: LoginAttempts, address: str = ADDRESS, *, known_user: bool = True) -> bool:
    try:
        attempts.count_attempt(address, known_user=known_user)
    except RateLimited:
        return False
    return True


def test_unknown_names_share_one_limit_and_do_not_use_up_that_of_the_admin() -> None:
    attempts = LoginAttempts(FakeClock())
    assert [admitted(attempts, known_user=False) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert [admitted(attempts) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert len(attempts) == 2


def test_least_recently_used_address_is_dropped_at_the_bound() -> None:
    attempts = LoginAttempts(FakeClock(), max_addresses=3)
    for _ in range(BURST):
        admitted(attempts, "192.0.2.1")
    for last in (2, 3):
        admitted(attempts, f"192.0.2.{last}")
    assert not admitted(attempts, "192.0.2.1")  # counts as use, so that 192.0.2.2 is now the oldest
    admitted(attempts, "192.0.2.4")
    assert len(attempts) == 3
    assert not admitted(attempts, "192.0.2.1")
    for last in (5, 6, 7):
        admitted(attempts, f"192.0.2.{last}")
    assert len(attempts) == 3
    assert admitted(attempts, "192.0.2.1")


def test_announced_delay_is_enough_and_refused_attempts_do_not_extend_it() -> None:
    clock = FakeClock()
    attempts = LoginAttempts(clock)
    for _ in range(BURST):
        attempts.count_attempt(ADDRESS, known_user=True)
    with pytest.raises(RateLimited, match="try again in 5 s") as error:
        attempts.count_attempt(ADDRESS, known_user=True)
    for _ in range(100):
        assert not admitted(attempts)
    clock.advance(error.value.retry_after_seconds)
    assert admitted(attempts)
    assert not admitted(attempts)
