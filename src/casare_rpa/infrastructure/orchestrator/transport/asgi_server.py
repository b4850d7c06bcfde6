"""The uvicorn server as the orchestrator runs it: it drains before it stops, and its sockets follow `CASARE_WIRE`."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Literal

import uvicorn

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import ROBOT_MESSAGE_BYTES
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate
from casare_rpa.infrastructure.orchestrator.transport.fast_protocol import FastProtocol
from casare_rpa.infrastructure.orchestrator.transport.guarded_protocol import (
    FRAMES_PER_TURN,
    READERS_PER_TURN,
    GuardedProtocol,
)
from casare_rpa.infrastructure.orchestrator.transport.loop_turns import LoopTurns
from casare_rpa.infrastructure.orchestrator.transport.request_protocol import REQUESTS_PER_TURN, RequestProtocol

Wire = Literal["plain", "fast"]
PROTOCOLS: dict[Wire, type[GuardedProtocol]] = {"plain": GuardedProtocol, "fast": FastProtocol}


class DrainingServer(uvicorn.Server):
    """On SIGTERM, SIGINT or SIGHUP it awaits `drain`, then stops; a second signal stops it at once.

    `hurry` is called by the second signal. If it returns True, `drain` ends sooner, and only a third one stops at once.

    A SIGHUP that is ignored at the start stays ignored, as `nohup` expects.
    """

    def __init__(
        self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]], hurry: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._hurry = hurry
        self._draining: asyncio.Task[None] | None = None
        self.start_decided = asyncio.Event()
        """An event that is set when the start has succeeded (`started` is True) or failed."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.start_decided.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn's own handlers set `should_exit`, which closes the sockets before the peers get a close code.
        loop = asyncio.get_running_loop()

        def handle(_signal: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)

        handled = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            handled.append(signal.SIGHUP)
        before = {sig: signal.signal(sig, handle) for sig in handled}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def stop(self) -> None:
        """Drain, then stop; a second call hurries, or stops without waiting."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain_then_stop(), name="drain")
        elif not self._hurry():
            self.should_exit = self.force_exit = True

    async def _drain_then_stop(self) -> None:
        try:
            await self._drain()
        finally:
            self.should_exit = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long a connection may take, in seconds."""

    read_seconds: float
    write_seconds: float
    keep_alive_seconds: int
    ping_seconds: float
    stop_seconds: int


def make_server(
    app: object,
    *,
    drain: Callable[[], Awaitable[None]],
    hurry: Callable[[], bool] = lambda: False,
    now: Callable[[], Instant],
    times: Times,
    gate: ConnectionGate,
    wire: Wire,
    trusted_proxies: Sequence[str] = (),
) -> DrainingServer:
    """The server with size limits, without compression, and with pings whose answers the library does not check.

    The library's ping timeout is off: while a connection is not read, for example over its rate limit, a pong cannot
    arrive. The heartbeat timeout decides instead. Forwarding headers count only from `trusted_proxies`. Must be called
    in the running event loop.
    """
    turns = LoopTurns(asyncio.get_running_loop())
    http = partial(
        RequestProtocol,
        read_timeout_seconds=times.read_seconds,
        write_timeout_seconds=times.write_seconds,
        gate=gate,
        requests=turns.lane(REQUESTS_PER_TURN),
        now=now,
    )
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's union of application types
        http=http,  # type: ignore[arg-type]  # uvicorn expects a class
        ws=partial(  # type: ignore[arg-type]  # as for `http`
            PROTOCOLS[wire],
            frames=turns.lane(FRAMES_PER_TURN),
            readers=turns.lane(READERS_PER_TURN),
            long_texts=turns.lane(READERS_PER_TURN, rests=True),
        ),
        ws_max_size=ROBOT_MESSAGE_BYTES,  # the largest of all endpoints; each endpoint then sets its own
        ws_per_message_deflate=False,
        ws_ping_interval=times.ping_seconds,
        ws_ping_timeout=None,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=times.keep_alive_seconds,
        timeout_graceful_shutdown=times.stop_seconds,
        lifespan="on",
    )
    return DrainingServer(config, drain, hurry)
