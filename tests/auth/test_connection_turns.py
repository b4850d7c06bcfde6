"""One credential opens a limited number of connections a second."""

import asyncio

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.auth.connection_turns import LONGEST_WAIT_SECONDS, ConnectionTurns
from fake_clock import FakeClock

ALICE, BOB, CAROL = (Principal(Role.ADMIN, name).holder for name in ("alice", "bob", "carol"))
LIMIT = RateLimit(per_second=10, burst=20)


async def test_connections_up_to_the_burst_do_not_wait() -> None:
    turns = ConnectionTurns(LIMIT, FakeClock())
    async with asyncio.timeout(1):
        assert [await turns.wait(ALICE) for _ in range(20)] == [True] * 20


async def test_further_connections_begin_at_the_rate_in_their_order() -> None:
    clock = FakeClock()
    turns = ConnectionTurns(LIMIT, clock)
    began = clock.monotonic()
    at: list[float] = []

    async def connect() -> None:
        assert await turns.wait(ALICE)
        at.append(round(clock.monotonic() - began, 3))

    waiting = [asyncio.create_task(connect()) for _ in range(24)]
    for _ in range(5):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.advance(0.1)
    await asyncio.gather(*waiting)
    assert at == [0.0] * 20 + [0.1, 0.2, 0.3, 0.4]


async def test_connection_that_would_wait_for_long_is_refused_and_delays_no_other() -> None:
    clock = FakeClock()
    turns = ConnectionTurns(LIMIT, clock)
    waiting = [asyncio.create_task(turns.wait(ALICE)) for _ in range(20 + int(LONGEST_WAIT_SECONDS * 10))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for _ in range(100):
        assert not await turns.wait(ALICE)
    clock.advance(LONGEST_WAIT_SECONDS)
    assert await asyncio.gather(*waiting) == [True] * len(waiting)
    clock.advance(0.1)
    assert await turns.wait(ALICE), "the refused ones took no turn"
    assert turns.delayed == len(waiting) - 20 + 100


async def test_other_credentials_do_not_wait() -> None:
    turns = ConnectionTurns(RateLimit(10, 1), FakeClock())
    async with asyncio.timeout(1):
        assert await turns.wait(ALICE)
        assert await turns.wait(BOB)
        for other in (Principal(Role.VIEWER, "alice"), Principal(Role.ADMIN, "alice", "another-tenant")):
            assert await turns.wait(other.holder), "another credential with the same name"


async def test_without_a_limit_no_connection_waits() -> None:
    turns = ConnectionTurns(None, FakeClock())
    async with asyncio.timeout(1):
        assert [await turns.wait(ALICE) for _ in range(1_000)] == [True] * 1_000


async def test_only_the_credentials_that_were_used_last_are_remembered() -> None:
    turns = ConnectionTurns(RateLimit(per_second=0.1, burst=1), FakeClock(), credentials=2)
    assert await turns.wait(ALICE)
    assert await turns.wait(BOB)
    assert not await turns.wait(ALICE)
    assert await turns.wait(CAROL), "bob is forgotten"
    assert not await turns.wait(ALICE)
    assert await turns.wait(BOB)


async def test_stop_ends_every_wait() -> None:
    turns = ConnectionTurns(RateLimit(per_second=1, burst=1), FakeClock())
    waiting = [asyncio.create_task(turns.wait(ALICE)) for _ in range(4)]
    await asyncio.sleep(0)
    turns.release()
    async with asyncio.timeout(1):
        assert await asyncio.gather(*waiting, turns.wait(ALICE)) == [True] * 5
