"""The effect of a misbehaving peer on others: a viewer that does not read, a robot that floods the server."""

import asyncio
import statistics
import time

from bench import fan_out, servers
from bench.fan_out import Watched
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, background, fleet, heartbeat, report, running_jobs
from bench.peer import Peer, connect
from bench.servers import ADMIN, HOST
from bench.store import fill

VIEWERS = 500
EVENTS_A_SECOND = 500
"""Events to 500 viewers: half of the capacity of a core. Above it, messages are late because of the queue."""
FILLING_SECONDS = 2.0
"""The time until the buffers of the kernel are full and those of the server begin to fill."""
ROUNDS = 3
ROBOTS = 1_000
FLOOD_BLOCK = 50
STEPS = 50


async def measure_stalled(figures: Figures, *, pinned: bool, seconds: float) -> None:
    """The delay of log lines for 499 viewers, while the 500th reads and while it does not, in turns."""
    quiet: list[float] = []
    stalled: list[float] = []
    async with fan_out.of_logs(VIEWERS - 1, pinned=pinned) as watched:
        await fan_out.rate(watched, 64, 1.0)
        for _ in range(ROUNDS):
            for late, reads in ((quiet, True), (stalled, False)):
                peer = await connect(HOST, _port(watched), "/ws/logs", lambda _peer, _data: None, ADMIN)
                if not reads:
                    peer.transport.pause_reading()
                await fan_out.rate(watched, 64, FILLING_SECONDS)
                late.append((await fan_out.lateness(watched, EVENTS_A_SECOND, seconds)).p99)
                peer.transport.abort()
    name = f"fairness: p99 age, {VIEWERS} viewers, {EVENTS_A_SECOND} events/s"
    before, after = statistics.median(quiet), statistics.median(stalled)
    figures.add(f"{name}, all read", "ms", before, pinned=pinned)
    figures.add(f"{name}, one reads nothing", "ms", after, pinned=pinned)
    target = Target("fair", 1.1, at_least=False, scales=False)
    figures.add("fairness: one reads nothing, p99 of the others", "×", after / before, pinned=pinned, target=target)


def _port(watched: Watched) -> int:
    port: int = watched.viewers[0].transport.get_extra_info("peername")[1]
    return port


class Asked:
    """Robots that send a message per second, and the times of its acknowledgement."""

    def __init__(self, crew: list[Robot]) -> None:
        self._crew = crew
        self._sent: dict[int, int] = {}
        self.took: list[float] = []
        for robot in crew:
            robot.acked = self._acked

    async def talk(self, seconds: float) -> None:
        began = time.monotonic()
        for step in range(int(seconds * STEPS)):
            for robot in self._crew[step % STEPS :: STEPS]:
                self._sent[robot.number] = time.monotonic_ns()
                robot.peer.send(report(robot.jobs[0], "running", step % 100, "asked"))
            await asyncio.sleep(max(0.0, began + (step + 1) / STEPS - time.monotonic()))
        await asyncio.sleep(0.5)

    def _acked(self, robot: Robot, _payload: bytes) -> None:
        self.took.append((time.monotonic_ns() - self._sent[robot.number]) / 1e6)


async def measure_flood(figures: Figures, *, pinned: bool, seconds: float) -> None:
    """The time of an acknowledgement for 999 robots, while the 1,000th sends like them, and while it floods the server.

    It floods with heartbeats. The rate limit, which would prevent this, is off.
    """
    quiet: list[float] = []
    flooded: list[float] = []
    with servers.folder() as data:
        fill(data, ROBOTS)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, ROBOTS)
            await running_jobs(server.port, crew, 1)
            asked = Asked(crew[1:])
            for _ in range(ROUNDS):
                for late, floods in ((quiet, False), (flooded, True)):
                    flood = background(_flood(crew[0].peer, crew[0].robot_id)) if floods else None
                    asked.took.clear()
                    await asked.talk(seconds)
                    late.append(percentile(asked.took, 0.99))
                    if flood is not None:
                        flood.cancel()
                        await asyncio.gather(flood, return_exceptions=True)
    name = f"fairness: p99 of an ack, {ROBOTS} robots"
    before, after = statistics.median(quiet), statistics.median(flooded)
    figures.add(f"{name}, all talk once a second", "ms", before, pinned=pinned)
    figures.add(f"{name}, one floods", "ms", after, pinned=pinned)


async def _flood(peer: Peer, robot_id: str) -> None:
    block = heartbeat(robot_id) * FLOOD_BLOCK
    while not peer.lost.is_set():
        if peer.transport.get_write_buffer_size() < 64 * 1024:
            peer.send(block)
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.001)
