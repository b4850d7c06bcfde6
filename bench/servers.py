"""The measured servers, each in its own process: the orchestrator, and the servers for comparison."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.machine import pin
from bench.product import measured

HOST = "127.0.0.1"
SECRET = "the-admin-secret-of-the-benchmarks"  # noqa: S105
ADMIN = {"X-API-Secret": SECRET}
STORES = Path(".casare-bench")
PEERS = Path(__file__).parent / "peers"
REDIS = Path("/usr/bin/redis-server")
BENCH_PYTHON = Path(".tools/bench/bin/python")
BENCH_NODE = Path(".tools/bench/bin/node")
MODULES = PEERS / "node_modules"
MOSQUITTO = Path("/usr/sbin/mosquitto")
NATS = Path(shutil.which("nats-server") or "/usr/sbin/nats-server")
RELAYS = {
    "picows": (BENCH_PYTHON, "picows_relay.py"),
    "fastapi": (Path(sys.executable), "fastapi_relay.py"),
    "uwebsockets": (BENCH_PYTHON, "uwebsockets_relay.py"),
    "ws": (BENCH_NODE, "ws_relay.mjs"),
}
START_SECONDS = 60.0
SERVER_CORE = 0
LOAD_CORE = 1
# Only limits are raised, because here one address and one credential are used for all connections.
SETTINGS = {
    "CASARE_API_SECRET": SECRET,
    "CASARE_RATE_LIMIT_ROBOT": "off",
    "CASARE_RATE_LIMIT_ROBOT_BYTES": "off",
    "CASARE_RATE_LIMIT_ROBOT_LINES": "off",
    "CASARE_RATE_LIMIT_ADMIN": "off",
    "CASARE_RATE_LIMIT_MONITORING": "off",
    "CASARE_RATE_LIMIT_CONNECTIONS": "off",
    "CASARE_MAX_CONNECTIONS_PER_ADDRESS": "20000",
    "CASARE_MAX_CONNECTIONS_PER_PRINCIPAL": "20000",
    "CASARE_LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Running:
    """A running server."""

    process_id: int
    port: int
    database_id: int | None = None
    """The first process of its PostgreSQL."""


def are_here(name: str, needs: Iterable[Path]) -> bool:
    """Whether these files exist, without which a program is not measured; prints the missing ones."""
    missing = [str(path) for path in needs if not path.exists()]
    if missing:
        print(f"{name} is not measured: {', '.join(missing)} is not installed here", file=sys.stderr)
    return not missing


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder on the real disk, because fsync is part of the measurement."""
    STORES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORES) as name:
        yield Path(name)


@contextlib.asynccontextmanager
async def started(
    command: list[str], port: int, pinned: bool, core: int = SERVER_CORE, /, **environment: str
) -> AsyncIterator[Running]:
    """The process of `command` after it listens on the port, pinned to a core or not; killed at the end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    process = subprocess.Popen(command, env={**inherited, **environment}, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start")
            await asyncio.sleep(0.02)
        pin(process.pid, core if pinned else None)
        yield Running(process.pid, port)
    finally:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def casare(data: Path, pinned: bool, core: int = SERVER_CORE, /, **environment: str) -> AsyncIterator[Running]:
    """The real server with the database in `data`, with authentication, validation and storage."""
    port = free_port()
    python = str(measured.get().python)
    command = [python, "-m", "casare_rpa.cli.main", "serve", "--port", str(port), "--data-dir", str(data)]
    async with started(command, port, pinned, core, **{**SETTINGS, **environment}) as running:
        yield running


@contextlib.asynccontextmanager
async def bare(name: str, pinned: bool) -> AsyncIterator[Running]:
    """One of `RELAYS`, see bench/peers."""
    port = free_port()
    interpreter, program = RELAYS[name]
    async with started([str(interpreter), str(PEERS / program), str(port)], port, pinned) as running:
        yield running


@contextlib.asynccontextmanager
async def nats(pinned: bool) -> AsyncIterator[Running]:
    """nats-server with its WebSocket port, no authentication."""
    port, other = free_port(), free_port()
    with folder() as data:
        config = data / "nats.conf"
        config.write_text(
            f'listen: "{HOST}:{other}"\nwebsocket {{ listen: "{HOST}:{port}", no_tls: true, compression: false }}\n'
        )
        async with started([str(NATS), "-c", str(config), "-l", str(data / "log")], port, pinned) as running:
            yield running


@contextlib.asynccontextmanager
async def mosquitto(pinned: bool) -> AsyncIterator[Running]:
    """Mosquitto with a WebSocket port, without authentication and without a file."""
    port, other = free_port(), free_port()
    with folder() as data:
        config = data / "mosquitto.conf"
        # Version 2.0 ends if it has only listeners for WebSockets.
        lines = [f"listener {other} {HOST}", f"listener {port} {HOST}", "protocol websockets", "allow_anonymous true"]
        config.write_text("\n".join([*lines, "set_tcp_nodelay true", "log_dest none", ""]))
        async with started([str(MOSQUITTO), "-c", str(config.resolve())], port, pinned) as running:
            yield running


@contextlib.asynccontextmanager
async def redis(pinned: bool) -> AsyncIterator[Running]:
    """Redis that answers after each write is on the disk."""
    port = free_port()
    with folder() as data:
        options = ["--bind", HOST, "--port", str(port), "--dir", str(data), "--save", "", "--loglevel", "warning"]
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        async with started([str(REDIS), *options, *durable], port, pinned) as running:
            yield running
