"""Ended connections are freed at once: a peer that connects repeatedly leaves nothing to the garbage collector.

The collector stops the event loop for as long as it needs to free all that waits for it, and all robots wait meanwhile.
"""

import asyncio
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from casare_rpa.domain.credentials import KEY_ID_LENGTH, KEY_SECRET_LENGTH, make_key
from contract.server_process import ADMIN_SECRET, WIRES, Server, serving
from security.conftest import blameless
from wire.raw_socket import TEXT, connected, frame, handshake

pytestmark = pytest.mark.slow

CONNECTIONS = 10
WITHIN_SECONDS = 20.0
COLLECT = """
import gc, signal
def collect(*_):
    gc.disable()
    print("freed by the collector:", gc.collect(), flush=True)
signal.signal(signal.SIGUSR1, collect)
"""
"""At the signal, the process says how many objects waited for the collector, which never runs by itself after that."""
FREED = re.compile(r"freed by the collector: (\d+)")
TOO_LARGE = frame(TEXT, b"x" * 70_000)


@pytest.fixture(scope="module", params=WIRES)
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server whose collector runs at the signal only."""
    folder: Path = tmp_path_factory.mktemp("ended")
    with serving(folder, before=COLLECT, CASARE_WIRE=str(request.param)) as running:
        yield running
    blameless(running)


async def collected(server: Server) -> int:
    """Run the collector; the objects that waited for it."""
    before = len(FREED.findall(server.output))
    server.process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(WITHIN_SECONDS):
        while len(numbers := FREED.findall(server.output)) == before:
            await asyncio.sleep(0.01)
    return int(numbers[-1])


async def left(server: Server) -> None:
    """Wait until the server has noticed the end of every connection."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while any(
            float(line.rpartition(" ")[2])
            for line in (await asyncio.to_thread(server.http.get, "/metrics")).text.splitlines()
            if line.startswith("casare_connections{")
        ):
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    """One for all tests: an account is checked 25 times a minute."""
    return server.token()


async def come_and_go(server: Server, urls: list[str], sent: bytes) -> None:
    """All at once: refusals of an address that was often refused are answered after a second."""
    async with asyncio.timeout(WITHIN_SECONDS), asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(connect_and_end(url, sent))
    await left(server)


async def connect_and_end(url: str, sent: bytes) -> None:
    async with connected(url) as raw:
        raw.writer.write(handshake(url))
        await raw.reader.readuntil(b"\r\n\r\n")
        raw.writer.write(sent)
        await raw.writer.drain()


def urls_of(kind: str, server: Server, token: str) -> list[str]:
    """One address for each connection. A robot that connects again at once would be a duplicate."""
    if kind == "robots":
        accounts = [server.robot() for _ in range(CONNECTIONS)]
        return [server.ws(f"/ws/robot/{one.robot_id}", api_key=one.api_key) for one in accounts]
    path, parameters = PATHS[kind]
    if parameters is None:
        parameters = {"token": token} if "monitoring" in path else {"api_secret": ADMIN_SECRET}
    return [server.ws(path, **parameters)] * CONNECTIONS


PATHS: dict[str, tuple[str, dict[str, str] | None]] = {
    "metrics": ("/ws/monitoring/queue-metrics", None),
    "live jobs": ("/ws/monitoring/live-jobs", None),
    "dashboards": ("/ws/admin", None),
    "logs": ("/ws/logs", None),
    "a wrong secret": ("/ws/admin", {"api_secret": "wrong"}),
    "a wrong token": ("/ws/monitoring/queue-metrics", {"token": "wrong"}),
    "a wrong key": ("/ws/robot/robot-1", {"api_key": make_key("1" * KEY_ID_LENGTH, "2" * KEY_SECRET_LENGTH)}),
    "no credential": ("/ws/robot/robot-1", {}),
    "no such path": ("/ws/nowhere", {}),
}
"""The path and the parameters of each kind of connection; `None` stands for a credential that is accepted."""
SENT = {
    "nothing": b"",
    "a bad message": frame(TEXT, b"{}"),
    "a part of a large message": TOO_LARGE[:40_000],
    "too large a message": TOO_LARGE * 4,
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
@pytest.mark.parametrize("kind", [*PATHS, "robots"])
async def test_ended_connection_leaves_no_object_to_the_collector(
    kind: str, sent: bytes, server: Server, token: str
) -> None:
    # The first connections of a kind import and cache.
    await come_and_go(server, urls_of(kind, server, token), sent)
    await collected(server)
    await come_and_go(server, urls_of(kind, server, token), sent)
    assert await collected(server) < CONNECTIONS
