"""The processor time of leases, which robots with running jobs renew by heartbeats, and of hints."""

import asyncio
import time
from collections.abc import Awaitable

import asyncpg

from bench import postgres
from bench.figures import Figures, Target
from bench.fleet import Robot, fleet, heartbeat, running_jobs, until
from bench.machine import Busy, family_cpu_seconds

HEARTBEAT_SECONDS = 10
"""The time between two heartbeats of the agent."""
LISTENERS = 3
STEPS = 100
"""Parts of that time. In each, a hundredth of the robots sends."""


async def measure(figures: Figures, *, pinned: bool, robots: int) -> None:
    """The share of a core of PostgreSQL with heartbeats, less that of the same connected robots without them."""
    async with postgres.cluster(1, robots, 1, pinned) as cluster:
        crew = await fleet(cluster.instances[0].port, robots)
        await running_jobs(cluster.instances[0].port, crew, 1)
        await asyncio.sleep(3.0)  # until the last writes of the starts are over
        silent = await _share(cluster.process_id, asyncio.sleep(HEARTBEAT_SECONDS))
        busy = Busy()
        beating = await _share(cluster.process_id, _beat(crew, rounds=2))
        load = busy.share
    name = f"leases of {robots:,} running jobs"
    target = Target("leases", 0.02, at_least=False) if robots == 10_000 else None
    each = max(0.0, beating - silent) / robots * HEARTBEAT_SECONDS * 1e6
    figures.add("a heartbeat with its lease, processor time of PostgreSQL", "µs", each, pinned=pinned)
    what = f"{name}, share of the core of PostgreSQL"
    figures.add(what, "cores", max(0.0, beating - silent), pinned=pinned, target=target, busy=load)
    figures.add(f"{name}, the same with all other work", "cores", beating, pinned=pinned, busy=load)


async def measure_hints(figures: Figures, *, pinned: bool, number: int = 5_000) -> None:
    """The processor time of a hint: `NOTIFY` of 200 bytes, one after the other, with three listeners."""
    async with postgres.database(pinned) as (url, process_id):
        await postgres.when_up(url)
        heard = 0

        def hear(*_: object) -> None:
            nonlocal heard
            heard += 1

        connections = [await asyncpg.connect(url) for _ in range(LISTENERS + 1)]
        for listener in connections[1:]:
            await listener.add_listener("hints", hear)
        used, own = family_cpu_seconds(process_id), time.process_time()
        for _ in range(number):
            await connections[0].execute("SELECT pg_notify('hints', $1)", "x" * 200)
        await until(lambda: heard == number * LISTENERS)
        spent, own = family_cpu_seconds(process_id) - used, time.process_time() - own
        for connection in connections:
            await connection.close()
    name = f"a hint to {LISTENERS} instances, processor time of"
    figures.add(f"{name} PostgreSQL", "µs", spent / number * 1e6, pinned=pinned)
    figures.add(f"{name} the clients", "µs", own / number * 1e6, pinned=pinned)


async def _share(process_id: int, work: Awaitable[None]) -> float:
    """The share of a core that the processes of PostgreSQL use during this work."""
    used, began = family_cpu_seconds(process_id), time.monotonic()
    await work
    return (family_cpu_seconds(process_id) - used) / (time.monotonic() - began)


async def _beat(crew: list[Robot], *, rounds: int) -> None:
    """Every robot sends a heartbeat every ten seconds."""
    began = time.monotonic()
    for step in range(rounds * STEPS):
        for robot in crew[step % STEPS :: STEPS]:
            robot.peer.send(heartbeat(robot.robot_id))
        await asyncio.sleep(max(0.0, began + (step + 1) * HEARTBEAT_SECONDS / STEPS - time.monotonic()))
