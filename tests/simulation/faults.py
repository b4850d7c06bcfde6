"""The faults of a run and their times, drawn from the seed."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.instance_faults import InstanceFaults
from tests.simulation.network import Connection, Gone
from tests.simulation.robots import TIMESTAMP, OurRobot, Robot, nothing_claimed
from tests.simulation.server import Server

if TYPE_CHECKING:
    from tests.simulation.world import World

SLOW_SECONDS = (0.2, 1.0, 3.0)
LEARNS_IN = (0.01, 0.3, 5.0, 30.0, 45.0)
ALONE = 0.25
"""The share of runs of several instances with one fault."""


class Faults:
    """Each method is one kind of fault. It starts the fault and schedules its end."""

    def __init__(self, world: "World", chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        if world.cluster.several:
            self._of_instances = InstanceFaults(world, chance)
        self.kinds: list[Callable[[], None]] = [
            self.cut,
            self.stall,
            self.slow_network,
            self.kill_server,
            self.kill_in_commit,
            self.kill_after_commit,
            self.restart_server,
            self.stop_server,
            self.jump_clock,
            self.slow_disk,
            self.failing_disk,
            self.hint_lost,
            self.hint_repeated,
            self.hint_late,
            self.kill_robot,
            self.stop_robot,
            self.double,
            self.stranger_reports,
            self.repeat_report,
        ]
        self.scenarios: list[Callable[[], None]] = [self.stop_server_while_it_writes, self.cancel_unheard]
        """Faults that wait for a moment in the exchange of messages. Half of the runs have one of them or both."""

    async def strike(self, until: float) -> None:
        """Run faults of about half of all kinds, until this time. Some runs of several instances have one fault only.

        Each pause of any instance gives the robots time, so that other faults hide the effect of a long one.
        """
        if self._world.cluster.several and self._chance.random() < ALONE:
            await asyncio.sleep((0.05 + self._chance.random() * 0.25) * (until - self._world.loop.time()))
            self._begin(self._chance.choice(self._of_instances.alone))
            await asyncio.sleep(until - self._world.loop.time())
            return
        mix = self._chance.sample(self.kinds, self._chance.randint(4, 10))
        if self._world.cluster.several:
            mix += self._chance.sample(self._of_instances.kinds, self._chance.randint(2, 6))
        pace = self._chance.choice((8.0, 15.0, 30.0))
        loop = self._world.loop
        for scenario in self._chance.sample(self.scenarios, self._chance.choice((0, 0, 1, 2))):
            self._later(self._chance.random() * (until - loop.time()) * 0.6, partial(self._begin, scenario))
        while True:
            await asyncio.sleep(self._chance.random() * pace * 2)
            if loop.time() >= until:
                return
            kind = self._chance.choice(mix)
            self._begin(kind)

    def _begin(self, kind: Callable[[], None]) -> None:
        self._world.history.fault(self._world.loop.time(), kind.__name__)
        kind()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._world.later(seconds, act)

    def _connection(self) -> Connection | None:
        live = [one for one in self._world.network.connections if not (one.client_over or one.server_over)]
        return self._chance.choice(live) if live else None

    # The network

    def cut(self) -> None:
        connection = self._connection()
        if connection is not None:
            connection.cut(self._chance.choice(LEARNS_IN), self._chance.choice(LEARNS_IN))

    def stall(self) -> None:
        """One direction delivers nothing for a time; then everything arrives at once, or the connection breaks."""
        connection = self._connection()
        if connection is None:
            return
        seconds = self._chance.choice((3.0, 14.0, 40.0, 84.0, 89.0, 100.0)) + self._chance.random() * 4.0
        for line in self._chance.choice(((connection.up,), (connection.down,), (connection.up, connection.down))):
            line.stall(seconds)
        if self._chance.random() < 0.5:
            self._later(seconds * self._chance.random(), lambda: connection.cut(0.5, 0.5))

    def slow_network(self) -> None:
        weather = self._world.network.weather
        weather.delay_seconds = self._chance.choice((0.3, 1.0, 4.0))

        def over() -> None:
            weather.delay_seconds = 0.005

        self._later(10.0 + self._chance.random() * 20.0, over)

    # The server

    def _server(self) -> Server:
        """The instance that the fault is about."""
        servers = self._world.cluster.servers
        return self._chance.choice(servers) if len(servers) > 1 else servers[0]

    def kill_server(self) -> None:
        server = self._server()
        if server.process is not None:
            server.process.after_steps(self._chance.randrange(300), server.kill)

    def kill_in_commit(self) -> None:
        self._server().access.faults.kill_before_commit = self._chance.randrange(8)

    def kill_after_commit(self) -> None:
        self._server().access.faults.kill_after_commit = self._chance.randrange(8)

    def restart_server(self) -> None:
        self._server().end()

    def stop_server(self) -> None:
        server = self._server()
        server.stop()
        seconds = self._chance.choice((1.0, 5.0, 14.0, 60.0, 95.0)) + self._chance.random() * 5.0
        self._later(seconds, server.go_on)

    def stop_server_while_it_writes(self) -> None:
        """Stop the server for longer than a lease, with a report that waits behind another one for a slow disk."""
        server = self._server()
        self._slow_disk(server, 3.0)
        seconds = 92.0 + self._chance.random() * 8.0

        def stop() -> None:
            server.stop()
            self._later(seconds, server.go_on)

        server.stop_between_reports(stop)

    def jump_clock(self) -> None:
        """Set the wall clock back or forward.

        A clock set back by minutes to hours is often combined with a restart; the next process can see it only in the
        store. A jump forward, as after a sleep of the machine, starts at the right time. Before a large one the disk is
        slow, so that operations are in progress.
        """
        server = self._server()
        seconds = self._chance.choice((-4 * 3600.0, -1800.0, -30.0, 4.0, 100.0, 7200.0))
        if seconds > 0:
            if seconds >= 100.0:
                self._slow_disk(server, self._chance.choice(SLOW_SECONDS))
            self._later(self._chance.random() * 10.0, lambda: server.machine.set_forward(seconds))
            return
        if seconds < -60.0 and self._chance.random() < 0.7:
            self._world.history.fault(self._world.loop.time(), "over a restart")
            server.kill()
        server.machine.set_back(-seconds)

    def slow_disk(self) -> None:
        self._slow_disk(self._server(), self._chance.choice(SLOW_SECONDS))

    def _slow_disk(self, server: Server, delay_seconds: float) -> None:
        faults = server.access.faults
        faults.delay_seconds = delay_seconds

        def over() -> None:
            faults.delay_seconds = 0.002

        self._later(10.0 + self._chance.random() * 20.0, over)

    def failing_disk(self) -> None:
        faults = self._server().access.faults
        faults.failing = self._chance.choice((0.1, 0.5, 1.0))

        def over() -> None:
            faults.failing = 0.0

        self._later(self._chance.random() * 15.0, over)

    # Events inside the server

    def hint_lost(self) -> None:
        hints = self._server().hints
        hints.lost = self._chance.choice((0.2, 0.5, 1.0))

        def over() -> None:
            hints.lost = 0.0

        self._later(self._chance.random() * 20.0, over)

    def hint_repeated(self) -> None:
        hints = self._server().hints
        hints.repeated = self._chance.choice((0.2, 1.0))

        def over() -> None:
            hints.repeated = 0.0

        self._later(self._chance.random() * 20.0, over)

    def hint_late(self) -> None:
        hints = self._server().hints
        hints.late = self._chance.choice((0.2, 0.5, 1.0))

        def over() -> None:
            hints.late = 0.0

        self._later(self._chance.random() * 20.0, over)

    # Robots

    def kill_robot(self) -> None:
        robot = self._chance.choice(self._world.robots)
        robot.kill()

    def stop_robot(self) -> None:
        process = self._chance.choice(self._world.robots).process
        if process is not None:
            process.stop()
            self._later(self._chance.choice((5.0, 20.0, 85.0, 92.0, 120.0)), process.go_on)

    def cancel_unheard(self) -> None:
        """A job is cancelled just after its offer. The claim and the cancel are lost with the connection."""
        robots = [robot for robot in self._world.robots if isinstance(robot, OurRobot)]

        def cancel(robot: Robot, job_id: str) -> None:
            for one in robots:
                one.when_claiming = nothing_claimed
            if robot.connection is not None:
                robot.connection.cut(self._chance.choice(LEARNS_IN[:3]), 0.01)
            self._world.start(self._world.admin.order("cancel_job", job_id))

        for robot in robots:
            robot.when_claiming = cancel

    def double(self) -> None:
        """A second process with the identity of a robot."""
        robot = self._chance.choice([robot for robot in self._world.robots if robot.ours])
        self._world.start_double(robot, self._chance.choice((2.0, 30.0, 130.0)))

    def stranger_reports(self) -> None:
        """A robot reports on a job of another robot."""
        robot = self._chance.choice(self._world.robots)
        if self._world.history.submits:
            job_id = self._chance.choice(self._world.history.submits).job_id
            if not any(
                seen == job_id for _, robot_id, seen, _ in self._world.history.assigned if robot_id == robot.robot_id
            ):
                self._say(robot, job_id, self._chance.choice((None, 1, 2)))

    def repeat_report(self) -> None:
        """A robot repeats the end of an earlier job late, with its attempt."""
        assigned = [one for one in self._world.history.assigned if self._world.robot(one[1]).ours]
        if assigned:
            _, robot_id, job_id, attempt = self._chance.choice(assigned)
            robot = self._world.robot(robot_id)
            work = robot.works.get(job_id)
            if work is None or work.attempt != attempt:
                self._say(robot, job_id, attempt)

    def _say(self, robot: Robot, job_id: str, attempt: int | None) -> None:
        status = self._chance.choice(("completed", "failed", "running", "claimed"))
        message = f"{robot.robot_id} {attempt} stray"
        payload = {"job_id": job_id, "status": status, "timestamp": TIMESTAMP, "message": message}
        if attempt is not None:
            payload["attempt"] = attempt
        if robot.connection is not None:
            robot.note(f"-> stray {payload}")
            with suppress(Gone):
                robot.connection.send(json.dumps({"type": "job_status", "payload": payload}))
