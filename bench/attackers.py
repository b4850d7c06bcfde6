"""Hostile peers, in a process of their own: `python -m bench.attackers PORT CORE ATTACK…`.

They run until they are killed, while a core is idle, because the peers of a real server use the processor of their
own machines. CORE is a number, or `any`.
"""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import uvloop

from bench.machine import pin
from bench.peer import Peer, connect, frame, message
from bench.servers import ADMIN, HOST
from bench.store import key_of, robot_id

UNFINISHED = 100
SEARCHES_AT_ONCE = 6
MESSAGE_BYTES = 252 * 1024
SEARCH = quote("абвгдежзийклмнопрстуфхцчшщъы")
FIRST_HOSTILE = 200
"""The number of the first of the hostile robots. The robots before it are the victims."""
HOSTILE_ROBOTS = 8
STARTED = "started"

Attack = Callable[[int], Awaitable[None]]


def _ignore(_peer: Peer, _data: bytes) -> None:
    """Discard what the server sends."""


def _robot_path(number: int) -> str:
    return f"/ws/robot/{robot_id(number)}?api_key={key_of(number)}"


async def _flood(port: int, number: int, block: bytes) -> None:
    """One robot that sends a block as fast as the server reads, and connects again when it is disconnected."""
    while True:
        peer = await connect(HOST, port, _robot_path(number), _ignore)
        while not peer.lost.is_set():
            if peer.transport.get_write_buffer_size() < 64 * 1024:
                peer.send(block)
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.1)


async def heavy_heartbeats(port: int) -> None:
    """Heartbeats of 252 KiB that consist of escapes, and others that consist of brackets."""
    head = '{"type":"heartbeat","payload":{"status":"busy","x":'
    escapes = frame((head + '"' + "\\u0000" * (MESSAGE_BYTES // 6) + '"}}').encode())
    brackets = frame((head + "[" + "[]," * (MESSAGE_BYTES // 3) + "0]}}").encode())
    async with asyncio.TaskGroup() as group:
        for number, block in ((0, escapes), (1, escapes), (2, brackets)):
            group.create_task(_flood(port, FIRST_HOSTILE + number, block))


async def log_floods(port: int) -> None:
    """Batches of 1,000 short lines, and lines of 60 KB."""
    short = message("log_batch", {"entries": [{"level": "INFO", "message": "x"}] * 1_000})
    long = message("log", {"level": "INFO", "message": "x" * 60_000})
    async with asyncio.TaskGroup() as group:
        for number, block in ((3, short), (4, short), (5, long)):
            group.create_task(_flood(port, FIRST_HOSTILE + number, block))


async def abandoned_searches(port: int) -> None:
    """Searches over lines of 60 KB whose clients leave at once."""
    more = "".join(f"{name}: {value}\r\n" for name, value in ADMIN.items())
    request = f"GET /api/v1/logs?q={SEARCH} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n".encode()

    async def search() -> None:
        while True:
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(request)
            await asyncio.sleep(0.2)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(SEARCHES_AT_ONCE):
            group.create_task(search())


async def replays(port: int) -> None:
    """Repeated snapshots of all open jobs, with the key of one robot."""
    path = f"/ws/monitoring/live-jobs?since=&token={key_of(FIRST_HOSTILE + 6)}"

    async def replay() -> None:
        while True:
            peer = await connect(HOST, port, path, _ignore)
            await asyncio.sleep(0.5)
            peer.transport.abort()

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(replay())


async def unfinished_messages(port: int) -> None:
    """Monitoring sockets that send the beginning of a message of 250 KiB."""
    path = f"/ws/monitoring/queue-metrics?token={key_of(FIRST_HOSTILE + 7)}"
    beginning = frame(b"x" * 250 * 1024)[: 64 * 1024]
    while True:
        peers = [await connect(HOST, port, path, _ignore) for _ in range(UNFINISHED)]
        for peer in peers:
            peer.send(beginning)
        await asyncio.sleep(0.5)
        for peer in peers:
            peer.transport.abort()


ATTACKS: dict[str, Attack] = {
    "heavy heartbeats": heavy_heartbeats,
    "log floods": log_floods,
    "abandoned searches": abandoned_searches,
    "replays": replays,
    "unfinished messages": unfinished_messages,
}


async def _run(port: int, names: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(ATTACKS[name](port))
        print(STARTED, flush=True)


def main() -> None:
    """Attack until the process is killed. The first line of the output says that the attacks began."""
    parser = argparse.ArgumentParser(prog="python -m bench.attackers", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("core")
    parser.add_argument("attacks", nargs="+", choices=ATTACKS)
    wanted = parser.parse_args()
    # A normal process that becomes ready takes the place of an idle one immediately; of a low priority it does not.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    pin(os.getpid(), None if wanted.core == "any" else int(wanted.core))
    uvloop.run(_run(wanted.port, wanted.attacks))


if __name__ == "__main__":
    main()
