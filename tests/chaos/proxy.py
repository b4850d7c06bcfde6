"""A TCP proxy for a bad network: slow, fragmented, cut, or silent in one direction."""

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

CHUNK_BYTES = 65_536


class Way(StrEnum):
    """A direction, from the view of the client."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Weather:
    """The faults of connections. Each connection draws its own values from the seed."""

    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    slice_bytes: int = 0
    """Frames arrive in pieces of at most this size; 0 = whole."""
    bytes_per_second: float = 0.0
    cut_after_bytes: int = 0
    """The connection is reset after about this many bytes, in the middle of data; 0 = never."""
    slow_close_seconds: float = 0.0
    share: float = 1.0
    """The share of affected connections."""


FAIR = Weather()


@dataclass(eq=False)
class Connection:
    """One client's connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    luck: float
    holes: set[Way] = field(default_factory=set)
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    """While cleared, data waits and is not lost."""
    crossed_bytes: int = 0
    opening: bytes = b""
    """The first line of the client, which identifies it."""

    def reset(self) -> None:
        """RST to both sides."""
        for writer in (self.client, self.server):
            line = writer.get_extra_info("socket")
            if line is not None and line.fileno() != -1:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Forwards its own port to another. The faults can be changed at any time."""

    def __init__(self, upstream_port: int, seed: int | str = 0) -> None:
        self._upstream_port = upstream_port
        self._random = random.Random(f"{seed} proxy")
        self._watched: tuple[bytes, Callable[[], None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections: set[Connection] = set()
        self.weather = FAIR
        self.port = 0

    async def start(self, port: int = 0) -> int:
        """The port; 0 takes a free one."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port, backlog=1024)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        self._server.close()
        for connection in list(self.connections):
            connection.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def watch(self, marker: bytes, then: Callable[[], None]) -> None:
        """Call `then` once, right after a chunk with this marker was sent to a client."""
        self._watched = marker, then

    def some(self, share: float) -> list[Connection]:
        """A share of the open connections, at least one."""
        live = sorted(self.connections, key=lambda connection: connection.luck)
        return self._random.sample(live, min(len(live), max(1, round(len(live) * share))))

    async def _accepted(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(client_reader, client)
        except OSError:
            client.transport.abort()  # no server: close, like the operating system
        finally:
            self._tasks.discard(task)

    async def _carry(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        connection = Connection(client, server, self._random.random())
        connection.frozen.set()
        self.connections.add(connection)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pipe(connection, Way.UP, client_reader, server))
                ways.create_task(self._pipe(connection, Way.DOWN, server_reader, client))
        except* OSError:
            connection.reset()
        finally:
            self.connections.discard(connection)
            for writer in (client, server):
                writer.close()

    async def _pipe(
        self, connection: Connection, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if way is Way.UP and not connection.opening:
                connection.opening = data.partition(b"\r\n")[0]
            await connection.frozen.wait()
            if way in connection.holes:
                continue
            weather = self.weather if connection.luck < self.weather.share else FAIR
            await self._cross(connection, weather, data, writer)
            if way is Way.DOWN and self._watched is not None and self._watched[0] in data:
                then = self._watched[1]
                self._watched = None
                then()
        await asyncio.sleep(self.weather.slow_close_seconds)
        if way not in connection.holes and writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    async def _cross(self, connection: Connection, weather: Weather, data: bytes, writer: asyncio.StreamWriter) -> None:
        delay = weather.latency_seconds + weather.jitter_seconds * self._random.random()
        if delay:
            await asyncio.sleep(delay)
        size = weather.slice_bytes or len(data)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            connection.crossed_bytes += len(piece)
            if weather.cut_after_bytes and connection.crossed_bytes > weather.cut_after_bytes * (0.5 + connection.luck):
                connection.reset()
                raise ConnectionResetError("cut on purpose")
            writer.write(piece)
            await writer.drain()
            if weather.bytes_per_second:
                await asyncio.sleep(len(piece) / weather.bytes_per_second)
            elif size < len(data):
                await asyncio.sleep(0)
