"""The uvicorn part: a server that drains before it stops, and sockets that hand us their transport."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from types import FrameType

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TRANSPORT_EXTENSION = "casare.transport"
PING_INTERVAL_SECONDS = 20.0
MAX_MESSAGE_BYTES = 256 * 1024


class TransportSharingProtocol(WebSocketsSansIOProtocol):
    """Puts the transport into the scope's extensions, which is all that the hub's fast lane needs.

    Raw writes are safe beside the library's own: it sends whole frames, unfragmented and uncompressed.
    """

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        if extensions is not None:
            extensions[TRANSPORT_EXTENSION] = {"transport": self.transport}
        await super().run_asgi()


class DrainingServer(uvicorn.Server):
    """On SIGTERM or SIGINT it first tells the peers goodbye, then stops; a second signal stops at once."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None
        self.start_decided = asyncio.Event()
        """Set when start-up is through; `started` then says whether it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.start_decided.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()

        def handle(_signal: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)

        before = {sig: signal.signal(sig, handle) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def stop(self) -> None:
        """Drain, then stop; called again, stop without waiting."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain_then_stop(), name="drain")
        else:
            self.should_exit = self.force_exit = True

    async def _drain_then_stop(self) -> None:
        try:
            await self._drain()
        finally:
            self.should_exit = True


def make_server(app: object, *, drain: Callable[[], Awaitable[None]], stop_seconds: int) -> DrainingServer:
    """The server as it must be set up: strict sizes, no compression, pings without a verdict of the library's."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's union of application types
        ws=TransportSharingProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_INTERVAL_SECONDS,
        ws_ping_timeout=None,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=stop_seconds,
        lifespan="on",
    )
    return DrainingServer(config, drain)
