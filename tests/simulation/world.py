"""One run: from a seed to a history and the final state of the store. The same seed always gives the same run."""

import asyncio
import gc
import logging
import random
import secrets
import sqlite3
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.simulation.cluster import Cluster
from tests.simulation.disk import ROBOTS, Disk, blank_disk
from tests.simulation.doorbell import WireFaults
from tests.simulation.faults import Faults
from tests.simulation.history import History
from tests.simulation.network import CLOSE_SECONDS, Network
from tests.simulation.people import Admin, Submitter, viewers
from tests.simulation.returners import returners
from tests.simulation.robots import SILENT_SECONDS, Manner, OldRobot, OurRobot, Robot, nothing_claimed
from tests.simulation.tickets import TicketUser
from tests.simulation.virtual_loop import VirtualLoop

FAULT_SECONDS = 200.0
CALM_SECONDS = 1500.0
"""Longer than every deadline, but shorter than the steps of a clock that is set back, which must delay no deadline."""
HEALED_SECONDS = 8.0
"""The time for a late event and the following comparison of memory with the store."""
JOBS = 16
AGREED_SECONDS = CLOSE_SECONDS + 5.0
"""The time to notice a lost session, and to close its connection, also to a peer that does not answer the close."""
KEPT_SECONDS = 45.0
"""The longest time from the end of a session in the store until an instance without faults closes its connection."""
ORDERED_SECONDS = 5.0
"""The time in which an instance that stood still obeys old orders, such as a pause. The last resume is sent later."""
COUNTED = ("pending", "claimed", "running", "completed_24h", "failed_24h")
RETURN_SECONDS = (0.5, 3.0, 20.0, 100.0)


@dataclass(slots=True)
class Outcome:
    """The data for the checker."""

    seed: int
    history: History
    connection: sqlite3.Connection
    robots: dict[str, Robot]
    all_quiet: bool
    free_slots: dict[tuple[str, str], tuple[int, int]]
    """The final memory of each instance, by instance and robot: (free slots, capacity)."""
    holders: dict[str, list[str]]
    """The instances that hold each robot at the end. A robot whose own connection is open has an entry in any case."""
    stored_holders: dict[str, list[str]]
    """The same, by the stored sessions."""
    failing_disk: bool


