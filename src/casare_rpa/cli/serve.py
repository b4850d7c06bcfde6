"""`casare serve`: runs the orchestrator."""

import asyncio
import errno
import json
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from casare_rpa.cli.local import ADDRESS_FILE
from casare_rpa.cli.output import console, emit
from casare_rpa.domain.errors import ConnectFailed, StoreUnavailable

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
    from casare_rpa.infrastructure.orchestrator.settings import Settings

logger = logging.getLogger(__name__)

BACKLOG = 4096
ACCEPTS_PER_TURN = 32
"""In one turn of the loop, uvloop accepts one connection from each listening socket. With a single socket, a new client
waits for as many turns as there are clients before it, and turns are long while there are many."""
TURNS_BEFORE_A_REQUEST_IS_READ = 4
"""At most so many turns pass between the accept of a connection and the read of a request that has already arrived."""
FEW_CONNECTIONS = 2_000
"""With fewer WebSockets than this, the limit of open files is a problem of the installation."""
T = TypeVar("T")
SILENT_PEER_MILLISECONDS = 20_000
PORTS_TO_TRY = 20
STOP_SECONDS = 5

DataDir = Annotated[Path | None, typer.Option(help="Data directory.", envvar="CASARE_DATA_DIR")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="Database URL. Default: SQLite in the data directory.", envvar="CASARE_DATABASE_URL"),
]
Config = Annotated[
    Path | None,
    typer.Option(help="Settings file (TOML). Default: casare.toml in the data directory.", envvar="CASARE_CONFIG"),
]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", envvar="CASARE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 for any free port.", envvar="CASARE_PORT")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Run the orchestrator until SIGTERM or Ctrl-C. Connections are closed in order before it stops."""
    from casare_rpa.infrastructure.orchestrator.settings import load_settings

    settings = load_settings(config=config, host=host, port=port, data_dir=data_dir, database_url=database_url)
    listener = listen(settings.host, settings.port)

    def ready(url: str) -> None:
        names = accepted_names(settings.host_names)
        emit({"type": "ready", "url": url, "data_dir": str(settings.data_dir), "host_names": names})
        console.print(f"listening on {url}")
        accepted = ", ".join(["localhost", "any IP address", *names])
        console.print(f"accepted host names: {accepted}; CASARE_ALLOWED_HOSTS adds others", markup=False)

    run_server(settings, listener, ready)
    emit({"type": "stopped"})


def accepted_names(host_names: Iterable[str]) -> list[str]:
    """The host names that requests may be for, without IP addresses and `localhost`, which are always accepted."""
    names = dict.fromkeys(host_names)
    return [name for name in names if name != "localhost" and ":" not in name and not name.replace(".", "").isdigit()]


def listen(host: str, port: int, *, or_next: bool = False) -> socket.socket:
    """A listening socket. `or_next` uses the next free port when the given one is in use.

    Raises:
        ConnectFailed: the address is not available; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = port + (PORTS_TO_TRY if or_next and port else 0)
    for candidate in range(port, last + 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # on Windows this option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # inherited by accepted sockets: detects a dead peer within 20 s
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MILLISECONDS)
        try:
            listener.bind((host, candidate))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and candidate < last:
                continue
            raise ConnectFailed(
                f"cannot listen on {host}:{candidate}: {error.strerror}; choose another with --port or CASARE_PORT",
                retryable=False,
            ) from error
        listener.setblocking(False)
        return listener
    raise AssertionError("the loop returns or raises")


def local_url(host: str, port: int) -> str:
    """The address for clients on this machine. A socket on all addresses is reached over the loopback interface."""
    return _url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - does not bind


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run_server(settings: "Settings", listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve on a listening socket until a stop signal. `ready(url)` is called when the server accepts requests."""
    run_loop(serve_on(settings, listener, ready))


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop where it is installed (not on Windows), else on asyncio's event loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


