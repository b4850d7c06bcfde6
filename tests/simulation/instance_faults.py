"""The faults of one instance among several, and of the bus between them."""

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.cluster import MOST_INSTANCES
from tests.simulation.disk import CutOff
from tests.simulation.robots import REPORTING, OldRobot, OurRobot, Robot, nothing_claimed
from tests.simulation.server import Server

if TYPE_CHECKING:
    from tests.simulation.world import World

LEARNS_IN = (0.01, 0.3, 5.0)
PAUSE_SECONDS = (20.0, 60.0, 60.0, 75.0)
CUT_OFF_SECONDS = (3.0, 14.0, 30.0, 60.0)
AWAY_SECONDS = (5.0, 20.0, 60.0, 130.0)
LONG_WORK_SECONDS = 150.0
SLOW_SECONDS = 1.0
LONGER_THAN_A_LEASE_SECONDS = (91.0, 92.5)
"""So short that the robot can connect again before the window ends that another instance has given."""


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
        self.alone: list[Callable[[], None]] = [
            self.stop_with_a_silent_robot,
            self.start_waits,
            self.claim_waits,
            self.claim_waits,
            self.claim_waits_for_longer,
            self.claim_waits_for_longer,
            self.no_disk_for_a_lease,
            self.no_heartbeats,
        ]
        """Faults for runs without other faults. Claims of 1.0 robots wait more often: only some runs have any."""
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

    def stop_with_a_silent_robot(self) -> None:
        """Stop an instance until others end its sessions, when a lease of one of its robots is nearly over.

        The robot is at work on a long job, of which no report arrives after the first ones.
        """
        robots = [robot for robot in self._world.robots if isinstance(robot, OurRobot)]

        def begin(robot: Robot, job_id: str) -> None:
            if robot.works[job_id].timeout_seconds < LONG_WORK_SECONDS:
                return  # its deadline would come before the end of the lease
            self._claimed(robots, robot, job_id)
            self._world.later(3.0, partial(self._silence, robot, job_id))

        self._when_claiming(robots, begin)

    def _silence(self, robot: Robot, job_id: str) -> None:
        connection = robot.connection
        if connection is None or job_id not in robot.works:
            return
        seconds = 60.0 + self._chance.random() * 25.0
        connection.up.stall(seconds + 60.0)
        for server in self._holding(robot):
            self._world.later(seconds, partial(self._stop, server, 40.0))

    def claim_waits(self) -> None:
        """The claim of a 1.0 robot waits in an instance that stops until the lease that begins with it is over.

        Another instance has ended its session in the meantime, and holds the offer for longer.
        """
        self._claim_waits(lambda server, job_id: self._stop(server, self._chance.uniform(*LONGER_THAN_A_LEASE_SECONDS)))

    def claim_waits_for_longer(self) -> None:
        """As `claim_waits`, until the offer is over as well: then the lease has been over for more than ten seconds."""
        self._claim_waits(self._stop_for_an_offer)

    def _claim_waits(self, stop: Callable[[Server, str], None]) -> None:
        robots: list[Robot] = [
            robot for robot in self._world.robots if isinstance(robot, OldRobot) and robot.manner in REPORTING
        ]

        def begin(robot: Robot, job_id: str) -> None:
            self._claimed(robots, robot, job_id)
            robot.silent_seconds = LONG_WORK_SECONDS
            self._write_late(robot, '"status": "claimed"', job_id, partial(stop, job_id=job_id))

        self._when_claiming(robots, begin)

    def start_waits(self) -> None:
        """The first report of a running job waits in an instance that stops until a lease from its time is over.

        Another instance has ended its session in the meantime, and extended the lease.
        """
        robots = [robot for robot in self._world.robots if isinstance(robot, OurRobot)]

        def begin(robot: Robot, job_id: str) -> None:
            self._claimed(robots, robot, job_id)
            seconds = self._chance.uniform(*LONGER_THAN_A_LEASE_SECONDS)
            self._write_late(robot, '"progress": 0', job_id, partial(self._stop, seconds=seconds))

        self._when_claiming(robots, begin)

    def _when_claiming(self, robots: Sequence[Robot], begin: Callable[[Robot, str], None]) -> None:
        for robot in robots:
            robot.when_claiming = begin

    def _claimed(self, robots: Sequence[Robot], robot: Robot, job_id: str) -> None:
        """The job of the scenario is found. It takes longer than a lease, unless it fails to start."""
        self._when_claiming(robots, nothing_claimed)
        robot.shortest_work[job_id] = LONG_WORK_SECONDS
        self._world.admin.spared.add(job_id)

    def _write_late(self, robot: Robot, sign: str, job_id: str, stop: Callable[[Server], None]) -> None:
        """Stop the instance of a robot while it writes the report with this text, on a slow disk."""

        if robot.connection is not None:
            robot.connection.up.stall(1.0)  # a write that has begun would take the report with it
        for server in self._holding(robot):
            server.access.faults.delay_seconds = SLOW_SECONDS
            self._world.later(140.0, partial(setattr, server.access.faults, "delay_seconds", 0.002))
            server.stop_at_report(job_id, sign, partial(stop, server))

    def _holding(self, robot: Robot) -> list[Server]:
        """The instance of a robot, if it has one."""
        return [server for server in self._world.cluster.servers if robot.connection in server.connections]

    def _stop(self, server: Server, seconds: float) -> None:
        if not self._world.calm:
            server.stop()
            self._world.later(seconds, server.go_on)

    def _stop_for_an_offer(self, server: Server, job_id: str) -> None:
        """Until another instance ends the offer. The queue is paused then, so that no other robot gets the job."""
        if not self._world.calm:
            server.stop()
            over = asyncio.Event()
            until = self._world.loop.time() + 130.0
            self._world.later(88.0, partial(self._pause, over))
            self._world.later(90.0, partial(self._go_on_without_offer, server, job_id, over, until))

    def _pause(self, over: asyncio.Event) -> None:
        if not self._world.calm:
            self._world.start(self._world.admin.pause_until(over))

    def _go_on_without_offer(self, server: Server, job_id: str, over: asyncio.Event, until: float) -> None:
        held = self._world.disk.connection.execute("SELECT robot_id FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        if self._world.calm or held[0] is None or self._world.loop.time() > until:
            server.go_on()
            self._world.later(5.0, over.set)
        else:
            self._world.later(0.2, partial(self._go_on_without_offer, server, job_id, over, until))

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
