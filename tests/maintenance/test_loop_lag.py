"""The lag of the event loop is the time by which a short sleep is longer than it should be."""

import asyncio

from casare_rpa.infrastructure.orchestrator.maintenance.loop_lag import PROBE_SECONDS, LoopLag
from fake_clock import FakeClock


async def measured(lag: LoopLag, clock: FakeClock, late_seconds: float) -> None:
    round_ = asyncio.create_task(lag.measure())
    await asyncio.sleep(0)
    clock.advance(PROBE_SECONDS + late_seconds)
    await round_


async def test_worst_lag_is_reported_once() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for late in (0.25, 0.5, 0.0):
        await measured(lag, clock, late)
        assert round(lag.last_seconds, 6) == late
    assert round(lag.take_worst_seconds(), 6) == 0.5
    assert lag.take_worst_seconds() == 0.0
