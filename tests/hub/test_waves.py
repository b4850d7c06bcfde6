"""Sessions are closed in waves, in order, within a time."""

import asyncio

import pytest

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.waves import SMALLEST_WAVE, WAVE_SECONDS, close_in_waves, wave_size
from fake_clock import FakeClock
from hub.fake_peer import FakePeer


@pytest.mark.parametrize(
    ("count", "within_seconds", "size"),
    [
        (1, 5.0, SMALLEST_WAVE),
        (1_000, 5.0, SMALLEST_WAVE),
        (2_000, 5.0, 40),
        (20_000, 5.0, 400),
        (100, 0.0, 100),
        (101, 2 * WAVE_SECONDS, 51),
    ],
)
def test_waves_are_small_unless_the_time_is_short(count: int, within_seconds: float, size: int) -> None:
    assert wave_size(count, within_seconds) == size
    assert (-(-count // size) - 1) * WAVE_SECONDS <= within_seconds


async def test_each_wave_waits_for_its_time_and_keeps_the_order() -> None:
    clock = FakeClock()
    peers = [FakePeer(clock) for _ in range(2 * SMALLEST_WAVE + 1)]
    closing = asyncio.create_task(
        close_in_waves([peer.session for peer in peers], CloseCode.SERVICE_RESTART, clock, 60.0)
    )
    for closed in (SMALLEST_WAVE, 2 * SMALLEST_WAVE, 2 * SMALLEST_WAVE + 1):
        await peers[0].settle()
        assert [peer.session.closing for peer in peers] == [n < closed for n in range(len(peers))]
        clock.advance(WAVE_SECONDS)
    await closing
    await peers[-1].settle()
    assert {code for peer in peers for code in peer.close_codes} == {CloseCode.SERVICE_RESTART}
