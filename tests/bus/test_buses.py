"""Buses over real servers: hints arrive, and arrive again after every kind of fault."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bus.servers import NATS_SERVERS, POSTGRES_SERVERS, BusServer, connector, nats_server, postgres_server
from casare_rpa.infrastructure.orchestrator.bus.monitored import DEAD_SECONDS, Connector, MonitoredBus
from casare_rpa.infrastructure.orchestrator.bus.postgres import CHANNEL
from casare_rpa.infrastructure.orchestrator.ports.bus import LOOK, MAX_IDS, Hint
from chaos.proxy import Proxy, Way
from fake_clock import FakeClock
from postgres_server import PostgresServer

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 60.0


@pytest.fixture(scope="module", params=[*POSTGRES_SERVERS, *NATS_SERVERS])
def server(request: pytest.FixtureRequest) -> Iterator[BusServer]:
    name = request.param
    opened = nats_server(NATS_SERVERS[name]) if name in NATS_SERVERS else postgres_server(POSTGRES_SERVERS[name])
    with opened as running:
        yield running


@dataclass(slots=True)
class End:
    """The bus of one instance, and the hints that its subscriber got."""

    bus: MonitoredBus
    clock: FakeClock
    got: list[Hint] = field(default_factory=list)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass, about 25 times as fast as on a real clock, until the condition holds."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                self.clock.advance(0.25)
                await asyncio.sleep(0.01)

    async def until_look(self) -> None:
        """Wait until the bus is alive and has said that hints may have been lost."""
        await self.until(lambda: self.bus.alive and LOOK in self.got)

    async def until_dead(self) -> None:
        await self.until(lambda: not self.bus.alive)
        self.got.clear()


@asynccontextmanager
async def opened(connect: Connector) -> AsyncIterator[End]:
    clock = FakeClock()
    async with MonitoredBus(connect, clock).running() as bus:
        end = End(bus, clock)
        bus.subscribe(end.got.append)
        yield end


@asynccontextmanager
async def alive(connect: Connector) -> AsyncIterator[End]:
    async with opened(connect) as end:
        await end.until_look()
        end.got.clear()
        yield end


async def exchanged(sender: End, receiver: End, last: int) -> None:
    """Send until a hint arrives: one that is sent while a connection begins may be lost."""

    def again() -> bool:
        sender.bus.ring(Hint("a", jobs=last))
        sender.clock.advance(0.25)
        return Hint("a", jobs=last) in receiver.got

    await receiver.until(again)


async def test_hint_arrives_at_every_instance_once(server: BusServer) -> None:
    async with alive(connector(server)) as first, alive(connector(server)) as second:
        hints = [Hint("a", jobs=3, robots=("robot-1",), work=True), Hint("a", logs=7), Hint("a", orders=True)]
        for hint in hints:
            first.bus.ring(hint)
        await second.until(lambda: len(second.got) == 3)
        await first.until(lambda: len(first.got) == 3)
        assert first.got == second.got == hints
        assert (first.bus.statistics.sent, second.bus.statistics.received) == (3, 3)
        assert first.bus.statistics.dropped == 0
        assert first.bus.alive
        assert second.bus.alive


async def test_own_hints_keep_the_bus_alive_and_are_not_delivered(server: BusServer) -> None:
    async with alive(connector(server)) as first, alive(connector(server)) as second:
        for _ in range(6):
            before = first.bus._own_hint_arrived_at, second.bus._own_hint_arrived_at
            for end in (first, second):
                end.clock.advance(5)
            async with asyncio.timeout(DEADLINE_SECONDS):
                while (first.bus._own_hint_arrived_at, second.bus._own_hint_arrived_at) != (
                    before[0] + 5,
                    before[1] + 5,
                ):
                    await asyncio.sleep(0.001)
        assert first.bus.alive
        assert second.bus.alive
        assert first.got == second.got == []
        assert first.bus.statistics.received == 0


async def test_longest_hint_arrives(server: BusServer) -> None:
    ids = tuple(f"{number:064}" for number in range(MAX_IDS))
    longest = Hint("0" * 16, 2**53, 2**53, progress=ids, robots=ids, orders=True, queues=True, work=True)
    async with alive(connector(server)) as end:
        end.bus.ring(longest)
        await end.until(lambda: end.got == [longest])


async def test_many_hints_at_once_block_nothing(server: BusServer) -> None:
    async with alive(connector(server)) as end:
        for number in range(1, 5_001):
            end.bus.ring(Hint("a", jobs=number))
        statistics = end.bus.statistics
        await end.until(lambda: statistics.sent + statistics.dropped == 5_000)
        await end.until(lambda: len(end.got) == statistics.sent)
        assert statistics.sent >= 100
        assert [hint.jobs for hint in end.got] == list(range(1, statistics.sent + 1))


async def test_foreign_messages_are_ignored(server: BusServer) -> None:
    async with alive(connector(server)) as end:
        link = await connector(server).connect(lambda _: None, lambda: None)
        for payload in (b"no hint", b'{"instance":"b","later":{"x":1},"jobs":5}', b'{"instance":1}', b'{"jobs":7}'):
            await link.send(payload)
        await end.until(lambda: bool(end.got))
        await end.until(lambda: end.bus.statistics.dropped == 3)
        await link.close()
        assert end.got == [Hint("b", jobs=5)]
        assert end.bus.alive


# Faults


async def test_killed_server_ends_the_bus_until_it_is_back(server: BusServer) -> None:
    async with alive(connector(server)) as first, alive(connector(server)) as second:
        server.kill()
        for end in (first, second):
            await end.until_dead()
            end.bus.ring(Hint("a", jobs=1))
            assert end.bus.statistics.dropped >= 1
        server.start()
        for end in (first, second):
            await end.until_look()
        await exchanged(first, second, 5)
        assert Hint("a", jobs=1) not in second.got


async def test_stopped_server_counts_as_dead(server: BusServer) -> None:
    async with alive(connector(server)) as first, alive(connector(server)) as second:
        server.pause()
        try:
            before = first.clock.monotonic()
            await first.until_dead()
            assert first.clock.monotonic() - before >= DEAD_SECONDS - 5
            await second.until_dead()
            for _ in range(500):
                first.bus.ring(Hint("a", jobs=1))
        finally:
            server.resume()
        for end in (first, second):
            await end.until_look()
        await exchanged(first, second, 6)


@pytest.mark.parametrize("ways", [(Way.UP,), (Way.DOWN,), (Way.UP, Way.DOWN)], ids=["up", "down", "both"])
async def test_connection_that_carries_nothing_counts_as_dead(server: BusServer, ways: tuple[Way, ...]) -> None:
    proxy = Proxy(server.port)
    await proxy.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(proxy.stop)
        first = await stack.enter_async_context(alive(connector(server, proxy.port)))
        second = await stack.enter_async_context(alive(connector(server)))
        for connection in proxy.connections:
            connection.holes.update(ways)
        await first.until_dead()
        await first.until_look()
        await exchanged(first, second, 7)
        await exchanged(second, first, 8)
        assert second.bus.alive


async def test_connection_that_is_reset_is_opened_again(server: BusServer) -> None:
    proxy = Proxy(server.port)
    await proxy.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(proxy.stop)
        end = await stack.enter_async_context(alive(connector(server, proxy.port)))
        for _ in range(3):
            before = end.clock.monotonic()
            for connection in list(proxy.connections):
                connection.reset()
            async with asyncio.timeout(DEADLINE_SECONDS):
                while end.bus.alive:
                    await asyncio.sleep(0.001)
            assert end.clock.monotonic() == before, "known at once"
            end.got.clear()
            await end.until_look()
        await exchanged(end, end, 9)


async def test_instance_starts_while_the_server_is_away(server: BusServer) -> None:
    server.kill()
    async with opened(connector(server)) as end:
        assert not end.bus.alive
        server.start()
        await end.until_look()
        await exchanged(end, end, 10)


async def test_bus_ends_with_its_context(server: BusServer) -> None:
    async with alive(connector(server)) as end:
        bus = end.bus
    assert not bus.alive
    bus.ring(Hint("a", jobs=1))
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "bus" not in names


async def test_bus_ends_while_the_server_hangs(server: BusServer) -> None:
    try:
        async with alive(connector(server)) as end:
            server.pause()
            for number in range(1, 100):
                end.bus.ring(Hint("a", jobs=number))
            await asyncio.sleep(0)
    finally:
        server.resume()
    assert not end.bus.alive


# PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


async def test_terminated_backend_is_replaced(postgres: PostgresServer) -> None:
    import asyncpg

    async with alive(connector(postgres)) as first, alive(connector(postgres)) as second:
        admin = await asyncpg.connect(postgres.url())
        ended = await admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'casare bus'"
        )
        assert ended == 2
        for end in (first, second):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while end.bus.alive:
                    await asyncio.sleep(0.001)
            end.got.clear()
        for end in (first, second):
            await end.until_look()
        await exchanged(first, second, 11)
        assert await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN%'") == 0
        await admin.close()


async def test_listener_that_stopped_to_listen_is_replaced(postgres: PostgresServer) -> None:
    async with alive(connector(postgres)) as end:
        (link,) = [task.get_coro().cr_frame.f_locals["self"] for task in _tasks_of("PostgresLink.ended")]
        await link._connection.execute(f"UNLISTEN {CHANNEL}")
        await end.until_dead()
        await end.until_look()
        await exchanged(end, end, 12)


def _tasks_of(name: str) -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "") == name]
