"""Guessing is slow and prevents no sign-in of others: turns per address, lanes per account, no lock-out."""

import asyncio
from pathlib import Path

import pytest

from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.auth.client_address import UNKNOWN, client_address, network_of
from casare_rpa.infrastructure.orchestrator.auth.login_turns import FAILURE_SECONDS, LANE_LIMIT, LoginTurns
from casare_rpa.infrastructure.orchestrator.ports.logins import AttemptStore
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database
from security.held_plane import stays

SHARED, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class Attempts:
    """The rates of a store, kept in memory."""

    def __init__(self) -> None:
        self.free_at: dict[str, float] = {}

    async def attempt(self, account: str, limit: RateLimit, at: Instant) -> float:
        interval = MICROSECONDS_PER_SECOND / limit.per_second
        self.free_at[account] = max(self.free_at.get(account, 0), at) + interval
        return max(0, self.free_at[account] - limit.burst * interval - at) / MICROSECONDS_PER_SECOND


class Desk:
    """Attempts at one or more accounts, with the order in which they were checked."""

    def __init__(self, attempts: AttemptStore | None = None, clock: FakeClock | None = None, **limits: int) -> None:
        self.clock = clock or FakeClock()
        self.turns = LoginTurns(attempts or Attempts(), self.clock, **limits)
        self.checked: list[str] = []

    def attempt(
        self, name: str, *, right: bool = False, address: str = SHARED, account: str = "admin", left: bool = False
    ) -> "asyncio.Task[bool]":
        def is_right() -> bool:
            self.checked.append(name)
            return right

        async def has_left() -> bool:
            return left

        return asyncio.create_task(self.turns.check(account, address, is_right, has_left))

    async def passes(self, seconds: float) -> None:
        """Advance the time in steps that are exact as floats, and run the due callbacks."""
        for _ in range(round(seconds * 8)):
            await self.settle()
            self.clock.advance(0.125)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_right_password_of_a_shared_address_is_accepted_while_others_guess(desk: Desk) -> None:
    """Four guessers of the same address never stop; the right password is checked in its turn."""
    guesses = {desk.attempt(f"guess {number}") for number in range(4)}
    right = desk.attempt("right", right=True)
    for _ in range(60):
        if right.done():
            break
        await desk.passes(1)
        guesses |= {desk.attempt("next guess") for done in list(guesses) if done.done() and not guesses.discard(done)}
    assert await right is True
    assert desk.checked.index("right") == 4, "the attempts before it, and none that came later"
    for guess in guesses:
        guess.cancel()


async def test_every_attempt_is_checked_one_at_a_time_in_the_order_of_arrival(desk: Desk) -> None:
    attempts = [desk.attempt(str(number)) for number in range(4)]
    for number in range(4):
        await desk.settle()
        assert desk.checked == [str(one) for one in range(number + 1)]
        assert not attempts[number].done()
        await desk.passes(FAILURE_SECONDS)
        assert attempts[number].done()
    assert [await attempt for attempt in attempts] == [False] * 4


async def test_failure_is_answered_after_a_second_and_success_at_once(desk: Desk) -> None:
    assert await desk.attempt("right", right=True) is True
    wrong = desk.attempt("wrong")
    await desk.passes(FAILURE_SECONDS - 0.125)
    assert not wrong.done()
    await desk.passes(0.125)
    assert await wrong is False


async def test_other_address_does_not_wait_for_a_guesser(desk: Desk) -> None:
    guess = desk.attempt("guess")
    await desk.settle()
    assert await desk.attempt("right", right=True, address=ELSEWHERE) is True
    guess.cancel()


async def test_account_is_checked_at_most_sixty_times_a_minute(desk: Desk) -> None:
    """A thousand addresses guess, and half of them had the right password before."""
    for number in range(0, 100, 2):
        desk.turns._remember(network_of(f"203.0.113.{number}"))
    attempts = [desk.attempt("guess", address=f"203.0.113.{number}") for number in range(200)]
    previous = 0
    for _ in range(3):
        await desk.passes(60)
        assert len(desk.checked) - previous <= 60
        assert len(desk.checked) > previous, "every attempt is checked in the end"
        previous = len(desk.checked)
    for attempt in attempts:
        attempt.cancel()


