"""The ring of a robot's last heartbeats."""

import tracemalloc

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.robots.heartbeats import KEPT, HeartbeatHistory, PastHeartbeat


def beat(number: int) -> PastHeartbeat:
    return PastHeartbeat(Instant(number), RobotStatus.BUSY if number % 2 else RobotStatus.IDLE, number / 2, number * 10)


def test_beats_are_kept_in_order_until_there_are_too_many() -> None:
    beats = HeartbeatHistory()
    assert list(beats) == []
    for number in range(KEPT):
        beats.add(beat(number))
        assert list(beats) == [beat(one) for one in range(number + 1)]
    for number in range(KEPT, 3 * KEPT + 7):
        beats.add(beat(number))
        assert list(beats) == [beat(one) for one in range(number - KEPT + 1, number + 1)]


def test_beats_of_ten_thousand_robots_take_no_more_than_twenty_megabytes() -> None:
    """Of 200 robots, measured with what their numbers hold on to."""
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
