"""Connections: how fast they come, what they cost, and how a whole fleet returns."""

import asyncio
import time

from bench import servers
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, fleet, until
from bench.machine import resident_bytes
from bench.store import fill

AT_ONCE = 50
STORM_AT_ONCE = 500


async def measure(figures: Figures, *, pinned: bool, robots: int, ramp: int) -> None:
    """A ramp of robots with their keys, then the rest of them idle, then all of them again."""
    with servers.folder() as data:
        fill(data, robots)
        async with servers.casare(data, pinned) as server:
            await fleet(server.port, 200)  # what is loaded once is not the price of a connection
            await asyncio.sleep(1.0)
            before = resident_bytes(server.process_id)
            crew = [Robot(200 + number) for number in range(robots - 200)]
            rate, took = await _ramp(crew[:ramp], server.port, AT_ONCE)
            p8 = Target("P8", 2_000) if ramp == 5000 else None
            figures.add(f"connects, {ramp}", "connects/s", rate, pinned=pinned, target=p8)
            p8 = Target("P8", 100, at_least=False) if ramp == 5000 else None
            figures.add(f"connects, {ramp}: handshake p99", "ms", percentile(took, 0.99), pinned=pinned, target=p8)
            await _ramp(crew[ramp:], server.port, AT_ONCE)
            await asyncio.sleep(3.0)
            kib = (resident_bytes(server.process_id) - before) / len(crew) / 1024
            p7 = Target("P7", 32, at_least=False) if robots == 10_000 else None
            figures.add(f"memory of a connection, {robots} idle robots", "KiB", kib, pinned=pinned, target=p7)
            for robot in crew:
                robot.peer.close()
            await until(lambda: all(robot.peer.lost.is_set() for robot in crew))
            began = time.monotonic()
            _, took = await _ramp(crew, server.port, STORM_AT_ONCE)
            back = time.monotonic() - began
            figures.add(f"storm: {robots} robots are back", "s", back, pinned=pinned)
            figures.add(f"storm: {robots} robots, handshake p99", "ms", percentile(took, 0.99), pinned=pinned)
            for robot in crew:
                robot.peer.close()


async def _ramp(crew: list[Robot], port: int, at_once: int) -> tuple[float, list[float]]:
    """Connects a second, and how long each took in milliseconds, TCP included."""
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
