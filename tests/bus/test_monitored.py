"""The rules of a monitored bus, with a link and a clock that the test controls."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.bus.hint_codec import MAX_BYTES, decode_hint, encode_hint
from casare_rpa.infrastructure.orchestrator.bus.monitored import DEAD_SECONDS, OWN_HINT_SECONDS, MonitoredBus, Payload
from casare_rpa.infrastructure.orchestrator.ports.bus import LOOK, MAX_IDS, Hint
from fake_clock import FakeClock

PAUSE_SECONDS = 2.0


class FakeLink:
    """A link to itself."""

    def __init__(self, receive: Callable[[Payload], None], hints_lost: Callable[[], None]) -> None:
        self.receive = receive
        self.hints_lost = hints_lost
        self.sent: list[bytes] = []
        self.end = asyncio.Event()
        self.delivers = True
        self.error: Exception | None = None
        self.room = asyncio.Event()
        self.room.set()
        self.closed = False

    async def send(self, payload: bytes) -> None:
        await self.room.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(payload)
        if self.delivers:
            self.receive(payload)

    async def ended(self) -> str:
        await self.end.wait()
        return "the peer is gone"

    async def close(self) -> None:
        self.closed = True
        raise OSError("closing fails")


class FakeConnector:
    """Opens links, and fails while it has errors."""

    kind = "fake"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.links: list[FakeLink] = []

    async def connect(self, receive: Callable[[Payload], None], hints_lost: Callable[[], None]) -> FakeLink:
        if self.errors:
            raise self.errors.pop(0)
        self.links.append(FakeLink(receive, hints_lost))
        return self.links[-1]


class Setup:
    """A running bus with its clock and links."""

    def __init__(self, bus: MonitoredBus, connector: FakeConnector, clock: FakeClock) -> None:
        self.bus, self.connector, self.clock = bus, connector, clock
        self.got: list[Hint] = []
        bus.subscribe(self.got.append)

    @property
    def link(self) -> FakeLink:
        return self.connector.links[-1]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.settle()


@asynccontextmanager
async def running(*errors: Exception, max_waiting: int = 3) -> AsyncIterator[Setup]:
    clock, connector = FakeClock(), FakeConnector(*errors)
    backoff = Backoff(PAUSE_SECONDS, PAUSE_SECONDS)
    bus = MonitoredBus(connector, clock, max_waiting=max_waiting, backoff=backoff)
    setup = Setup(bus, connector, clock)
    async with bus.running():
        await setup.settle()
        yield setup


async def test_bus_is_alive_when_its_own_hint_returns() -> None:
    async with running() as setup:
        assert setup.bus.alive
        assert setup.got == [LOOK]
        assert len(setup.link.sent) == 1
        await setup.later(OWN_HINT_SECONDS)
        assert len(setup.link.sent) == 2
        assert setup.got == [LOOK]
    assert not setup.bus.alive
    assert setup.link.closed


async def test_bus_without_its_own_hint_is_not_alive() -> None:
    async with running() as setup:
        setup.link.delivers = False
        for _ in range(2):
            await setup.later(OWN_HINT_SECONDS)
            assert setup.bus.alive
        setup.link.receive(encode_hint(Hint("other", jobs=1)))
        await setup.later(DEAD_SECONDS - 2 * OWN_HINT_SECONDS - 0.1)
        assert setup.bus.alive, "not yet 15 s"
        await setup.later(0.1)
        assert not setup.bus.alive, "hints of others prove one direction only"
        assert setup.connector.links[0].closed
        assert len(setup.connector.links) == 1, "it pauses"
        await setup.later(PAUSE_SECONDS)
        assert setup.bus.alive
        assert setup.got == [LOOK, Hint("other", jobs=1), LOOK]


async def test_link_that_never_answers_is_replaced_without_a_look() -> None:
    async with running() as setup:
        setup.link.end.set()
        await setup.settle()
        setup.connector.errors = [OSError("away")]
        await setup.later(PAUSE_SECONDS)
        await setup.later(PAUSE_SECONDS)
        setup.link.room.clear()
        assert len(setup.connector.links) == 2
    async with running() as setup:
        setup.got.clear()
        setup.link.error = OSError("broken")
        await setup.later(OWN_HINT_SECONDS)
        assert not setup.bus.alive
        assert setup.got == []


async def test_end_of_a_link_is_known_at_once() -> None:
    async with running() as setup:
        setup.link.end.set()
        await setup.settle()
        assert not setup.bus.alive
        await setup.later(PAUSE_SECONDS)
        assert setup.bus.alive
        assert setup.got == [LOOK, LOOK]


async def test_server_that_is_away_at_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with running(OSError("away"), *(TimeoutError() for _ in range(5))) as setup:
        assert not setup.bus.alive
        for _ in range(6):
            await setup.later(PAUSE_SECONDS)
        assert setup.bus.alive
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        "bus: no connection to fake (OSError: away); until it is back, this instance looks for changes every second"
    ]


async def test_refused_credentials_end_the_start_but_not_the_bus() -> None:
    with pytest.raises(InvalidSettings, match="refused"):
        async with running(InvalidSettings("refused")):
            pass
    async with running() as setup:
        setup.connector.errors = [InvalidSettings("the password was changed")]
        setup.link.end.set()
        await setup.settle()
        await setup.later(PAUSE_SECONDS)
        await setup.later(PAUSE_SECONDS)
        assert setup.bus.alive


async def test_hints_beyond_the_room_are_dropped() -> None:
    async with running(max_waiting=3) as setup:
        setup.link.room.clear()
        for number in range(1, 10):
            setup.bus.ring(Hint("a", jobs=number))
            await setup.settle()
        statistics = setup.bus.statistics
        assert (statistics.sent, statistics.dropped) == (0, 6)
        setup.link.room.set()
        await setup.settle()
        assert [hint.jobs for hint in setup.got[1:]] == [1, 2, 3]
        assert (statistics.sent, statistics.received) == (3, 3)


async def test_hints_without_a_link_are_dropped_and_not_sent_later() -> None:
    async with running(OSError("away")) as setup:
        setup.bus.ring(Hint("a", jobs=1))
        await setup.later(PAUSE_SECONDS)
        assert setup.got == [LOOK]
        assert setup.bus.statistics.dropped == 1
        setup.link.room.clear()
        for number in (2, 3):
            setup.bus.ring(Hint("a", jobs=number))
            await setup.settle()
        setup.link.end.set()
        await setup.settle()
        assert setup.bus.statistics.dropped == 3, "the hint on its way counts, too"
        await setup.later(PAUSE_SECONDS)
        assert setup.got == [LOOK, LOOK]


async def test_own_hint_overtakes_hints_that_wait() -> None:
    async with running() as setup:
        setup.link.room.clear()
        for number in (1, 2, 3):
            setup.bus.ring(Hint("a", jobs=number))
        await setup.later(OWN_HINT_SECONDS)
        setup.link.room.set()
        await setup.settle()
        assert [decode_hint(sent) for sent in setup.link.sent[1:]] == [
            Hint("a", jobs=1),
            decode_hint(setup.link.sent[0]),
            Hint("a", jobs=2),
            Hint("a", jobs=3),
        ]


async def test_malformed_messages_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as setup:
        for payload in ("", b"\xff", "[]", '{"instance": 1}', '{"jobs": 5}', '{"instance": "a", "jobs": "many"}'):
            setup.link.receive(payload)
        assert setup.bus.statistics.dropped == 6
        assert sum("not a hint" in record.message for record in caplog.records) == 1
        for _ in range(12):
            await setup.later(OWN_HINT_SECONDS)
        setup.link.receive("again")
        assert sum("not a hint" in record.message for record in caplog.records) == 2
        setup.link.receive('{"instance": "b", "jobs": 5, "of a later version": [1]}')
        assert setup.got == [LOOK, Hint("b", jobs=5)]


async def test_receiver_that_fails_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Hint) -> None:
        raise ValueError("broken")

    async with running() as setup:
        setup.bus.subscribe(fail)
        got: list[Hint] = []
        setup.bus.subscribe(got.append)
        setup.bus.ring(Hint("a", jobs=1))
        await setup.settle()
        assert got == [Hint("a", jobs=1)]
        assert setup.bus.alive
    assert any("broken" in str(record.exc_info) for record in caplog.records)


async def test_lost_hints_mean_look() -> None:
    async with running() as setup:
        setup.link.hints_lost()
        assert setup.got == [LOOK, LOOK]


@pytest.mark.parametrize("count", [1, MAX_IDS])
def test_hint_that_is_too_long_gets_its_short_form(count: int) -> None:
    ids = tuple(f"{number:0{MAX_BYTES}}" for number in range(count))
    encoded = encode_hint(Hint("a", jobs=5, robots=ids, work=True))
    assert decode_hint(encoded) == Hint("a", jobs=5, all_robots=True, work=True)
    assert decode_hint(encode_hint(Hint("a", progress=ids, orders=True))) == Hint("a", orders=True)
    fits = Hint("a", robots=("x" * 7_000,), progress=("y",))
    assert decode_hint(encode_hint(fits)) == fits
