"""The faults of a run. Each returns the end of its harm (monotonic seconds), after which the recovery begins.

A killed process is harmed only at that moment; its restart is part of the recovery.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from chaos.campaign import BREEZE, Campaign
from chaos.duplicates import repeat_everything
from chaos.processes import Child
from chaos.proxy import Connection, Way, Weather

Fault = Callable[[Campaign], Awaitable[float]]
POINT_SECONDS = 10.0
"""The longest wait for a named kill point. After it, the process is killed with `kill -9`."""
WIRE_MOMENTS = (b'"job_assign"', b'"type":"ack"', b"HTTP/1.1 201")
EXIT_SECONDS = 17.0
"""The time for a SIGTERM: 10 s for closing connections, 5 s for peers that do not read, and a margin."""


# The server


async def server_killed(run: Campaign) -> float:
    await run.server.kill()
    return time.monotonic()


async def server_killed_before_commit(run: Campaign) -> float:
    return await _server_at_point(run, "store.commit:kill")


async def server_killed_after_commit(run: Campaign) -> float:
    return await _server_at_point(run, "store.committed:kill")


async def _server_at_point(run: Campaign, point: str) -> float:
    run.server.next_time(CASARE_FAILPOINTS=f"{point}@{run.random.randint(1, 40)}")
    await run.server.kill()
    await run.until_ready()
    return await _ended(run.server)


async def commits_fail(run: Campaign) -> float:
    """After a restart every third commit of the first twenty fails."""
    points = ",".join(f"store.commit:error@{number}" for number in range(2, 20, 3))
    run.server.next_time(CASARE_FAILPOINTS=points)
    await run.server.kill()
    await run.until_ready()
    await asyncio.sleep(run.pace.pause)
    return time.monotonic()


async def server_killed_after_send(run: Campaign) -> float:
    """Kill the server right after it sent an assignment, an ack or a 201."""
    run.proxy.watch(run.random.choice(WIRE_MOMENTS), lambda: run.server.send(signal.SIGKILL))
    return await _ended(run.server)


async def server_stopped(run: Campaign) -> float:
    run.server.send(signal.SIGSTOP)
    await asyncio.sleep(run.pace.pause)
    run.server.send(signal.SIGCONT)
    return time.monotonic()


async def server_restarted(run: Campaign) -> float:
    """SIGTERM under load: the server must exit with 0, in time."""
    began = time.monotonic()
    run.server.send(signal.SIGTERM)
    await run.server.ended.wait()
    if run.server.codes[-1] != 0:
        run.remarks.append(f"SIGTERM under load: exit code {run.server.codes[-1]}")
    if time.monotonic() - began > EXIT_SECONDS:
        run.remarks.append(f"SIGTERM under load: gone after {time.monotonic() - began:.1f} s")
    return time.monotonic()


async def server_away(run: Campaign) -> float:
    """Stop the server for longer than every lease."""
    run.server.hold()
    await run.server.kill()
    await asyncio.sleep(run.pace.lease * 1.1)
    run.server.release()
    return time.monotonic()


# Robots


async def robots_killed(run: Campaign) -> float:
    for robot in _some_robots(run, 0.25):
        run.excuse(robot.name, time.monotonic())
        await robot.kill()
    return time.monotonic()


async def robot_killed_at_start_of_job(run: Campaign) -> float:
    return await _robot_at_point(run, "started")


async def robot_killed_before_its_report(run: Campaign) -> float:
    return await _robot_at_point(run, "ended")


async def _robot_at_point(run: Campaign, point: str) -> float:
    robot = _some_robots(run, 0)[0]
    points = run.points(robot.name)
    since = time.monotonic()
    points.ask(point)
    ended_at = await _ended(robot)
    points.take_back(point)
    run.excuse(robot.name, since)
    return ended_at


async def robots_stopped(run: Campaign) -> float:
    return await _stopped(_some_robots(run, 0.25), run.pace.pause)


async def robot_stopped_until_its_lease_ends(run: Campaign) -> float:
    """The robot continues and reports while its lease expires."""
    robots = _some_robots(run, 0.15)
    since = time.monotonic()
    continued_at = await _stopped(robots, run.pace.lease + run.random.uniform(-1, 1))
    for robot in robots:
        run.excuse(robot.name, since, silence=True)
    return continued_at


async def _stopped(robots: list[Child], seconds: float) -> float:
    for robot in robots:
        robot.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for robot in robots:
        robot.send(signal.SIGCONT)
    return time.monotonic()


async def twins(run: Campaign) -> float:
    """Two processes with one robot_id, started in turns."""
    robot = _some_robots(run, 0)[0]
    twin = run.twin(robot.name)
    since = time.monotonic()
    twin.start()
    try:
        for _ in range(4):
            await asyncio.sleep(run.pace.pause / 2)
            await run.random.choice([robot, twin]).kill()
    finally:
        await twin.retire()
        await robot.kill()
        run.excuse(robot.name, since)
    return time.monotonic()


# The submitter


async def submitter_killed(run: Campaign) -> float:
    await run.submitter.kill()
    return time.monotonic()


async def submitter_killed_before_it_wrote_the_answer(run: Campaign) -> float:
    run.points("submitter").ask("answered")
    ended_at = await _ended(run.submitter)
    run.points("submitter").take_back("answered")
    return ended_at


async def submitter_stopped(run: Campaign) -> float:
    run.submitter.send(signal.SIGSTOP)
    await asyncio.sleep(run.pace.pause)
    run.submitter.send(signal.SIGCONT)
    return time.monotonic()


# The network


async def connections_reset(run: Campaign) -> float:
    for connection in run.proxy.some(run.random.choice([0.2, 1.0])):
        connection.reset()
    return time.monotonic()


async def half_open_up(run: Campaign) -> float:
    return await _half_open(run, Way.UP)


async def half_open_down(run: Campaign) -> float:
    return await _half_open(run, Way.DOWN)


async def _half_open(run: Campaign, way: Way) -> float:
    """One direction loses everything silently; at the end, the connection is reset."""
    holed = run.proxy.some(0.3)
    for connection in holed:
        connection.holes.add(way)
    await asyncio.sleep(run.pace.pause)
    for connection in holed:
        connection.reset()
    return time.monotonic()


async def network_frozen(run: Campaign) -> float:
    """Nothing is delivered for a time, then everything arrives late."""
    held: list[Connection] = run.proxy.some(0.5)
    for connection in held:
        connection.frozen.clear()
    await asyncio.sleep(run.pace.pause)
    for connection in held:
        connection.frozen.set()
    return time.monotonic()


def weather(name: str, what: Weather) -> Fault:
    """A fault of the network."""

    async def fault(run: Campaign) -> float:
        run.proxy.weather = what
        await asyncio.sleep(run.pace.pause)
        run.proxy.weather = BREEZE
        return time.monotonic()

    fault.__name__ = name
    return fault


# Shared


async def _ended(child: Child) -> float:
    """Wait until a process has ended at its kill point; kill it if it does not get there. Returns the time."""
    try:
        async with asyncio.timeout(POINT_SECONDS):
            await child.ended.wait()
    except TimeoutError:
        await child.kill()
    return time.monotonic()


def _some_robots(run: Campaign, share: float) -> list[Child]:
    """A share of the running robots, at least one."""
    alive = [robot for robot in run.robots.values() if robot.alive]
    return run.random.sample(alive, max(1, round(len(alive) * share)))


SLOW = Weather(latency_seconds=0.15, jitter_seconds=0.15)
FAULTS: tuple[Fault, ...] = (
    server_killed,
    server_killed_before_commit,
    server_killed_after_commit,
    server_killed_after_send,
    commits_fail,
    server_stopped,
    server_restarted,
    robots_killed,
    robot_killed_at_start_of_job,
    robot_killed_before_its_report,
    robots_stopped,
    twins,
    submitter_killed,
    submitter_killed_before_it_wrote_the_answer,
    submitter_stopped,
    connections_reset,
    half_open_up,
    half_open_down,
    network_frozen,
    weather("latency", SLOW),
    weather("slices", Weather(slice_bytes=3, share=0.7)),
    weather("narrow", Weather(slice_bytes=64, bytes_per_second=4_000, share=0.5)),
    weather("cut_inside_frames", replace(BREEZE, cut_after_bytes=6_000)),
    weather("slow_close", Weather(slow_close_seconds=1.0)),
    repeat_everything,
)
LONG_FAULTS: tuple[Fault, ...] = (server_away, robot_stopped_until_its_lease_ends)
"""Faults that take longer than a lease."""
LIAR_FAULTS: tuple[Fault, ...] = (server_killed_before_commit,)
"""The faults that detect a server which answers before it commits."""


def plan(run: Campaign, seconds: float) -> Iterator[Fault]:
    """Faults in a random order of the seed, each once before any is repeated; long ones only if there is time."""
    faults = list(LIAR_FAULTS if run.wishes.lie else FAULTS)
    if not run.wishes.lie and seconds > 4 * run.pace.lease:
        faults += LONG_FAULTS
    while True:
        run.random.shuffle(faults)
        yield from faults
