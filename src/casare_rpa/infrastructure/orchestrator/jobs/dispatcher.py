"""The dispatcher: accepts jobs, offers them to robots, and cancels them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import CancelOrder, CancelSent, SocketLost, Transition
from casare_rpa.domain.job_messages import assign_message, cancel_message
from casare_rpa.domain.job_records import Change
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    EventBus,
    JobsAdded,
    JobsChanged,
    JobsOffered,
    QueueChanged,
    SubmitBegun,
    WorkAvailable,
    publish_applied,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobWriter
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import HELD_PHASES, MISSED_OFFERS, SKIP_SECONDS

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
LONG_LOOK_SECONDS = 0.001
"""Collecting free slots for longer than this is followed by a pause."""
PAUSE_PER_LOOK = 4.0
"""The length of that pause, as a multiple of the time for collecting. When a whole fleet reconnects, every robot wakes
the dispatcher; without pauses, collecting slots would use all the time of the event loop."""

REST_SECONDS = 0.02
"""The pause after a round without jobs; new work ends it."""


_UNOFFERED = Transition.UNOFFERED
FOLLOWED = frozenset({Transition.UNOFFERED, Transition.CLAIMED, Transition.IMPLIED})
"""The transitions by which a robot misses or answers an offer."""


class Dispatcher:
    """Offers pending jobs to free robots. The store decides which robot gets a job; the dispatcher requests it."""

    def __init__(
        self,
        store: JobWriter,
        bus: EventBus,
        hub: Hub,
        fleet: Fleet,
        clock: Clock,
        *,
        with_submits: bool = False,
        poll_seconds: float = POLL_SECONDS,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """`with_submits`: claim as soon as jobs are being written; the store does both in the order of calls."""
        self._with_submits = with_submits
        self._poll_seconds = poll_seconds
        self._rest_seconds = rest_seconds
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._clock = clock
        self._wanted = asyncio.Event()
        self._work = asyncio.Event()
        """Set together with `_wanted` when a job may be ready. An available robot sets only `_wanted`."""
        self._receipts: asyncio.Queue[Change] = asyncio.Queue()
        self._sending: Counter[str] = Counter()
        """Jobs whose cancel was sent, and is not stored as sent yet."""
        self._offering = True
        bus.subscribe(self._receive)

    def _receive(
        self, event: JobsChanged | JobsAdded | SubmitBegun | WorkAvailable | QueueChanged | CancelOrdered | Hint
    ) -> None:
        match event:
            case SubmitBegun():
                if not self._with_submits:
                    return
            case JobsChanged(changes):
                for change in changes:
                    if change.transition in FOLLOWED:
                        self._follow_offer(change.before, change.job, change.transition)
                if all(change.job.finished_at is None and change.job.phase in HELD_PHASES for change in changes):
                    return  # a job that is still held adds neither work nor a free slot
            case CancelOrdered(order):
                self._send_cancel(order)
                return
            case WorkAvailable():
                self._wanted.set()
                return
            case Hint(work=False, queues=False):
                return
        self._wanted.set()
        self._work.set()

    # Dispatching

    async def dispatch(self) -> None:
        """One round: wait for an event, or a second, then offer the jobs that idle robots can run (T2)."""
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass  # the poll: a lost event costs at most a second
        self._wanted.clear()
        self._work.clear()
        began = self._clock.monotonic()
        slots = self._fleet.slots(began)
        look_seconds = self._clock.monotonic() - began
        jobs = await self._store.claim(slots, self._clock.now()) if slots and self._offering else []
        await self._assign(jobs)
        if look_seconds > LONG_LOOK_SECONDS:
            await self._clock.sleep(look_seconds * PAUSE_PER_LOOK)
        if jobs:
            self._wanted.set()  # a claim has a limit: more jobs may be ready
        elif look_seconds <= LONG_LOOK_SECONDS:
            await self._rest()

    def stop_offering(self) -> None:
        """Claim no more jobs. Offers of a claim that has begun are still sent."""
        self._offering = False

    async def _rest(self) -> None:
        """Pause after a round without jobs. A robot that becomes idle can wait for it; a new job ends it."""
        try:
            async with asyncio.timeout(self._rest_seconds):
                await self._work.wait()
        except TimeoutError:
            pass

    async def _assign(self, jobs: Sequence[Job]) -> None:
        """Send every offer of a batch. One that cannot be sent delays no other; it expires in 15 s."""
        unsent: list[Change] = []
        if jobs:
            self._bus.publish(JobsOffered(jobs))
        for job in jobs:
            try:
                sent = self._send_offer(job)
            except Exception:  # the edge of one offer: the other offers are stored and must be sent
                logger.exception("job %s: its offer could not be sent", job.job_id)
                continue
            if not sent:  # the robot disconnected while the offer was written
                unsent.append(Change(job.job_id, SocketLost(job.session_id or ""), self._clock.now()))
        if unsent:
            publish_applied(self._bus, await self._store.apply(unsent))

    def _send_offer(self, job: Job) -> bool:
        live = self._fleet.get(job.robot_id or "")
        if live is None or live.connection is None:
            return False
        live.connection.session.send(assign_message(job))
        return True

    # Cancelling

    def _send_cancel(self, order: CancelOrder) -> None:
        session = self._hub.robot(order.robot_id)
        if session is None:
            return
        session.send(cancel_message(order))
        if order.grace_seconds is not None or order.force:  # it holds the job: the store notes the order
            sent = CancelSent(order.robot_id, session.session_id)
            self._sending[order.job_id] += 1
            self._receipts.put_nowait(Change(order.job_id, sent, self._clock.now()))

    def is_sending(self, job_id: str) -> bool:
        """Whether its cancel was sent, and is not stored as sent yet."""
        return job_id in self._sending

    async def keep_receipts(self) -> None:
        """One round: write which cancels were sent, in one call of the store."""
        changes = [await self._receipts.get()]
        while not self._receipts.empty():
            changes.append(self._receipts.get_nowait())
        try:
            publish_applied(self._bus, await self._store.apply(changes))
        finally:
            self._sending.subtract(change.job_id for change in changes)
            self._sending = +self._sending  # without the jobs whose count is 0

    # Offers that are not accepted

    def _follow_offer(self, before: Job, job: Job, transition: Transition) -> None:
        """Count the offers in a row that a robot did not accept."""
        if transition is _UNOFFERED:
            self._missed(before, job)
            return
        live = self._fleet.get(job.robot_id or "")
        if live is not None:
            live.answer_offer()

    def _missed(self, before: Job, job: Job) -> None:
        """Count an offer that expired or was rejected; after five in a row the robot is skipped for a minute."""
        live = self._fleet.get(before.robot_id or "")
        if live is None or job.robot_id is not None:
            return
        if live.miss_offer(before.job_id, before.attempt, self._clock.monotonic()):
            logger.error(
                "robot %s accepted none of %d offers in a row: it gets none for %d s",
                live.robot.robot_id,
                MISSED_OFFERS,
                SKIP_SECONDS,
            )
