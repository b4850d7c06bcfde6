"""The pause before the next round: zero under light load, an interval under heavy load."""

import pytest

from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import outgoing, text_frame
from casare_rpa.infrastructure.orchestrator.hub.pacing import (
    BUSY_MESSAGES_PER_SECOND,
    BUSY_ROUND_SECONDS,
    Pacing,
)
from fake_clock import FakeClock
from hub.fake_peer import FakePeer

WINDOW = 0.0625  # exact as a float
MANY = round(BUSY_MESSAGES_PER_SECOND * WINDOW)
JOBS = ("jobs", None)


def load_after(messages: int) -> Pacing:
    """A load with this number of messages in the window before 100.0."""
    load = Pacing()
    load.wait_seconds(0.0, 100.0 - WINDOW)
    load.received += messages
    return load


def test_pause_is_zero_under_light_load() -> None:
    assert load_after(MANY).wait_seconds(100.0, 100.0) == 0.0


def test_pause_separates_rounds_under_heavy_load() -> None:
    load = load_after(MANY + 1)
    assert load.wait_seconds(100.0, 100.0) == pytest.approx(BUSY_ROUND_SECONDS)
    assert load.wait_seconds(100.0, 100.01) == pytest.approx(BUSY_ROUND_SECONDS - 0.01)
    assert load.wait_seconds(100.0, 100.04) == 0.0


def test_pause_ends_when_the_load_decreases() -> None:
    load = load_after(MANY + 1)
    assert load.wait_seconds(100.0, 100.0) > 0.0
    assert load.wait_seconds(100.0 + WINDOW, 100.0 + WINDOW) == 0.0


class AlwaysBusy(Pacing):
    def wait_seconds(self, last_at: float, now: float) -> float:
        return 60.0


async def test_hub_writes_to_viewers_in_rounds_under_heavy_load(clock: FakeClock) -> None:
    hub, viewer = Hub(pacing=AlwaysBusy()), FakePeer(clock)
    await viewer.session.accept()
    hub.attach(viewer.session)
    hub.subscribe(viewer.session, JOBS)
    hub.publish(JOBS, outgoing(b"1"))
    await viewer.settle()
    assert viewer.transport.written == [], "it waits for the round"
    hub.publish(JOBS, outgoing(b"2"))
    hub.flush()
    assert viewer.transport.written == [text_frame(b"1") + text_frame(b"2")]
    hub.flush()
    assert len(viewer.transport.written) == 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
