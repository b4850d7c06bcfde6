"""Closes many sessions in waves, so that their peers do not all reconnect in the same instant."""

import math
from collections.abc import Sequence

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

WAVE_SECONDS = 0.1
"""The pause between two waves."""
SMALLEST_WAVE = 25
"""Peers in a wave, unless the time needs larger ones: 250 a second, of which each reconnects after up to a second. A
handshake with its commit takes an instance 1 to 2 ms, so a wave is answered before the next one."""


def wave_size(count: int, within_seconds: float) -> int:
    """How many of `count` sessions each wave closes, so that the last wave begins within this time."""
    waves = max(1, math.floor(within_seconds / WAVE_SECONDS + 1e-9))
    return max(SMALLEST_WAVE, math.ceil(count / waves))


async def close_in_waves(
    sessions: Sequence[Session], code: CloseCode, clock: Clock, within_seconds: float, reason: str = ""
) -> None:
    """Begin to close all sessions, in their order. Does not wait for the closes."""
    size = wave_size(len(sessions), within_seconds)
    for first in range(0, len(sessions), size):
        if first:
            await clock.sleep(WAVE_SECONDS)
        for session in sessions[first : first + size]:
            session.close(code, reason)
