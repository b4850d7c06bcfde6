"""The time of an acknowledgement for ordinary robots while hostile peers send as much as the server accepts.

The limits of the server are at their defaults. Each round measures the same robots first alone and then under attack,
so that the ratio of both is independent of the machine.
"""

import asyncio
import contextlib
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from bench import servers
from bench.fairness import Asked
from bench.figures import Figures, Target, percentile
from bench.fleet import fleet, running_jobs
from bench.peer import Peer, connect, frame, message
from bench.servers import ADMIN, HOST
from bench.store import fill, key_of, robot_id

VICTIMS = 200
HOSTILE_ROBOTS = 8
OPEN_JOBS = 20_000
LARGE_LINES = 2_000
ROUNDS = 3
UNFINISHED = 100
SEARCHES_AT_ONCE = 6
MESSAGE_BYTES = 252 * 1024
DEFAULTS = {
    "CASARE_RATE_LIMIT_ROBOT": "100:200",
    "CASARE_RATE_LIMIT_ROBOT_BYTES": "262144:4194304",
    "CASARE_RATE_LIMIT_ROBOT_LINES": "1000:10000",
    "CASARE_RATE_LIMIT_MONITORING": "50:100",
}
SEARCH = quote("абвгдежзийклмнопрстуфхцчшщъы")
LINES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO job_logs (tenant_id, robot_id, level, message, logged_at, received_at, truncated)
SELECT 'default', 'robot-00000', 'INFO', ?, 0, i, 0 FROM n
"""

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
            group.create_task(_flood(port, VICTIMS + number, block))


async def log_floods(port: int) -> None:
    """Batches of 1,000 short lines, and lines of 60 KB."""
    short = message("log_batch", {"entries": [{"level": "INFO", "message": "x"}] * 1_000})
    long = message("log", {"level": "INFO", "message": "x" * 60_000})
    async with asyncio.TaskGroup() as group:
        for number, block in ((3, short), (4, short), (5, long)):
            group.create_task(_flood(port, VICTIMS + number, block))


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
    path = f"/ws/monitoring/live-jobs?since=&token={key_of(VICTIMS + 6)}"

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
    path = f"/ws/monitoring/queue-metrics?token={key_of(VICTIMS + 7)}"
    beginning = frame(b"x" * 250 * 1024)[: 64 * 1024]
    while True:
        peers = [await connect(HOST, port, path, _ignore) for _ in range(UNFINISHED)]
        for peer in peers:
            peer.send(beginning)
        await asyncio.sleep(0.5)
        for peer in peers:
            peer.transport.abort()


ATTACKS = (heavy_heartbeats, log_floods, abandoned_searches, replays, unfinished_messages)


def _fill_logs(folder: Path) -> None:
    connection = sqlite3.connect(folder / "casare.db")
    with connection:
        connection.execute(LINES, (LARGE_LINES, "the robot reads an invoice " * 2_200))
    connection.close()


async def measure(figures: Figures, *, pinned: bool, seconds: float) -> None:
    """Median and 99th percentile of the victims' acknowledgements for each attack, and for all of them at once."""
    with servers.folder() as data:
        fill(data, VICTIMS + HOSTILE_ROBOTS, pending=OPEN_JOBS)
        _fill_logs(data)
        async with servers.casare(data, pinned, **DEFAULTS) as server:
            crew = await fleet(server.port, VICTIMS)
            await running_jobs(server.port, crew, 1)
            asked = Asked(crew)
            for attack in ATTACKS:
                await _compare(figures, asked, server.port, (attack,), pinned=pinned, seconds=seconds)
            await _compare(figures, asked, server.port, ATTACKS, pinned=pinned, seconds=seconds)


async def _compare(
    figures: Figures, asked: Asked, port: int, attacks: tuple[Attack, ...], *, pinned: bool, seconds: float
) -> None:
    quiet: list[tuple[float, float]] = []
    attacked: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        quiet.append(await _acknowledged(asked, seconds))
        running = [asyncio.ensure_future(attack(port)) for attack in attacks]
        await asyncio.sleep(1.0)  # until the bursts that the limits allow are used
        attacked.append(await _acknowledged(asked, seconds))
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
        failed = [error for error in ended if not isinstance(error, asyncio.CancelledError)]
        if failed:
            raise RuntimeError(f"an attack ended early: {failed}")
        await asyncio.sleep(0.5)
    what = "all attacks" if len(attacks) > 1 else attacks[0].__name__.replace("_", " ")
    for place, name, limit in ((0, "p50", 1.2), (1, "p99", 2.0)):
        before = statistics.median(one[place] for one in quiet)
        after = statistics.median(one[place] for one in attacked)
        figures.add(f"hostile: {name} of an ack, {what}", "ms", after, pinned=pinned)
        target = Target("hostile", limit, at_least=False, scales=False)
        figures.add(f"hostile: {name} of an ack, {what}, × quiet", "×", after / before, pinned=pinned, target=target)


async def _acknowledged(asked: Asked, seconds: float) -> tuple[float, float]:
    """Median and 99th percentile of the time of an acknowledgement, in ms."""
    asked.took.clear()
    began = time.monotonic()
    await asked.talk(seconds)
    if len(asked.took) < VICTIMS * int(seconds) * 0.9:
        raise RuntimeError(f"only {len(asked.took)} acknowledgements in {time.monotonic() - began:.1f} s")
    return statistics.median(asked.took), percentile(asked.took, 0.99)
