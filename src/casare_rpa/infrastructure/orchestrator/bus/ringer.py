"""Makes hints of the events of this instance, and events of the hints of other instances."""

import asyncio
from collections.abc import Callable

from casare_rpa.domain.job import Phase
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    EventBus,
    JobsAdded,
    JobsChanged,
    JobsOffered,
    JobsProgressed,
    LinesStored,
    OrdersGiven,
    QueueChanged,
    RobotStored,
)
from casare_rpa.infrastructure.orchestrator.ports.bus import MAX_IDS, Bus, Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

GAP_SECONDS = 0.02
"""The least time between two hints. A hint for each commit would cost the bus more than the commits cost the store."""


class Ringer:
    """Collects what this instance committed and sends it as hints; publishes the hints of other instances as events.

    It exists only on a bus that reaches other instances.
    """

    def __init__(
        self, events: EventBus, bus: Bus, clock: Clock, instance: str, session_of: Callable[[str], object | None]
    ) -> None:
        """`session_of` returns the session of a robot that is connected to this instance."""
        self._events = events
        self._bus = bus
        self._clock = clock
        self._instance = instance
        self._session_of = session_of
        self._wanted = asyncio.Event()
        self._jobs = self._logs = 0
        self._progress: dict[str, None] = {}
        self._robots: dict[str, None] = {}
        self._orders = self._queues = self._work = False
        events.subscribe(self._collect)
        events.subscribe(self._collect_other)
        bus.subscribe(self._hear)

    def _hear(self, hint: Hint) -> None:
        if hint.instance != self._instance:
            self._events.publish(hint)

    def _collect(self, event: JobsAdded | JobsChanged | JobsOffered | JobsProgressed) -> None:
        match event:
            case JobsAdded(added):
                self._jobs = max(self._jobs, added[-1].numbers.seq)
                self._work = True
            case JobsChanged(changes):
                self._jobs = max(self._jobs, changes[-1].numbers.seq)
                for change in changes:
                    if change.numbers.tenant_seq is None:  # the progress of a cancel
                        self._progress[change.job.job_id] = None
                    self._note_robots(change.before.robot_id, change.job.robot_id)
                    self._work = self._work or change.job.phase is Phase.PENDING
            case JobsOffered(jobs):
                self._note_robots(*(job.robot_id for job in jobs))
            case JobsProgressed(jobs):
                self._progress.update((job.job_id, None) for job in jobs)
        self._wanted.set()

    def _collect_other(self, event: LinesStored | RobotStored | QueueChanged | OrdersGiven | CancelOrdered) -> None:
        match event:
            case LinesStored(last):
                self._logs = max(self._logs, last)
            case RobotStored(robot_id):
                self._note_robots(robot_id)
            case QueueChanged():
                self._queues = True
            case OrdersGiven():
                self._orders = True
            case CancelOrdered(order):
                if self._session_of(order.robot_id) is not None:
                    return
                self._orders = True
        self._wanted.set()

    def _note_robots(self, *robot_ids: str | None) -> None:
        self._robots.update((robot_id, None) for robot_id in robot_ids if robot_id is not None)

    async def ring(self) -> None:
        """One round: wait for a commit, send a hint, and pause for 20 ms. Later commits are in the next hint."""
        await self._wanted.wait()
        self._wanted.clear()
        self._bus.ring(self._take_hint())
        await self._clock.sleep(GAP_SECONDS)

    def _take_hint(self) -> Hint:
        robots = tuple(self._robots)
        hint = Hint(
            self._instance,
            jobs=self._jobs,
            logs=self._logs,
            progress=tuple(self._progress)[:MAX_IDS],
            robots=robots if len(robots) <= MAX_IDS else (),
            all_robots=len(robots) > MAX_IDS,
            orders=self._orders,
            queues=self._queues,
            work=self._work,
        )
        self._jobs = self._logs = 0
        self._progress.clear()
        self._robots.clear()
        self._orders = self._queues = self._work = False
        return hint
