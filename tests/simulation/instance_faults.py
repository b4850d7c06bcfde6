"""The faults of one instance among several, and of the bus between them."""

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.cluster import MOST_INSTANCES
from tests.simulation.disk import CutOff
from tests.simulation.robots import OurRobot, Robot, nothing_claimed
from tests.simulation.server import Server

if TYPE_CHECKING:
    from tests.simulation.world import World

LEARNS_IN = (0.01, 0.3, 5.0)
PAUSE_SECONDS = (20.0, 60.0, 60.0, 75.0)
CUT_OFF_SECONDS = (3.0, 14.0, 30.0, 60.0)
AWAY_SECONDS = (5.0, 20.0, 60.0, 130.0)


class InstanceFaults:
    """Each method is one kind of fault. It starts the fault and schedules its end."""

    def __init__(self, world: "World", chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self.kinds: list[Callable[[], None]] = [
            self.pause_instance,
            self.cut_off_from_the_disk,
            self.late_answers,
            self.add_instance,
            self.drain_instance,
            self.lose_instance,
            self.outage,
            self.move_robot,
            self.silent_for_a_lease,
            self.pause_with_a_silent_robot,
            self.no_disk_for_a_lease,
            self.no_heartbeats,
            self.ring_lost,
            self.ring_repeated,
            self.ring_late,
            self.ring_early,
        ]
        world.cluster.wire.always_lost = chance.choice((0.0, 0.0, 0.3, 1.0))

    def _server(self) -> Server:
        return self._chance.choice(self._world.cluster.servers)

    def _wanted(self) -> list[Server]:
        return [server for server in self._world.cluster.servers if server.wanted]

    def pause_instance(self) -> None:
        """Stop an instance between any two steps. Its clients may notice and go to another one in the meantime."""
        server = self._server()
        process = server.process
        if process is None:
            return
        seconds = self._chance.choice(PAUSE_SECONDS) + self._chance.random() * 5.0
        noticed = self._chance.random() < 0.6

        def stop() -> None:
            if server.process is not process or self._world.calm:
                return
            server.stop()
            self._world.later(seconds, server.go_on)
            for connection in server.connections if noticed else ():
                connection.cut(self._chance.choice(LEARNS_IN), 0.01)

        process.after_steps(self._chance.randrange(300), stop)

    def cut_off_from_the_disk(self) -> None:
        server = self._server()
        server.cut_off(self._chance.choice((CutOff.FAILS, CutOff.HANGS)))
        self._world.later(self._chance.choice(CUT_OFF_SECONDS) + self._chance.random() * 5.0, server.reach_the_disk)

    def late_answers(self) -> None:
        """Commits of one instance are answered after later commits of others, and after their hints."""
        faults = self._server().access.faults
        faults.answer_seconds = self._chance.choice((0.1, 0.5, 3.0))
        self._world.later(10.0 + self._chance.random() * 20.0, partial(setattr, faults, "answer_seconds", 0.0))

    def add_instance(self) -> None:
        """Start one that was taken away, or another one."""
        cluster = self._world.cluster
        away = [server for server in cluster.servers if not server.wanted]
        if away:
            away[0].wanted = True
        elif len(cluster.servers) < MOST_INSTANCES:
            cluster.add()

    def drain_instance(self) -> None:
        self._take_away(lambda server: server.end())

    def lose_instance(self) -> None:
        """Kill an instance that stays away for longer than a restart takes."""
        self._take_away(lambda server: server.kill())

    def _take_away(self, end: Callable[[Server], None]) -> None:
        wanted = self._wanted()
        if len(wanted) < 2:
            return
        server = self._chance.choice(wanted)
        server.wanted = False
        end(server)
        self._world.later(self._chance.choice(AWAY_SECONDS), partial(setattr, server, "wanted", True))

    def outage(self) -> None:
        self._world.cluster.kill()

    def move_robot(self) -> None:
        """A robot connects again, most likely to another instance; the old one notices it later, or after a pause."""
        robot = self._chance.choice(self._world.robots)
        if robot.connection is not None:
            robot.connection.cut(0.01, self._chance.choice((0.01, 5.0, 45.0)))

    def silent_for_a_lease(self) -> None:
        """The frames of a robot arrive when its leases end, and its instance cannot write that for some seconds."""
        working = [robot for robot in self._world.robots if robot.works and robot.connection is not None]
        if not working:
            return
        robot = self._chance.choice(working)
        connection, heard = robot.connection, self._world.history.heard.get(robot.peer)
        if connection is None or heard is None:
            return
        seconds = heard[-1] - self._world.loop.time() + 87.0 + self._chance.random() * 2.5
        connection.up.stall(seconds)
        for server in self._world.cluster.servers:
            if connection in server.connections:
                self._world.later(seconds - 0.5, partial(setattr, server.access.faults, "delay_seconds", 4.0))
                self._world.later(seconds + 10.0, partial(setattr, server.access.faults, "delay_seconds", 0.002))

    def pause_with_a_silent_robot(self) -> None:
        """Stop an instance until others end its sessions. One of its robots sends nothing for longer than that."""
        server = self._server()
        robots = [robot for robot in self._world.robots if robot.connection in server.connections]
        if not robots:
            return
        connection = self._chance.choice(robots).connection
        assert connection is not None
        connection.up.stall(120.0)
        server.stop()
        self._world.later(17.0 + self._chance.random() * 5.0, server.go_on)

    def no_disk_for_a_lease(self) -> None:
        """No instance reaches the disk until a lease is over. Its robot has lost its connection before."""
        working = [robot for robot in self._world.robots if robot.works and robot.connection is not None]
        if not working:
            return
        robot = self._chance.choice(working)
        heard = self._world.history.heard.get(robot.peer)
        if robot.connection is None or heard is None:
            return
        seconds = heard[-1] - self._world.loop.time() + 91.0 + self._chance.random() * 8.0
        robot.connection.cut(seconds + 3.0, 0.01)  # it notices that when the instances have judged its lease
        kind = self._chance.choice((CutOff.FAILS, CutOff.HANGS))
        self._world.later(1.0, partial(self._cut_all_off, kind))
        for server in self._world.cluster.servers:
            self._world.later(seconds, server.reach_the_disk)

    def _cut_all_off(self, kind: CutOff) -> None:
        if not self._world.calm:
            for server in self._world.cluster.servers:
                server.cut_off(kind)

    def no_heartbeats(self) -> None:
        """A robot sends no heartbeats, and so no list of its jobs, after its next claim, but reports."""
        robot = self._chance.choice([robot for robot in self._world.robots if isinstance(robot, OurRobot)])

        def begin(robot: Robot, job_id: str) -> None:
            robot.when_claiming = nothing_claimed
            robot.no_beats_until = self._world.loop.time() + 130.0
            robot.shortest_work[job_id] = 110.0

        robot.when_claiming = begin

    # The bus between the instances

    def ring_lost(self) -> None:
        self._ring("lost", (0.1, 0.5, 1.0))

    def ring_repeated(self) -> None:
        self._ring("repeated", (0.2, 1.0))

    def ring_late(self) -> None:
        self._ring("late", (0.2, 0.5, 1.0))

    def ring_early(self) -> None:
        self._ring("early", (0.2, 1.0))

    def _ring(self, name: str, shares: tuple[float, ...]) -> None:
        faults = self._world.cluster.wire.faults
        setattr(faults, name, self._chance.choice(shares))
        self._world.later(self._chance.random() * 30.0, partial(setattr, faults, name, 0.0))