async def test_account_is_checked_at_most_sixty_times_a_minute_by_all_instances_and_across_restarts() -> None:
    attempts, clock = Attempts(), FakeClock()
    desks = [Desk(attempts, clock) for _ in range(2)]
    guesses = [desk.attempt("guess", address=f"203.0.113.{number}") for number in range(100) for desk in desks]
    for _ in range(4):
        await desks[0].passes(15)
        desks.append(Desk(attempts, clock))
        guesses += [desks[-1].attempt("guess", address=f"203.0.113.{number}") for number in range(20)]
    assert sum(len(desk.checked) for desk in desks) <= 30, "of addresses that are not known"
    for guess in guesses:
        guess.cancel()


async def test_rate_of_an_account_survives_restarts(tmp_path: Path) -> None:
    clock, tries = FakeClock(), round(LANE_LIMIT.burst)
    for number in range(tries + 1):
        store = await SqliteStore.open(new_database(tmp_path))
        attempt = asyncio.create_task(LoginTurns(store, clock).check("admin", ELSEWHERE, lambda: True, stays))
        async with asyncio.timeout(5):
            while not (attempt.done() or clock.sleeping):
                await asyncio.sleep(0)
        assert attempt.done() is (number < tries)
        await store.close()
    assert clock.sleeping == [1 / LANE_LIMIT.per_second]
    clock.advance(1 / LANE_LIMIT.per_second)
    assert await attempt is True


async def test_invented_names_share_a_bounded_number_of_rates() -> None:
    attempts = Attempts()
    desk = Desk(attempts)
    for number in range(1_000):
        await desk.attempt("guess", right=True, account=f"user {number}", address=f"2001:db8:{number:x}::1")
        desk.clock.advance(10)
    assert len(attempts.free_at) <= 256


async def test_guesses_from_many_addresses_do_not_use_up_the_checks_of_a_known_address(desk: Desk) -> None:
    assert await desk.attempt("first", right=True, address=ELSEWHERE)
    guesses = [desk.attempt("guess", address=f"203.0.113.{number}") for number in range(200)]
    await desk.passes(30)
    assert await desk.attempt("right", right=True, address=ELSEWHERE) is True
    for guess in guesses:
        guess.cancel()


async def test_addresses_take_turns_at_an_account(desk: Desk) -> None:
    """An address with many attempts waits behind one with a single attempt."""
    burst = [desk.attempt("greedy") for _ in range(20)]
    await desk.passes(10)
    single = desk.attempt("single", address=ELSEWHERE)
    before = len(desk.checked)
    await desk.passes(6)
    assert "single" in desk.checked[before : before + 2]
    for attempt in (*burst, single):
        attempt.cancel()


async def test_other_account_does_not_wait(desk: Desk) -> None:
    guesses = [desk.attempt("guess", address=f"203.0.113.{number}") for number in range(30)]
    await desk.settle()
    assert await desk.attempt("right", right=True, account="ben", address=ELSEWHERE) is True
    for guess in guesses:
        guess.cancel()


async def test_attempt_of_a_disconnected_client_is_not_checked_and_delays_no_other(desk: Desk) -> None:
    gone = [desk.attempt(f"gone {number}", left=True) for number in range(50)]
    assert await desk.attempt("right", right=True) is True
    assert desk.checked == ["right"]
    for attempt in gone:
        with pytest.raises(RateLimited):
            await attempt


async def test_number_of_waiting_attempts_is_limited_with_an_error() -> None:
    desk = Desk(most_waiting=3)
    waiting = [desk.attempt(str(number)) for number in range(3)]
    await desk.settle()
    with pytest.raises(RateLimited, match="too many logins from this address"):
        await desk.attempt("one too many", right=True)
    assert await desk.attempt("elsewhere", right=True, address=ELSEWHERE)
    await desk.passes(3 * FAILURE_SECONDS)
    assert [await one for one in waiting] == [False] * 3
    assert await desk.attempt("later", right=True) is True


async def test_memory_is_limited_and_released() -> None:
    desk = Desk(remembered=5)
    for number in range(30):
        assert await desk.attempt("right", right=True, address=f"203.0.113.{number}", account=f"user {number}")
    assert len(desk.turns) <= 10
    cancelled = desk.attempt("guess")
    await desk.settle()
    cancelled.cancel()
    await desk.settle()
    assert await desk.attempt("right", right=True) is True


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_client_is_an_ipv4_address_or_an_ipv6_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 7), "192.0.2.1"),
        (("not-an-ip-<script>", 7), UNKNOWN),
        (("x" * 9_000, 7), UNKNOWN),
        (("", 0), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_address_is_an_address_or_unknown(client: tuple[str, int] | None, address: str) -> None:
    assert client_address({"client": client}) == address


async def test_connected_client_counts_as_present() -> None:
    assert await stays() is False
