"""Reconciles the jobs that a reconnected robot lists with its jobs in the store: T5, T17 and T18."""

import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.job_events import NotHeld, RobotReturned, Step, Transition
from casare_rpa.domain.job_messages import assign_message
from casare_rpa.domain.job_records import Applied, Change
from casare_rpa.domain.job_updates import cancel_order
from casare_rpa.infrastructure.orchestrator.bus.events import CancelOrdered, EventBus, publish_applied
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader, JobWriter
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection


class ReconcilerStore(JobReader, JobWriter, Protocol):
    """The ports of the store that `Reconciler` uses."""


class Reconciler:
    """Applies the transitions of a return in the store; repeats offers only after their commit."""

    def __init__(self, store: ReconcilerStore, bus: EventBus, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock

    async def return_offers(self, connection: RobotConnection) -> None:
        """Send the offers of an earlier connection again, unchanged (T5)."""
        held = await self._from_before(connection)
        _note_foreign(connection, held)
        await self._apply_returned(connection, [job for job in held if job.phase is Phase.OFFER])

    async def reconcile(self, connection: RobotConnection, active: set[tuple[str, int]]) -> None:
        """Keep the jobs whose (job_id, attempt) the robot lists in `active`, and give up the others."""
        connection.reconciled = True
        held = await self._from_before(connection)
        returned = [job for job in held if job.phase is Phase.OFFER or (job.job_id, job.attempt) in active]
        await self._apply_returned(connection, returned)
        kept = {job.job_id for job in returned}
        absent = [job for job in held if job.job_id not in kept]
        _note_foreign(connection, absent)
        await self._give_up(connection, absent)

    async def give_up_all(self, connection: RobotConnection) -> None:
        """Give up every job of an earlier connection (T18), because the robot reports that it is idle."""
        await self._give_up(connection, await self._from_before(connection))

    async def remind(self, connection: RobotConnection) -> None:
        """Send the cancels and the restart that the robot missed while it was disconnected."""
        for job in await self._store.held_jobs(connection.robot_id):
            order = cancel_order(job)
            if order is not None and job.phase is not Phase.OFFER:
                self._bus.publish(CancelOrdered(order))
        live = self._fleet.get(connection.robot_id)
        if live is not None and live.connection is connection:
            live.send_restart(self._clock.now(), again=True)

    async def _from_before(self, connection: RobotConnection) -> list[Job]:
        """The jobs that the robot holds from an earlier connection."""
        here = connection.session.session_id
        return [job for job in await self._store.held_jobs(connection.robot_id) if job.session_id != here]

    async def _apply_returned(self, connection: RobotConnection, jobs: Sequence[Job]) -> None:
        at = self._clock.now()
        event = RobotReturned(connection.robot_id, connection.session.session_id, connection.process)
        for applied in await self._apply(connection, [Change(job.job_id, event, at) for job in jobs]):
            answer = applied.answer
            if isinstance(answer, Step) and answer.number is Transition.REOFFERED:
                connection.session.send(assign_message(answer.job))

    async def _give_up(self, connection: RobotConnection, jobs: Iterable[Job]) -> None:
        """Apply T18 to jobs that the robot did not list, except for jobs that it reported on over this connection."""
        at = self._clock.now()
        robot_id, session_id = connection.robot_id, connection.session.session_id
        await self._apply(
            connection,
            [
                Change(job.job_id, NotHeld(robot_id, session_id, random.random(), connection.process), at)  # noqa: S311
                for job in jobs
                if job.phase is not Phase.OFFER and job.job_id not in connection.reported
            ],
        )

    async def _apply(self, connection: RobotConnection, changes: Sequence[Change]) -> list[Applied]:
        """Apply changes that a connection causes, unless the robot has a newer one, perhaps at another instance.

        A list of jobs from an older connection is out of date: the robot may have got the missing job since.
        """
        session = (connection.robot_id, connection.session.session_id)
        applied = await self._store.apply(changes, session=session) if changes else []
        publish_applied(self._bus, applied)
        return applied


def _note_foreign(connection: RobotConnection, absent: Iterable[Job]) -> None:
    """Note the jobs of another process of this robot. That process may be running, so their leases decide."""
    connection.foreign = frozenset(
        job.job_id for job in absent if job.phase is not Phase.OFFER and job.process not in (None, connection.process)
    )
