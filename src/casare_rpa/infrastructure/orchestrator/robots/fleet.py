"""All robots known to this instance, with indexes for dispatch and views.

A cache of the store: free slots are a hint for the dispatcher; the store counts them again when it assigns a job.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from casare_rpa.domain.instants import Instant, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.robots import SEEN_RECENTLY_SECONDS, Placement, Robot
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.waiting import AvailabilityGroup
from casare_rpa.infrastructure.orchestrator.robots.availability import AvailabilityIndex
from casare_rpa.infrastructure.orchestrator.robots.live_robot import DirtyRobots, LiveRobot


class Fleet:
    """Every known robot by id.

    Both indexes are rebuilt lazily and only for robots that changed (`DirtyRobots`): with 10,000 robots a round of the
    dispatcher costs as much as the few robots that changed since the last one.
    """

    def __init__(self) -> None:
        self._robots: dict[str, LiveRobot] = {}
        self.get = self._robots.get
        """The robot with an id, or `None`. The method of the dictionary itself: every message looks its robot up."""
        self._slots = Slots()
        self._availability = AvailabilityIndex()
        self._dirty = DirtyRobots()
        self.changes = 0
        """Counts the changes of jobs of all robots."""
        self._later: list[tuple[float, str]] = []
        """A heap of (monotonic, robot_id): times at which a robot may get a slot without an event."""

    def set_profile(self, robot: Robot) -> LiveRobot:
        """Add a robot, or replace the stored profile of a known one."""
        live = self._robots.get(robot.robot_id)
        if live is None:
            live = self._robots[robot.robot_id] = LiveRobot(robot, self._dirty)
        live.set_profile(robot)
        return live

    def remove(self, robot_id: str) -> None:
        """Remove a robot that is no longer in the store. Does nothing if it is unknown."""
        if self._robots.pop(robot_id, None) is not None:
            self._slots.remove(robot_id)
            self._availability.remove(robot_id)

    def connected(self) -> list[LiveRobot]:
        return [live for live in self._robots.values() if live.connection is not None]

    def robots_of(self, tenant_id: str | None) -> list[LiveRobot]:
        """Every known robot of a tenant, or of all."""
        return [live for live in self._robots.values() if tenant_id in (None, live.robot.tenant_id)]

    def visible(self, tenant_id: str | None, now: Instant) -> list[LiveRobot]:
        """Robots of a tenant (or of all) that are connected or were seen within 24 hours."""
        return [
            live
            for live in self.robots_of(tenant_id)
            if live.connection is not None
            or (live.last_seen_at is not None and seconds_between(live.last_seen_at, now) <= SEEN_RECENTLY_SECONDS)
        ]

    def slots(self, now: float) -> Slots:
        """A copy of the robots that could take a job at `now` (monotonic)."""
        # Time changes a slot too, without any event: the end of the wait for `hello`, or of a skipped minute.
        while self._later and self._later[0][0] <= now:
            self._dirty.for_slots.add(heappop(self._later)[1])
        for robot_id in self._dirty.for_slots:
            live = self._robots.get(robot_id)
            if live is None:  # removed
                continue
            slot = live.slot(now)
            if slot is not None:
                self._slots.set_slot(slot)
                continue
            self._slots.remove(robot_id)
            connection = live.connection
            if connection is not None and (later := max(connection.offers_after, live.skip_until)) > now:
                heappush(self._later, (later, robot_id))
        self._dirty.for_slots.clear()
        return self._slots.copy()

    def availability(self, placement: Placement, now: float) -> list[AvailabilityGroup]:
        """The robots that may match such a job, grouped by profile and availability."""
        if placement.robot_id is not None:
            target = self._robots.get(placement.robot_id)
            if target is None:
                return []
            return [AvailabilityGroup(target.profile, target.availability(now), (placement.robot_id,))]
        skipped: set[str] = set()
        for robot_id in self._dirty.for_availability:
            live = self._robots.get(robot_id)
            if live is None:
                continue
            self._availability.update(robot_id, live.robot.tenant_id, (live.profile, live.availability(now)))
            if now < live.skip_until:
                skipped.add(robot_id)  # time alone will change it, so it stays dirty until then
        self._dirty.for_availability = skipped
        return self._availability.groups(placement.tenant_id)

    def renews(self, job_id: str) -> bool:
        """Whether the next write of heartbeats renews the lease of this job: its robot sent a frame since the last."""
        return any(
            live.connection is not None and live.connection.renews(job_id)
            for live in self._robots.values()
            if job_id in live.held
        )

    def jobs_changed(self, changes: Iterable[tuple[Job | None, Job]], now: float) -> list[str]:
        """Follow committed changes of jobs, each with the job before (if it had a robot) and after, in their order.

        Returns the robots whose status or current job is another one after all of them.
        """
        of_robots: dict[LiveRobot, list[Job]] = {}
        for before, job in changes:
            former = job.robot_id if before is None else before.robot_id
            for robot_id in (job.robot_id,) if former == job.robot_id else (job.robot_id, former):
                live = self._robots.get(robot_id) if robot_id else None
                if live is not None:
                    self.changes += 1
                    live.changes = self.changes
                    of_robots.setdefault(live, []).append(job)
        changed: list[str] = []
        for live, jobs in of_robots.items():
            was = live.status, live.current_job
            live.follow_jobs(jobs, now)
            if was != (live.status, live.current_job):
                changed.append(live.robot.robot_id)
        return changed