class World:
    """All participants of a run."""

    def __init__(self, loop: VirtualLoop, seed: int, history: History, instances: int) -> None:
        def chance(name: str) -> random.Random:
            return random.Random(f"{seed} {name}")

        self.loop = loop
        self.history = history
        self.network = Network(loop, chance("network"))
        self.disk = Disk()
        self.cluster = Cluster(loop, self.network, self.disk, history, chance, instances)
        self.chance = chance("world")
        self.robots: list[Robot] = []
        old = self.chance.choice((0, 0, 1, 2))
        for number, (robot_id, tenant_id) in enumerate(ROBOTS):
            kind = OldRobot if len(ROBOTS) - number <= old else OurRobot
            robot = kind(loop, self.cluster, history, chance(robot_id), robot_id, tenant_id)
            if isinstance(robot, OldRobot):
                robot.capacity = self.chance.choice((1, 1, 3))
                robot.manner = self.chance.choice((Manner.REPORTS, Manner.REFUSED, *Manner))
                robot.word_for_cancelled = self.chance.choice(("failed", "cancelled", "canceled"))
                self.disk.store_slots(robot_id, robot.capacity)
            else:
                robot.capacity = self.chance.choice((1, 1, 2))
                robot.journal = self.chance.random() < 0.5
            self.robots.append(robot)
        self.submitter = Submitter(loop, self.cluster, history, chance("submitter"))
        self.admin = Admin(loop, self.cluster, history, chance("admin"))
        self.viewers = viewers(loop, self.cluster, history, chance("viewers"))
        self.viewers += returners(loop, self.cluster, history, chance("returners"))
        self.ticket_user = TicketUser(loop, self.cluster, history, chance("tickets")) if self.cluster.several else None
        self.faults = Faults(self, chance("faults"))
        self.calm = False
        self._chance_of = chance
        self.doubles: list[OurRobot] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def start_double(self, robot: Robot, seconds: float) -> None:
        """Start another process with the identity of a robot, with a data directory of its own, for some time."""
        name = f"{robot.robot_id} double {len(self.doubles) + 1}"
        double = OurRobot(self.loop, self.cluster, self.history, self._chance_of(name), robot.robot_id, robot.tenant_id)
        double.peer, double.capacity, double.journal = name, robot.capacity, True
        self.doubles.append(double)
        double.start()
        self.later(seconds, double.kill)

    def robot(self, robot_id: str) -> Robot:
        return next(robot for robot in self.robots if robot.robot_id == robot_id)

    def start(self, act: Coroutine[Any, Any, Any]) -> None:
        """Run it beside the rest of the world."""
        task = self.loop.create_task(act, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act, context=Context())

    async def run(self) -> bool:
        """Run a phase with faults, then a calm one; returns whether all jobs ended."""
        until = self.loop.time() + FAULT_SECONDS
        for robot in self.robots:
            robot.start()
        stay = [self.admin.stay_connected(), self._keep_servers_up(), self._keep_robots_up(), self._compare_sessions()]
        tasks = [asyncio.ensure_future(act) for act in (*stay, *(viewer.watch() for viewer in self.viewers))]
        if self.ticket_user is not None:
            tasks.append(asyncio.ensure_future(self.ticket_user.use_tickets()))
        submitting = asyncio.ensure_future(self.submitter.submit_all(JOBS, FAULT_SECONDS * 0.8))
        tasks.append(submitting)
        try:
            async with asyncio.timeout(FAULT_SECONDS + CALM_SECONDS):
                await asyncio.gather(self.faults.strike(until), self.admin.interfere(until))
                self._make_calm()
                await submitting
                if self.cluster.several:
                    await asyncio.sleep(ORDERED_SECONDS)
                await self.admin.resume()
        except TimeoutError:
            starts = {server.name: server.starts for server in self.cluster.servers}
            self.history.failures.append(f"requests had no answer for {CALM_SECONDS:.0f} s; starts: {starts}")
        quiet = await self._until_quiet()
        if quiet:
            if self.ticket_user is not None:
                await self.ticket_user.use_last_tickets()
                await self._count()
            await self._until_agreed()
        for viewer in self.viewers:
            viewer.end()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return quiet

    async def end(self) -> None:
        """End all participants."""
        for robot in self.robots:
            robot.kill()
        self.cluster.kill()

    async def _keep_servers_up(self) -> None:
        while True:
            for server in self.cluster.servers:
                if server.process is None and server.wanted:
                    server.start()
            await asyncio.sleep(1.0 if self.calm else self.chance.choice((0.5, 2.0, 10.0)))

    async def _keep_robots_up(self) -> None:
        while True:
            await asyncio.sleep(0.5 if self.calm else self.chance.choice(RETURN_SECONDS))
            for robot in self.robots:
                if robot.process is None:
                    robot.start()

    async def _compare_sessions(self) -> None:
        """Note connections that an instance without faults keeps although their sessions in the store have ended."""
        since: dict[str, float] = {}
        while True:
            await asyncio.sleep(2.0)
            stored = {row[0] for row in self.disk.connection.execute("SELECT session_id FROM robot_sessions")}
            before, since = since, {}
            for server in self.cluster.servers:
                for live in server.plane.fleet.connected() if server.plane is not None and server.works_well else ():
                    assert live.connection is not None
                    session_id = live.connection.session.session_id
                    if session_id in stored or session_id in self.history.kept_after_end:
                        continue
                    since[session_id] = before.get(session_id, self.loop.time())
                    if self.loop.time() - since[session_id] > KEPT_SECONDS:
                        self.history.kept_after_end[session_id] = f"{server.name} and {live.robot.robot_id}"

    def _make_calm(self) -> None:
        self.history.note(self.loop.time(), "CALM", "")
        self.calm = True
        self.network.clear()
        self.cluster.wire.faults = WireFaults()
        for server in self.cluster.servers:
            server.wanted = True
            server.reach_the_disk()
            server.access.faults.clear()
            server.hints.clear()
            server.await_no_report()
            server.go_on()
        for double in self.doubles:
            double.kill()
        for robot in self.robots:
            robot.trouble = False
            robot.when_claiming = nothing_claimed
            robot.no_beats_until = 0.0
            robot.silent_seconds = SILENT_SECONDS
            robot.shortest_work.clear()
            if robot.process is not None:
                robot.process.go_on()

    async def _until_quiet(self) -> bool:
        """Wait until no job is open and no robot runs one; False if that takes too long."""
        until = self.loop.time() + CALM_SECONDS
        while self.loop.time() < until:
            await asyncio.sleep(5.0)
            open_jobs = self.disk.connection.execute("SELECT count(*) FROM jobs WHERE finished_at IS NULL").fetchone()[
                0
            ]
            working = any(robot.works for robot in self.robots)
            if not open_jobs and not working and self.cluster.up:
                await asyncio.sleep(HEALED_SECONDS)
                return True
        return False

    async def _until_agreed(self) -> None:
        """Wait while a robot connects or its lost session is noticed, but only as long as that may take."""
        until = self.loop.time() + AGREED_SECONDS
        while self.loop.time() < until and self.holders() != self.stored_holders():
            await asyncio.sleep(0.5)

    async def _count(self) -> None:
        for server in self.cluster.servers:
            if server.plane is not None:
                counts = await server.plane.store.counts(None, server.plane.clock.now())
                self.history.counts[server.name] = {name: getattr(counts, name) for name in COUNTED}

    def free_slots(self) -> dict[tuple[str, str], tuple[int, int]]:
        free = {}
        for server in self.cluster.servers:
            if server.plane is not None:
                known = [server.plane.fleet.get(robot.robot_id) for robot in self.robots]
                free |= {(server.name, one.robot.robot_id): (one.free_slots, one.capacity) for one in known if one}
        return free

    def stored_holders(self) -> dict[str, list[str]]:
        """The instance of the stored session of each robot that has one."""
        names = {server.plane.instance: server.name for server in self.cluster.servers if server.plane is not None}
        rows = self.disk.connection.execute(
            "SELECT robot_id, instance FROM robot_sessions WHERE session_id IS NOT NULL ORDER BY robot_id"
        )
        return {robot_id: [names.get(instance, instance)] for robot_id, instance in rows}

    def holders(self) -> dict[str, list[str]]:
        connected = [robot for robot in self.robots if robot.connection is not None and robot.connection.whole]
        holders: dict[str, list[str]] = {robot.robot_id: [] for robot in connected}
        for server in self.cluster.servers:
            if server.plane is not None:
                for live in server.plane.fleet.connected():
                    holders.setdefault(live.robot.robot_id, []).append(server.name)
        return holders


