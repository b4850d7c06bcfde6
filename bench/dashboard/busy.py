"""A busy orchestrator for the tests of the dashboard: a filled store, and a fleet that works until it is stopped.

Usage: `busy.py fill DATA_DIR ROBOTS JOBS` before the server starts, then
`busy.py run DATA_DIR PORT ROBOTS UPDATES LINES`, which prints `ready` when jobs run. UPDATES and LINES are per second.
"""

import asyncio
import itertools
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.dashboard.fill import add_jobs
from bench.fleet import Robot, fleet, now, report
from bench.peer import message, post, requests
from bench.servers import HOST
from bench.store import fill

WORKING = 50
"""Robots that run a job each; the others are idle."""
HEARTBEAT_SECONDS = 20
TRACEBACK = """Traceback (most recent call last):
  File "tasks.py", line 7, in main
    customer = customers[number]
KeyError: 'customer'"""


def line(robot: Robot, number: int) -> bytes:
    """A log line; each fifth is a traceback of four lines, each seventh a progress bar."""
    text, level = f"invoice {number} was read", "INFO"
    if number % 5 == 0:
        text, level = f"{TRACEBACK} {number}", "ERROR"
    elif number % 7 == 0:
        text = f"\x1b[32mprogress 10%\rprogress 55%\rprogress of {number}: all\x1b[0m"
    payload = {"robot_id": robot.robot_id, "level": level, "message": text, "timestamp": now()}
    return message("log", payload | {"job_id": robot.jobs[-1]})


def heartbeat(robot: Robot) -> bytes:
    """A heartbeat with a load that differs from robot to robot."""
    status = "busy" if robot.jobs else "idle"
    load = {"cpu_percent": 10 + robot.number % 70, "memory_mb": 200 + robot.number}
    return message("heartbeat", {"robot_id": robot.robot_id, "status": status, "timestamp": now(), **load})


async def at_rate(per_second: float, send: Callable[[int], None]) -> None:
    """Call `send` with 0, 1, 2 … this many times a second. A delay is caught up."""
    began_at = time.monotonic()
    for number in itertools.count():
        await asyncio.sleep(max(0.0, began_at + number / per_second - time.monotonic()))
        send(number)


async def run(folder: Path, port: int, robots: int, updates: int, lines: int) -> None:
    """Connect the fleet, give some robots a job, print `ready`, and send until the process is stopped."""
    connected = await fleet(port, robots)
    working = connected[:WORKING]
    client = await requests(HOST, port)
    secret = (folder / "api_secret").read_text().strip()
    jobs = [{"workflow_id": "invoices", "robot_id": robot.robot_id} for robot in working]
    await client.send(post("/api/v1/jobs/batch", {"jobs": jobs}, {"X-API-Secret": secret}))
    async with asyncio.timeout(60):
        while not all(robot.jobs for robot in working):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for robot in connected:
        robot.peer.send(heartbeat(robot))
    print("ready", flush=True)

    def update(number: int) -> None:
        robot, percent = working[number % len(working)], number // len(working) % 100
        robot.peer.send(report(robot.jobs[-1], "running", percent, None, f"invoice {percent} of 100"))

    def write(number: int) -> None:
        robot = working[number % len(working)]
        robot.peer.send(line(robot, number))

    def beat(number: int) -> None:
        robot = connected[number % len(connected)]
        robot.peer.send(heartbeat(robot))

    beats = robots / HEARTBEAT_SECONDS
    await asyncio.gather(at_rate(updates, update), at_rate(lines, write), at_rate(beats, beat))


def fill_store(folder: Path, robots: int, jobs: int) -> None:
    """A database with robots that have keys, and with jobs of a day."""
    fill(folder, robots)
    connection = sqlite3.connect(folder / "casare.db")
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        add_jobs(connection, jobs, robots)
    connection.close()


def main(arguments: list[str]) -> None:
    """Run the command of the arguments."""
    match arguments:
        case ["fill", folder, robots, jobs]:
            fill_store(Path(folder), int(robots), int(jobs))
        case ["run", folder, port, robots, updates, lines]:
            asyncio.run(run(Path(folder), int(port), int(robots), int(updates), int(lines)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
