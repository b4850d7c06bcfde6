"""Connections without a credential: for any number and any behaviour of them, others are answered."""

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from contract.server_process import ADMIN_SECRET, WIRES, Server, serving
from contract.stranger import stranger
from security.conftest import blameless
from wire.raw_socket import connected, handshake

HOSTILE_CONNECTIONS = 2_000
ANSWER_SECONDS = 1.0
OPEN_FILES = 300
GAUGE = "casare_unauthenticated_connections "
EVICTED = "casare_unauthenticated_connections_closed_total "


@pytest.fixture(autouse=True)
def enough_files() -> Iterator[None]:
    """The client side of the connections needs one open file each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


WATCH = """
import socket, sys, time
while True:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as asked:
        asked.sendall(b"GET /health/live HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        assert asked.recv(1000).startswith(b"HTTP/1.1 200")
    print(time.monotonic() - began, flush=True)
    time.sleep(0.02)
"""


@contextmanager
def watched(server: Server) -> Iterator[list[float]]:
    """The seconds of each /health/live, one after another on new connections, from here to the end.

    A process of its own asks, so that this one's work does not count.
    """
    took: list[float] = []
    asked = threading.Event()
    port = server.url.rpartition(":")[2]
    process = subprocess.Popen([sys.executable, "-c", WATCH, port], stdout=subprocess.PIPE, text=True)

    def collect() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            took.append(float(line))
            asked.set()

    thread = threading.Thread(target=collect, name="health")
    thread.start()
    try:
        assert asked.wait(10)
        yield took
        assert process.poll() is None, "/health/live was not answered"
    finally:
        process.kill()
        process.wait()
        thread.join(10)
        assert process.stdout is not None
        process.stdout.close()
    # On a machine with other work each process gets less than a core.
    share = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert max(took) <= ANSWER_SECONDS * share


@asynccontextmanager
async def attack(server: Server, *sent: bytes, number: int = HOSTILE_CONNECTIONS) -> AsyncIterator[None]:
    """A number of connections, each of which sends one of these texts and does not read."""
    async with AsyncExitStack() as stack:
        for index in range(number):
            raw = await stack.enter_async_context(connected(server.ws("/"), receive_buffer_bytes=4096))
            with contextlib.suppress(ConnectionError):
                raw.writer.write(sent[index % len(sent)])
        yield


def metric(server: Server, name: str) -> float:
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


TOKENS = b"GET /" + b"eyJ" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG_HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 60_000
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
BAD_HANDSHAKE = handshake("ws://localhost/ws/admin?api_secret=wrong")
ATTACKS = {
    "silence": (b"",),
    "half a handshake": (BAD_HANDSHAKE[:-2],),
    "wrong secrets": (BAD_HANDSHAKE,),
    "60 KB of a head": (LONG_HEAD,),
    "60-KB addresses": (TOKENS,),
    "documents that are not read": (DOCUMENT,),
    "all of them": (b"", BAD_HANDSHAKE[:-2], BAD_HANDSHAKE, LONG_HEAD, TOKENS, DOCUMENT),
}


@pytest.mark.slow
@pytest.mark.parametrize("sent", ATTACKS.values(), ids=ATTACKS)
async def test_others_are_answered_within_a_second(sent: tuple[bytes, ...], server: Server) -> None:
    account = server.robot()
    with watched(server) as took:
        async with attack(server, *sent):
            async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
                assert (await robot.receive())["type"] == "connected"
            answered = len(took)
            async with asyncio.timeout(10):
                while len(took) < answered + 5:
                    await asyncio.sleep(0.01)
    blameless(server)


@pytest.mark.slow
@pytest.mark.parametrize("wire", WIRES)
async def test_few_open_files_exclude_no_client_and_log_one_line(wire: str, tmp_path: Path) -> None:
    """The hard limit is inherited, so the server cannot raise it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({OPEN_FILES}, {OPEN_FILES}))"
    with serving(tmp_path, before=code, CASARE_WIRE=wire) as server:
        account = server.robot()
        with watched(server):
            async with attack(server, b"", number=2 * OPEN_FILES):
                async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
                    assert (await robot.receive())["type"] == "connected"
                assert metric(server, EVICTED) >= OPEN_FILES
                assert metric(server, GAUGE) < OPEN_FILES / 2
        warnings = [line for line in server.lines if "WARNING" in line]
        assert sum("limit of open files is 300" in line for line in warnings) == 1
        assert sum("without a credential were closed" in line for line in warnings) == 1
        blameless(server)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits


@pytest.mark.slow
@pytest.mark.parametrize("wire", WIRES)
async def test_client_that_does_not_read_is_disconnected(wire: str, tmp_path: Path) -> None:
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_WRITE_TIMEOUT_SECONDS="1", CASARE_KEEP_ALIVE_SECONDS="1") as server:
        server.get("/tenants")  # the credential of the connection that reads the figure is accepted
        async with attack(server, DOCUMENT * 100, number=50), asyncio.timeout(30):
            while metric(server, GAUGE) > 0:
                await asyncio.sleep(0.1)
        blameless(server)


@pytest.mark.slow
async def test_admitted_connections_are_not_counted(server: Server) -> None:
    account = server.robot()
    async with asyncio.timeout(30):
        while metric(server, GAUGE) > 0:  # left over from the tests before
            await asyncio.sleep(0.1)
    async with (
        stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
        stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)),
    ):
        assert (await robot.receive())["type"] == "connected"
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))):
            async with asyncio.timeout(10):
                while metric(server, GAUGE) != 1:
                    await asyncio.sleep(0.05)