class _Capture(logging.Handler):
    """Captures the log of the run before its redaction."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._history.logs.append(text)
        if record.exc_info:
            error = record.exc_info[1]
            expected = "the disk failed" in str(error) or type(error).__name__ == "StoreUnavailable"
            if not expected:
                self._history.failures.append(f"{text}: {error!r}")


@contextmanager
def _surroundings(seed: int, history: History) -> Iterator[None]:
    """Take all random values of the product from the seed, capture its log, and disable garbage collection."""
    chance = random.Random(f"{seed} secrets")
    state = random.getstate()
    random.seed(f"{seed} product")
    logger = logging.getLogger("casare_rpa")
    handler = _Capture(history)
    propagate, level = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    collecting = gc.isenabled()
    gc.disable()  # it would run at times that do not depend on the seed
    try:
        with (
            mock.patch.object(secrets, "token_hex", lambda size=16: f"{chance.getrandbits(size * 8):0{size * 2}x}"),
            mock.patch.object(secrets, "token_urlsafe", lambda size=32: f"{chance.getrandbits(size * 8):0{size * 2}x}"),
            warnings.catch_warnings(),
        ):
            yield
    finally:
        if collecting:
            gc.enable()
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)
        random.setstate(state)


def run(seed: int, instances: int = 1, *, traced: bool = False) -> Outcome:
    """Run one seed with one or several instances. `traced` records a readable trace in the history."""
    history = History(trace=[] if traced else None)
    blank_disk()  # it takes random values when it is made, which must not be those of the first seed
    with _surroundings(seed, history):
        loop = VirtualLoop()
        asyncio.set_event_loop(loop)
        try:
            world = loop.run_until_complete(_make(loop, seed, history, instances))
            quiet = loop.run_until_complete(world.run())
            stored = world.stored_holders()
            free, holders = world.free_slots(), world.holders()
            loop.run_until_complete(world.end())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    return Outcome(
        seed=seed,
        history=history,
        connection=world.disk.connection,
        robots={robot.robot_id: robot for robot in world.robots},
        all_quiet=quiet,
        free_slots=free,
        holders=holders,
        stored_holders=stored,
        failing_disk=world.disk.commit_failures > 0,
    )


async def _make(loop: VirtualLoop, seed: int, history: History, instances: int) -> World:
    return World(loop, seed, history, instances)
