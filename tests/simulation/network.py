"""Sockets in memory: the end of an ASGI server, the end of a client, and a network with faults between them.

A connection has two lines. Each keeps the order, like TCP, and loses nothing while it is open. It may be slow, stall in
one direction, or break. Then messages in transit are lost, and each end notices it at its own time, or never.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent

from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES, TRANSPORT_EXTENSION, TextHandler
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue

HIGH_WATER_BYTES = 64 * 1024
CLOSE_SECONDS = 10.0
OPEN_SECONDS = 10.0
"""How long a client waits for the answer to its handshake."""
NEVER = 1e9


class Gone(OSError):
    """The connection has ended; `code` is the close code, if there was one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"the connection is over ({code})")
        self.code = code


@dataclass(slots=True)
class Weather:
    """The current state of the network; `delay_seconds` is the largest delay of a message."""

    delay_seconds: float = 0.005


class Line:
    """One direction of one connection."""

    def __init__(self, network: "Network", arrive: Callable[[Any], None]) -> None:
        self._network = network
        self._arrive = arrive
        self._under_way: deque[tuple[float, Any, int]] = deque()
        self._last_due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.stalled_until = 0.0
        self.broken = False
        self.bytes = 0
        self.drained = asyncio.Event()
        self.drained.set()

    def send(self, item: Any, size: int = 64) -> None:
        if self.broken:
            return
        due = max(self._last_due, self._network.loop.time() + self._network.delay())
        self._last_due = due
        self._under_way.append((due, item, size))
        self.bytes += size
        if self.bytes >= HIGH_WATER_BYTES:
            self.drained.clear()
        self._arm()

    def stall(self, seconds: float) -> None:
        self.stalled_until = max(self.stalled_until, self._network.loop.time() + seconds)

    def clear(self) -> None:
        """End all stalls."""
        self.stalled_until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._arm()

    def cut(self) -> None:
        self.broken = True
        self._under_way.clear()
        self.drained.set()

    def _arm(self) -> None:
        if self._timer is None and self._under_way:
            due = max(self._under_way[0][0], self.stalled_until)
            self._timer = self._network.loop.call_at(due, self._deliver, context=Context())

    def _deliver(self) -> None:
        self._timer = None
        now = self._network.loop.time() + 1e-6
        while self._under_way and self._under_way[0][0] <= now and self.stalled_until <= now:
            _, item, size = self._under_way.popleft()
            self.bytes -= size
            self._arrive(item)
        if self.bytes < HIGH_WATER_BYTES:
            self.drained.set()
        self._arm()