async def serve_on(
    settings: "Settings", listener: socket.socket, ready: Callable[[str], None], stop: asyncio.Event | None = None
) -> None:
    """As `run_server`, inside a running event loop. Setting `stop` has the effect of SIGTERM."""
    from casare_rpa.infrastructure.orchestrator.auth.client_address import network_of
    from casare_rpa.infrastructure.orchestrator.clock import SystemClock
    from casare_rpa.infrastructure.orchestrator.observability import configure_logging
    from casare_rpa.infrastructure.orchestrator.server import create_app
    from casare_rpa.infrastructure.orchestrator.transport.asgi_server import Times, make_server
    from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate

    configure_logging(settings)
    host, port = listener.getsockname()[:2]
    settings = _within_open_files(settings).model_copy(update={"port": port})
    clock = SystemClock()
    gate = ConnectionGate(
        total=settings.max_unauthenticated,
        per_address=settings.max_unauthenticated_per_address,
        now=clock.monotonic,
        network_of=network_of,
    )
    app = create_app(settings, gate)

    async def drain() -> None:
        await app.state.control_plane.drain()

    def hurry() -> bool:
        return bool(app.state.control_plane.end_drain_delay())

    server = make_server(
        app,
        drain=drain,
        hurry=hurry,
        times=Times(
            read_seconds=settings.handshake_timeout_seconds,
            write_seconds=settings.write_timeout_seconds,
            keep_alive_seconds=settings.keep_alive_seconds,
            ping_seconds=settings.ping_interval_seconds,
            stop_seconds=STOP_SECONDS,
        ),
        gate=gate,
        now=clock.now,
        wire=settings.wire,
        trusted_proxies=settings.trusted_proxies,
    )
    url = _url(host, port)
    address = settings.data_dir / ADDRESS_FILE

    async def watch() -> None:
        await server.start_decided.wait()
        libraries.setLevel(level)
        if not server.started:
            return
        address.write_text(json.dumps({"url": local_url(host, port), "pid": os.getpid()}))
        ready(url)
        plane: ControlPlane = app.state.control_plane
        failure = await _end_of(plane, stop)
        if failure is None:
            server.stop()
            return
        app.state.failure = failure
        plane.skip_drain_delay()  # it can serve no request meanwhile
        if not plane.draining:
            server.stop()

    libraries = logging.getLogger("uvicorn.error")
    level = libraries.level
    libraries.setLevel(logging.CRITICAL)  # a failed start is raised below, as one sentence
    watching = asyncio.create_task(watch(), name="watch the server")
    try:
        accepts = accepts_per_turn(settings.max_unauthenticated_per_address)
        await server.serve(sockets=[listener, *(listener.dup() for _ in range(accepts - 1))])
    except SystemExit:
        if getattr(app.state, "failure", None) is None:
            raise
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        address.unlink(missing_ok=True)
    failure: Exception | None = getattr(app.state, "failure", None)
    if failure is not None:
        raise failure


async def _end_of(plane: "ControlPlane", stop: asyncio.Event | None) -> StoreUnavailable | None:
    """Wait until the caller wants a stop, or this version can no longer use its store; returns the reason of that."""
    outdated = asyncio.ensure_future(plane.store.until_outdated())
    wanted = asyncio.ensure_future((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({outdated, wanted}, return_when=asyncio.FIRST_COMPLETED)
        return outdated.result() if outdated.done() else None
    finally:
        outdated.cancel()
        wanted.cancel()


def accepts_per_turn(max_unauthenticated: int) -> int:
    """How many connections one turn of the loop accepts.

    At a limit, a new connection closes the oldest. With few accepts per turn, a request that is sent at once is read
    before so many newer connections are accepted that its own is the oldest.
    """
    return max(1, min(ACCEPTS_PER_TURN, max_unauthenticated // (2 * TURNS_BEFORE_A_REQUEST_IS_READ)))


def _within_open_files(settings: "Settings") -> "Settings":
    """The settings with connection limits that fit within the limit of open files, which is raised first."""
    from casare_rpa.infrastructure.orchestrator.transport.open_files import (
        ConnectionLimits,
        raise_open_file_limit,
        within_open_files,
    )

    wanted = ConnectionLimits(
        websockets=settings.max_connections,
        unauthenticated=settings.max_unauthenticated,
        unauthenticated_per_address=settings.max_unauthenticated_per_address,
    )
    open_files = raise_open_file_limit()
    limits = within_open_files(wanted, open_files)
    if limits != wanted:
        logger.log(
            logging.WARNING if limits.websockets < FEW_CONNECTIONS else logging.INFO,
            "the limit of open files is %s: at most %d WebSockets and %d connections without a credential; raise it "
            "with ulimit -n or LimitNOFILE=, or lower CASARE_MAX_CONNECTIONS",
            open_files,
            limits.websockets,
            limits.unauthenticated,
        )
    return settings.model_copy(
        update={
            "max_connections": limits.websockets,
            "max_unauthenticated": limits.unauthenticated,
            "max_unauthenticated_per_address": limits.unauthenticated_per_address,
        }
    )
