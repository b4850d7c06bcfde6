"""Connections: their rate, their cost, and the reconnect of a whole fleet."""

import asyncio
import contextlib
import time

from bench import servers
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, fleet, until
from bench.machine import Busy, resident_bytes
from bench.peer import Peer, connect
from bench.plan import Plan
from bench.store import fill

AT_ONCE = 50
STORM_AT_ONCE = 500
LEFT_SECONDS = 2.0
"""The time until the server has recorded all disconnects, so that a ramp measures only connects."""


async def measure(figures: Figures, *, pinned: bool, robots: int, ramp: int, plan: Plan, limit: bool = False) -> None:
    """A ramp of robots with their keys, then idle robots, then a reconnect of all.

    The ramp takes turns with a ramp of viewers to a bare server.
    """
    async with contextlib.AsyncExitStack() as stack:
        data = stack.enter_context(servers.folder())
        fill(data, robots)
        server = await stack.enter_async_context(servers.casare(data, pinned))
        bare = await stack.enter_async_context(servers.bare("picows", pinned)) if limit else None
        await fleet(server.port, 200)  # modules that are loaded once are not part of the cost of a connection
        await asyncio.sleep(1.0)
        before = resident_bytes(server.process_id)
        crew = [Robot(200 + number) for number in range(robots - 200)]
        for turn in range(plan.turns):
            await _ramp_of(figures, crew[:ramp], server.port, pinned)
            if bare is not None:
                await _ramp_of_bare(figures, ramp, bare.port, pinned)
            if turn == 0:
                await _ramp(crew[ramp:], server.port, AT_ONCE)
                await asyncio.sleep(2.0)
                kib = (resident_bytes(server.process_id) - before) / len(crew) / 1024
                p7 = Target("P7", 32, 20, at_least=False, scales=False) if robots == 10_000 else None
                figures.add(f"memory of a connection, {robots} idle robots", "KiB", kib, pinned=pinned, target=p7)
                await _storm(figures, crew, server.port, robots, pinned)
            else:
                await _leave(crew[:ramp])


async def _ramp_of(figures: Figures, crew: list[Robot], port: int, pinned: bool) -> None:
    busy = Busy()
    rate, took = await _ramp(crew, port, AT_ONCE)
    share, targets = busy.share, len(crew) == 5_000
    p8 = Target("P8", 2_000, 3_000) if targets else None
    figures.add(f"connects, {len(crew)}", "connects/s", rate, pinned=pinned, target=p8, busy=share)
    p8 = Target("P8", 100, 60, at_least=False) if targets else None
    figures.add(f"connects, {len(crew)}: handshake p99", "ms", percentile(took, 0.99), pinned=pinned, target=p8)


async def _ramp_of_bare(figures: Figures, number: int, port: int, pinned: bool) -> None:
    left = iter(range(number))
    opened: list[Peer] = []

    async def some() -> None:
        opened.extend([await connect(servers.HOST, port, "/watch", lambda _peer, _data: None) for _ in left])

    busy, began = Busy(), time.monotonic()
    await asyncio.gather(*[some() for _ in range(AT_ONCE)])
    rate, share = number / (time.monotonic() - began), busy.share
    figures.add(f"connects, {number}", "connects/s", rate, server="bare picows", pinned=pinned, busy=share)
    for peer in opened:
        peer.close()


async def _storm(figures: Figures, crew: list[Robot], port: int, robots: int, pinned: bool) -> None:
    await _leave(crew)
    began = time.monotonic()
    _, took = await _ramp(crew, port, STORM_AT_ONCE)
    back = time.monotonic() - began
    figures.add(f"storm: {robots} robots are back", "s", back, pinned=pinned)
    figures.add(f"storm: {robots} robots, handshake p99", "ms", percentile(took, 0.99), pinned=pinned)
    await _leave(crew)


async def _leave(crew: list[Robot]) -> None:
    for robot in crew:
        robot.peer.close()
    await until(lambda: all(robot.peer.lost.is_set() for robot in crew))
    await asyncio.sleep(LEFT_SECONDS)


async def _ramp(crew: list[Robot], port: int, at_once: int) -> tuple[float, list[float]]:
    """Connects per second, and the milliseconds of each, including TCP."""
    left = iter(crew)
    took: list[float] = []

    async def some() -> None:
        for robot in left:
            began = time.monotonic()
            await robot.connect(port, hello=False)
            took.append((time.monotonic() - began) * 1000)

    began = time.monotonic()
    await asyncio.gather(*[some() for _ in range(at_once)])
    return len(crew) / (time.monotonic() - began), took