class Connection:
    """A WebSocket. The client's half is `send`, `receive`, `close`; the server's is the ASGI pair and the transport."""

    def __init__(self, network: "Network", number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self._network = network
        self._at_client: asyncio.Queue[Any] = asyncio.Queue()
        self._at_server = TextQueue(network.loop)
        self._server = Context()
        self._ended = False
        self.when_taken: Callable[[str], None] = _nothing
        """Called when the server handles a text in the receiver."""
        self.up = Line(network, self._arrived_at_server)
        self.down = Line(network, self._arrived_at_client)
        self.client_over = False
        self.server_over = False
        self.accepted = False
        self._answered: asyncio.Future[None] = network.loop.create_future()
        """Done when the handshake is answered, or the connection is over before."""
        self.said_at = network.loop.time()
        """When the last message of the server arrived at the client."""

    @property
    def whole(self) -> bool:
        """Whether it is open in both directions."""
        over = self.client_over or self.server_over or self.up.broken or self.down.broken
        return self.accepted and not over

    # The client

    async def opened(self) -> None:
        """Wait for the answer to the handshake, before which a client sends no message. Raises Gone without one."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.shield(self._answered)
        except TimeoutError:
            raise Gone from None
        finally:
            if not self.accepted:  # also when the process of the client was killed
                self.close()
        if self.client_over:
            raise Gone

    def send(self, text: str) -> None:
        """Send a text. Raises Gone if this end has noticed the end of the connection."""
        if self.client_over:
            raise Gone
        self.up.send({"type": "websocket.receive", "text": text}, len(text))

    async def receive(self) -> str:
        """The next message. Raises Gone at the end."""
        if self.client_over and self._at_client.empty():
            raise Gone
        kind, value = await self._at_client.get()
        if kind == "text":
            return str(value)
        self.client_over = True
        raise Gone(value)

    def close(self) -> None:
        """The client closes the connection."""
        if not self.client_over:
            self.client_over = True
            self.up.send({"type": "websocket.disconnect", "code": 1000})

    def give_up(self) -> None:
        """The client gives up the connection after too long a silence."""
        self._arrived_at_client(("over", None))

    def vanish(self) -> None:
        """The client is killed. Its system closes the connection, except after a power failure."""
        self.client_over = True
        if self._network.chance.random() < 0.8:
            self.up.send({"type": "websocket.disconnect", "code": 1006})
        else:
            self.up.cut()
        self.down.cut()

    # The network

    def cut(self, client_learns_in: float, server_learns_in: float) -> None:
        """Break the connection; messages in transit are lost."""
        self.up.cut()
        self.down.cut()
        loop = self._network.loop
        loop.call_later(client_learns_in, self._arrived_at_client, ("over", None), context=Context())
        loop.call_later(
            server_learns_in, self._arrived_at_server, {"type": "websocket.disconnect", "code": 1006}, context=Context()
        )

    def _arrived_at_client(self, item: tuple[str, Any]) -> None:
        if item[0] == "accept":
            self.accepted = True
        if not self._answered.done() and item[0] in ("accept", "over"):
            self._answered.set_result(None)
        if item[0] == "accept" or self.client_over:
            return
        self.said_at = self._network.loop.time()
        self._at_client.put_nowait(item)
        if item[0] == "over":
            self.up.send({"type": "websocket.disconnect", "code": item[1] or 1006})

    def _arrived_at_server(self, event: dict[str, Any]) -> None:
        if self.server_over:
            return
        if event["type"] == "websocket.disconnect":
            self.server_over = True
            self.down.cut()
        self._network.loop.call_soon(self._received, event, context=self._server)

    # The server

    def _received(self, event: dict[str, Any]) -> None:
        """Call it in the server's process, as its event loop calls a protocol."""
        self._ended = self._ended or event["type"] == "websocket.disconnect"
        if "text" in event:
            self._at_server.put_text(event["text"], at_once=True)
        else:
            self._at_server.put_nowait(cast("ASGIReceiveEvent", event))

    def set_text_handler(self, handler: TextHandler | None) -> None:
        if handler is None:
            self._at_server.remove_handler()
            return

        def noted(text: str) -> Awaitable[None] | None:
            self.when_taken(text)
            return handler(text)

        self._at_server.handler = noted

    async def asgi_receive(self) -> dict[str, Any]:
        if self._ended and not len(self._at_server):
            return {"type": "websocket.disconnect", "code": 1006}
        return cast("dict[str, Any]", await self._at_server.get())

    async def asgi_send(self, event: dict[str, Any]) -> None:
        if self.server_over:
            raise Gone
        match event["type"]:
            case "websocket.accept":
                self.down.send(("accept", None))
            case "websocket.send":
                self.down.send(("text", event["text"]), len(event["text"]))
                await self.down.drained.wait()
            case "websocket.close":
                self.down.send(("over", event["code"]))
                over = {"type": "websocket.disconnect", "code": event["code"]}
                self._network.loop.call_later(CLOSE_SECONDS, self._arrived_at_server, over, context=Context())
        await asyncio.sleep(0)

    def write(self, data: bytes) -> None:
        """The transport of the fast path: whole frames, many at once."""
        view = memoryview(data)
        while view:
            size, start = view[1], 2
            if size == 126:
                size, start = int.from_bytes(view[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(view[2:10], "big"), 10
            self.down.send(("text", bytes(view[start : start + size]).decode()), size)
            view = view[start + size :]

    @property
    def ready(self) -> bool:
        return self.down.bytes < FAST_LANE_BYTES and not self.server_over

    def abort(self) -> None:
        self.cut(0.01, 0.01)

    def server_died(self) -> None:
        """The process has ended. Data that the system has accepted may still arrive."""
        self.server_over = True
        if self._network.chance.random() < 0.5:
            self.down.send(("over", None))
        else:
            self.cut(self._network.delay(), NEVER)

    def scope(self, app: Any, path: str, query: str, path_params: dict[str, str]) -> dict[str, Any]:
        return {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "client": (self.peer, 1),
            "path_params": path_params,
            "app": app,
            "extensions": {TRANSPORT_EXTENSION: {"transport": self}},
        }

    def open(self, server: Context) -> None:
        """The handshake has reached the server. Later messages are handled in its process."""
        self._server = server
        self._received({"type": "websocket.connect"})


class Network:
    """All connections, and the state of the network."""

    def __init__(self, loop: Any, chance: random.Random) -> None:
        self.loop = loop
        self.chance = chance
        self.weather = Weather()
        self.connections: list[Connection] = []
        self._numbers = 0

    def clear(self) -> None:
        """End all faults."""
        self.weather.delay_seconds = Weather().delay_seconds
        for connection in self.connections:
            connection.up.clear()
            connection.down.clear()

    def delay(self) -> float:
        return self.chance.random() * self.weather.delay_seconds

    def connection(self, peer: str) -> Connection:
        self._numbers += 1
        self.connections = [one for one in self.connections if not (one.client_over and one.server_over)]
        self.connections.append(Connection(self, self._numbers, peer))
        return self.connections[-1]


def _nothing(text: str) -> None:
    """Does nothing."""
