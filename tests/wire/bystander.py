"""A well-behaved robot and two dashboards that run during the attacks, and the round trips of their heartbeats."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Stranger, now, stranger

BEATS_PER_SECOND = 50
QUIET_BEATS = 100


class Bystander:
    """Three correct connections on their own thread. `round_trips` are the seconds from a heartbeat to its ack."""

    def __init__(self, server: Server, account: Account, token: str) -> None:
        self._server = server
        self._account = account
        self._token = token
        self._stopping = threading.Event()
        self._beaten = threading.Condition()
        self._failure: BaseException | None = None
        self._seen: dict[str, int] = {"admin": 0, "monitoring": 0}
        self.round_trips: list[float] = []

    @contextmanager
    def minding_its_business(self) -> Iterator[None]:
        """Run the bystander until the end; returns after its first heartbeats."""
        thread = threading.Thread(target=self._run, name="bystander")
        thread.start()
        try:
            self.wait_for_beats(QUIET_BEATS)
            yield
        finally:
            self._stopping.set()
            thread.join(30)

    def wait_for_beats(self, count: int) -> None:
        """Wait until this number of further heartbeats was acknowledged."""
        with self._beaten:
            wanted = len(self.round_trips) + count
            self._beaten.wait_for(lambda: self._failure is not None or len(self.round_trips) >= wanted, 30)
        self.check()

    def check(self) -> None:
        """Assert that it kept its first connections and got all answers."""
        assert self._failure is None, f"the bystander was disturbed: {self._failure!r}"

    def watched(self) -> dict[str, int]:
        """The number of messages that each dashboard received."""
        return dict(self._seen)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:
            self._failure = error
        with self._beaten:
            self._beaten.notify_all()

    async def _live(self) -> None:
        server, robot_id = self._server, self._account.robot_id
        admin = server.ws("/ws/admin", api_secret=ADMIN_SECRET)
        monitoring = server.ws("/ws/monitoring/robot-status", token=self._token)
        async with (
            stranger(server.ws(f"/ws/robot/{robot_id}", api_key=self._account.api_key)) as robot,
            stranger(admin) as board,
            stranger(monitoring) as widget,
            asyncio.TaskGroup() as tasks,
        ):
            await board.send("subscribe", {"channels": ["robots", "jobs", "queue"]})
            watchers = [
                tasks.create_task(self._watch("admin", board)),
                tasks.create_task(self._watch("monitoring", widget)),
            ]
            await self._beat(robot)
            for watcher in watchers:
                watcher.cancel()

    async def _beat(self, robot: Stranger) -> None:
        payload = {"robot_id": self._account.robot_id, "status": "idle", "cpu_percent": 5, "memory_mb": 100}
        number = 0
        while not self._stopping.is_set():
            number += 1
            began = time.perf_counter()
            await robot.send("heartbeat", {**payload, "timestamp": now()}, id=number)
            assert (await robot.answer(number))["type"] == "ack"
            took = time.perf_counter() - began
            robot.seen.clear()
            with self._beaten:
                self.round_trips.append(took)
                self._beaten.notify_all()
            await asyncio.sleep(max(0.0, 1 / BEATS_PER_SECOND - took))

    async def _watch(self, name: str, viewer: Stranger) -> None:
        while True:
            document = await viewer.receive()
            viewer.seen.clear()
            assert document["type"] != "error", document
            self._seen[name] += 1


def figures(round_trips: list[float]) -> str:
    """Count, median, 99th percentile and maximum, in milliseconds."""
    ordered = sorted(round_trips)
    median, high = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"{len(ordered)} beats, p50 {median:.1f} ms, p99 {high:.1f} ms, max {ordered[-1] * 1000:.1f} ms"
