"""Robots and dashboards of the contract, simulated by the load generator."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from bench.peer import Peer, Sink, connect, message, post, requests
from bench.servers import ADMIN, HOST
from bench.store import key_of, robot_id

WAIT_SECONDS = 120.0
AT_ONCE = 64

T = TypeVar("T")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def report(job_id: str, status: str, progress: int, message_id: str | None = None, text: str | None = None) -> bytes:
    """A `job_status` of a robot."""
    payload = {"job_id": job_id, "status": status, "progress": progress, "timestamp": now()}
    if text is not None:
        payload["message"] = text
    return message("job_status", payload, message_id)


def reports(job_id: str, message_id: str) -> bytes:
    """All reports of a job that takes no time, in one `job_status_batch`."""
    states = (("claimed", 0), ("running", 0), ("completed", 100))
    of_job = [
        {"job_id": job_id, "status": status, "progress": progress, "timestamp": now()} for status, progress in states
    ]
    return message("job_status_batch", {"reports": of_job}, message_id)


def log(robot: str, job_id: str, text: str, message_id: str | None = None) -> bytes:
    """A `log` line of a robot."""
    payload = {"robot_id": robot, "level": "INFO", "message": text, "timestamp": now(), "job_id": job_id}
    return message("log", payload, message_id)


def heartbeat(robot: str, message_id: str | None = None) -> bytes:
    """A `heartbeat` of a busy robot."""
    payload = {"robot_id": robot, "status": "busy", "cpu_percent": 12.5, "memory_mb": 220.0, "timestamp": now()}
    return message("heartbeat", payload, message_id)


class Robot:
    """A robot that claims every offer. Calls `assigned` for each job and `acked` for each acknowledgement."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.robot_id = robot_id(number)
        self.jobs: list[str] = []
        self.peer: Peer
        self.assigned: Callable[[Robot, str], None] = _take
        self.acked: Callable[[Robot, bytes], None] = _ignore

    async def connect(self, port: int, slots: int = 1, *, hello: bool = True) -> None:
        """Open the socket with the robot's own key and send a `hello` with its slots."""
        path = f"/ws/robot/{self.robot_id}?api_key={key_of(self.number)}"
        self.peer = await connect(HOST, port, path, self._take)
        if hello:
            hello = {"instance_id": f"pc-{self.number}", "name": "", "max_concurrent_jobs": slots, "active_jobs": []}
            self.peer.send(message("hello", hello))

    def _take(self, peer: Peer, data: bytes) -> None:
        for payload in peer.frames.of(data):
            if payload.startswith(b'{"type":"ack"'):
                self.acked(self, payload)
            elif payload.startswith(b'{"type":"job_assign"'):
                self.assigned(self, json.loads(payload)["payload"]["job_id"])
            elif payload.startswith(b'{"type":"ping"'):
                self.peer.send(message("pong", {}))
            elif payload.startswith(b'{"type":"error"'):
                raise RuntimeError(f"{self.robot_id}: {payload.decode()}")


def _take(robot: Robot, job_id: str) -> None:
    """Claim a job and start it."""
    robot.jobs.append(job_id)
    robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0))


def _ignore(robot: Robot, payload: bytes) -> None:
    """Does nothing."""


async def fleet(port: int, robots: int, slots: int = 1, first: int = 0) -> list[Robot]:
    """A number of connected robots, connected in groups."""
    made = [Robot(first + number) for number in range(robots)]
    left = iter(made)

    async def some() -> None:
        for robot in left:
            await robot.connect(port, slots)

    await asyncio.gather(*[some() for _ in range(AT_ONCE)])
    return made


async def dashboards(port: int, number: int, sink: Sink, channels: tuple[str, ...] = ("jobs",)) -> list[Peer]:
    """A number of viewers of /ws/admin with a confirmed subscription.

    The first gets the snapshot; the others subscribe with the position of its end.
    """
    payloads: asyncio.Queue[bytes] = asyncio.Queue()

    def hear(peer: Peer, data: bytes) -> None:
        for payload in peer.frames.of(data):
            if b'"snapshot_end"' in payload or b'"id":"subscribed"' in payload:
                payloads.put_nowait(payload)

    async def one(since: str | None) -> Peer:
        peer = await connect(HOST, port, "/ws/admin", hear, ADMIN)
        peer.send(message("subscribe", {"channels": list(channels), "since": since}, "subscribed"))
        return peer

    async with asyncio.timeout(WAIT_SECONDS):
        opened = [await one(None)]
        end = json.loads(await payloads.get())
        await payloads.get()
        here = f"{end['payload']['epoch']}:{end['payload']['seq']}"
        left = iter(range(number - 1))

        async def another() -> None:
            opened.append(await one(here))

        async def some() -> None:
            for _ in left:
                await another()

        await asyncio.gather(*[some() for _ in range(AT_ONCE)])
        for _ in range(number - 1):
            await payloads.get()
    for peer in opened:
        peer.sink = sink
    return opened


def background(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task whose result is awaited at the end of a measure. If that fails before, an error of the task ends nothing.

    Otherwise the event loop would report the error as one of the load generator, which ends the whole run.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return task


async def until(true: Callable[[], bool]) -> None:
    """Wait for an event of the other side. Raises TimeoutError after two minutes."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def submit(port: int, robots: list[Robot], each: int) -> None:
    """Submit a number of jobs for each of these robots."""
    client = await requests(HOST, port)
    wanted = [{"workflow_id": "bench", "robot_id": robot.robot_id} for robot in robots for _ in range(each)]
    for start in range(0, len(wanted), 500):
        await client.send(post("/api/v1/jobs/batch", {"jobs": wanted[start : start + 500]}, ADMIN))
    client.transport.close()


async def running_jobs(port: int, robots: list[Robot], each: int) -> None:
    """Give every robot a number of jobs, and wait until all run."""
    await submit(port, robots, each)
    await until(lambda: all(len(robot.jobs) == each for robot in robots))
    acknowledged = 0

    def count(_robot: Robot, _payload: bytes) -> None:
        nonlocal acknowledged
        acknowledged += 1

    for robot in robots:  # earlier reports are stored when this is acknowledged
        robot.acked = count
        robot.peer.send(report(robot.jobs[-1], "running", 1, "settled"))
    await until(lambda: acknowledged == len(robots))
