"""The last heartbeats of a robot."""

import tracemalloc

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.robots.heartbeats import KEPT, HeartbeatHistory, PastHeartbeat


def beat(number: int) -> PastHeartbeat:
    return PastHeartbeat(Instant(number), RobotStatus.BUSY if number % 2 else RobotStatus.IDLE, number / 2, number * 10)


def test_heartbeats_are_kept_in_order_up_to_a_limit() -> None:
    beats = HeartbeatHistory()
    assert list(beats) == []
    for number in range(KEPT):
        beats.add(beat(number))
        assert list(beats) == [beat(one) for one in range(number + 1)]
    for number in range(KEPT, 3 * KEPT + 7):
        beats.add(beat(number))
        assert list(beats) == [beat(one) for one in range(number - KEPT + 1, number + 1)]


def test_heartbeats_of_ten_thousand_robots_take_at_most_twenty_megabytes() -> None:
    """Measured with 200 robots, including the objects that their entries refer to."""
    tracemalloc.start()
    try:
        fleet = [HeartbeatHistory() for _ in range(200)]
        for beats in fleet:
            for number in range(2 * KEPT):
                beats.add(beat(number))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / len(fleet) * 10_000 < 20_000_000
