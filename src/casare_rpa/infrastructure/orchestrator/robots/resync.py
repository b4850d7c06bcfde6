"""Compares copies of stored data in memory with the store: the effects of a lost event are corrected within seconds."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from casare_rpa.domain.stored_state import StoredProfile, held_by_robot
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    RobotChanged,
    WorkAvailable,
    all_published,
)
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot

logger = logging.getLogger(__name__)

RESYNC_SECONDS = 4.0
"""The effects of a lost event must be corrected within 5 s; the jitter of loops and the reads take the rest."""
SHARED_RESYNC_SECONDS = 0.9
"""The same for an instance that shares its store: a change without a hint must be shown within a second."""
SHARE_OF_TIME, SHARE_WITHOUT_HINTS = 0.02, 0.1
"""The largest share of the time for these comparisons, which take longer in a large fleet."""
COMPARED_AT_ONCE = 1_000
HINTED_GAP_SECONDS = 0.2
ALL_HINTED_GAP_SECONDS = 2.0
"""The pause after a comparison that hints caused, which would otherwise follow each other without end under load."""


class StoredCopy(Protocol):
    """Stored data that this instance keeps in memory. Events change it, and each may be lost, repeated or late.

    This is the only way in which such data is corrected; `control_plane.py` lists all copies. The caches of the writer
    thread follow its own transactions, and are read again after a rollback or a commit of another writer
    (`driver.WriterCache`).
    """

    async def compare(self) -> None:
        """One round: correct the differences from the store, and publish them."""
        ...


def shared_pause_seconds(took_seconds: float, *, hints: bool) -> float:
    """The pause after a comparison that took this long, when other instances write to the store.

    `hints`: whether hints arrive, so that this comparison is only for changes whose hint was lost.
    """
    by_cost = took_seconds / (SHARE_OF_TIME if hints else SHARE_WITHOUT_HINTS)
    return min(RESYNC_SECONDS, max(SHARED_RESYNC_SECONDS - took_seconds, by_cost))


class ResyncStore(RobotStore, JobReader, MaintenanceStore, Protocol):
    """The ports of the store that `Resync` uses."""


class Resync:
    """Compares profiles and held jobs with one read per round, however many robots there are.

    Robots that another instance changed are compared when its hint arrives.
    """

    def __init__(self, store: ResyncStore, bus: EventBus, fleet: Fleet, clock: Clock, *, shared: bool = False) -> None:
        """`shared`: other instances may write to the store, so that a difference is not a lost event."""
        self._shared = shared
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock
        self._hinted: dict[str, None] = {}
        self._all_hinted = False
        self._hint_arrived = asyncio.Event()
        bus.subscribe(self._receive)

    def _receive(self, hint: Hint) -> None:
        if not hint.robots and not hint.all_robots:
            return
        self._hinted.update((robot_id, None) for robot_id in hint.robots)
        self._all_hinted = self._all_hinted or hint.all_robots
        self._hint_arrived.set()

    async def compare_hinted(self) -> None:
        """One round: wait for hints about robots, then compare these robots, and pause."""
        await self._hint_arrived.wait()
        self._hint_arrived.clear()
        robot_ids, all_robots = list(self._hinted), self._all_hinted
        self._hinted.clear()
        self._all_hinted = False
        await self._compare(None if all_robots else robot_ids)
        await self._clock.sleep(ALL_HINTED_GAP_SECONDS if all_robots else HINTED_GAP_SECONDS)

    async def compare(self) -> None:
        await self._compare(None)

    async def _compare(self, robot_ids: Sequence[str] | None) -> None:
        """Compare these robots, or all."""
        # A robot with a change since this moment is left to the next round, because the read may be older than that
        # change. The barrier covers the other direction: memory now has every commit that the read saw, except for
        # commits whose event was lost.
        changes = self._fleet.changes
        state = await self._store.fleet_state(robot_ids)
        await all_published(self._store)
        held = held_by_robot(state.held)
        for number, profile in enumerate(state.robots, 1):
            if number % COMPARED_AT_ONCE == 0:
                await self._clock.sleep(0)  # ten thousand in a row would block the event loop
            live = await self._compare_profile(profile, hinted=robot_ids is not None)
            if live is not None and live.stop_assuming_busy(self._clock.monotonic()):
                self._publish(live)
            if live is not None and live.changes <= changes:
                jobs = held.get(profile.robot_id, {})
                if live.held != jobs:
                    await self._correct_jobs(live, jobs, changes)
        known = [live.robot.robot_id for live in self._fleet.robots_of(None)] if robot_ids is None else robot_ids
        await self._forget_removed(known, {profile.robot_id for profile in state.robots})

    async def _compare_profile(self, profile: StoredProfile, *, hinted: bool) -> LiveRobot | None:
        """Correct the profile of a robot. A hint can also mean its workflows, which the short record does not have."""
        live = self._fleet.get(profile.robot_id)
        if live is not None and not hinted and profile.matches(live.robot):
            return live
        # Read again instead of using the snapshot: the profile may have been changed since the snapshot.
        stored = await self._store.robot(profile.robot_id)
        if stored is None or (live is not None and stored == live.robot):
            return live
        live = self._fleet.set_profile(stored)
        self._publish(live)
        return live

    def _publish(self, live: LiveRobot) -> None:
        self._bus.publish(RobotChanged(live.robot.robot_id))
        self._bus.publish(WorkAvailable())

    async def _forget_removed(self, known: Iterable[str], stored: set[str]) -> None:
        """Remove robots that are no longer in the store, once their connection has ended."""
        for robot_id in [one for one in known if one not in stored]:
            # Read again: a robot that was added after the snapshot is missing there, too.
            if await self._store.robot(robot_id) is None:
                live = self._fleet.get(robot_id)
                if live is not None and live.connection is None:
                    self._fleet.remove(robot_id)

    async def _correct_jobs(self, live: LiveRobot, held: dict[str, JobStatus], changes: int) -> None:
        robot_id = live.robot.robot_id
        unconfirmed = False
        for job_id in live.held.keys() - held.keys():
            job = await self._store.job(job_id)
            unconfirmed = unconfirmed or (job is not None and job.unconfirmed and job.robot_id == robot_id)
        if live.changes > changes:
            return
        if live.connection is not None and not self._shared:
            logger.warning("robot %s: events were lost, its jobs are read again from the store", robot_id)
        freed = bool(live.held.keys() - held.keys())
        live.hold(held)
        if freed:
            live.become_idle(self._clock.monotonic())
        if unconfirmed:
            live.assume_busy(self._clock.monotonic())
        self._publish(live)
