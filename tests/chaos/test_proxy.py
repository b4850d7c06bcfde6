"""The bad network: which bytes it changes, and which it leaves unchanged."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chaos.proxy import FAIR, Proxy, Way, Weather

DATA = bytes(range(256)) * 40
WITHIN_SECONDS = 5.0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy in front of an echo server."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()
    await server.wait_closed()


async def said_back(proxy: Proxy, data: bytes = DATA) -> bytes:
    """The received echo, until it is complete or the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            writer.write(data)
            return await reader.readexactly(len(data))
    finally:
        writer.close()


@pytest.mark.parametrize(
    "weather",
    [
        FAIR,
        Weather(latency_seconds=0.01, jitter_seconds=0.01),
        Weather(slice_bytes=7),
        Weather(slice_bytes=1024, bytes_per_second=1_000_000),
        Weather(cut_after_bytes=10, share=0.0),
    ],
)
async def test_faults_without_cuts_do_not_change_the_bytes(proxy: Proxy, weather: Weather) -> None:
    proxy.weather = weather
    assert await said_back(proxy) == DATA


async def test_connection_is_cut_in_the_middle_of_data(proxy: Proxy) -> None:
    proxy.weather = Weather(cut_after_bytes=1000, slice_bytes=100)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said_back(proxy)


async def test_reset_is_visible_as_a_reset(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    (connection,) = proxy.some(1.0)
    connection.reset()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.close()


@pytest.mark.parametrize("way", Way)
async def test_one_way_loss_is_silent(proxy: Proxy, way: Way) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    assert await reader.readexactly(3) == b"one"
    (connection,) = proxy.connections
    connection.holes.add(way)
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reader.read(1)
    writer.close()


async def test_frozen_connection_delivers_everything_late(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    assert await reader.readexactly(3) == b"one"
    (connection,) = proxy.connections
    connection.frozen.clear()
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reader.read(1)
    connection.frozen.set()
    assert await reader.readexactly(3) == b"two"
    writer.close()


async def test_watched_marker_is_reported_once(proxy: Proxy) -> None:
    told: list[str] = []
    proxy.watch(b"marker", lambda: told.append("seen"))
    assert await said_back(proxy, b"a marker") == b"a marker"
    assert await said_back(proxy, b"a marker") == b"a marker"
    assert told == ["seen"]


async def test_connection_without_a_server_ends() -> None:
    proxy = Proxy(1)
    await proxy.start()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said_back(proxy)
    await proxy.stop()
