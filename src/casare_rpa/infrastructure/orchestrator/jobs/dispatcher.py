"""Slice: jobs come in, are handed out, and are cancelled."""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from casare_rpa.domain.errors import Conflict, InvalidTransition, NotFound
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import DEFAULT_PRIORITY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_SECONDS, Job
from casare_rpa.domain.job_events import Cancel, CancelOrder, CancelSent, Refusal, SocketLost, Transition
from casare_rpa.domain.job_messages import assign_message, cancel_message
from casare_rpa.domain.job_records import Added, Change, JobToAdd
from casare_rpa.domain.job_table import queue_deadline
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    EventBus,
    JobAdded,
    JobChanged,
    JobOffered,
    QueueChanged,
    WorkAvailable,
    publish_applied,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import HELD_PHASES, MISSED_OFFERS, SKIP_SECONDS

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
LOOK_SECONDS = 0.001
"""A look at the fleet that takes longer than this is followed by a rest."""
REST_PER_LOOK = 4.0
"""When a whole fleet comes back at once, every robot is a hint: without rests the looks would take all the time."""

REST_SECONDS = 0.02
"""After a round that found nothing to hand out, unless work comes."""


class NewSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter asks for; `parameters` is the JSON text of an object."""

    workflow_id: str
    tenant_id: str
    by: str
    parameters: str = "{}"
    priority: int = DEFAULT_PRIORITY
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    target_robot_id: str | None = None
    tags: tuple[str, ...] = ()
    max_attempts: int = 1
    not_before: Instant | None = None
    queue: str = DEFAULT_QUEUE
    queue_ttl_seconds: int | None = None
    idempotency_key: str | None = None
    retry_of: str | None = None


FOLLOWED = frozenset({Transition.UNOFFERED, Transition.CLAIMED, Transition.IMPLIED})
"""The transitions by which a robot misses or answers an offer."""


class Dispatcher:
    """Hands pending jobs to free robots. The store decides whose a job is; this only asks often enough."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        hub: Hub,
        fleet: Fleet,
        clock: Clock,
        *,
        poll_seconds: float = POLL_SECONDS,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._poll_seconds = poll_seconds
        self._rest_seconds = rest_seconds
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._clock = clock
        self._wanted = asyncio.Event()
        self._work = asyncio.Event()
        """Set with `_wanted`, unless the hint is a robot that came, or one of which something was changed."""
        self._receipts: asyncio.Queue[Change] = asyncio.Queue()
        self._tenants: set[str] = set()
        """Tenants known to exist. A tenant is never deleted."""
        bus.subscribe(self._receive)

    def _receive(self, event: JobChanged | JobAdded | WorkAvailable | QueueChanged | CancelOrdered) -> None:
        match event:
            case JobChanged(before, job, transition):
                if transition in FOLLOWED:
                    self._follow_offer(before, job, transition)
                if job.finished_at is None and job.phase in HELD_PHASES:
                    return  # a held job brings neither work nor a free slot
            case CancelOrdered(order):
                self._send_cancel(order)
                return
            case WorkAvailable():
                self._wanted.set()
                return
        self._wanted.set()
        self._work.set()

    # In

    async def submit(self, submission: NewSubmission) -> Added:
        """Accept a job; it is durable when this returns (T1).

        Raises:
            NotFound: no such tenant, or no such robot in it.
            Conflict: the idempotency key was used for another body.
        """
        return (await self._submit([submission], [None]))[0]

    async def submit_all(self, submissions: Sequence[NewSubmission]) -> list[Added]:
        """Accept jobs in this order, all or none. They share one idempotency key, which then stands for all of them.

        Raises:
            NotFound, Conflict: as `submit`; the field says which job, such as `jobs.3.robot_id`.
        """
        return await self._submit(submissions, [f"jobs.{number}" for number in range(len(submissions))])

    async def retry(self, job_id: str, by: str, idempotency_key: str | None = None) -> Added:
        """Accept a job that asks for the same as this one, which has ended and stays as it is.

        Raises:
            NotFound: no such job.
            InvalidTransition: it has not ended.
            Conflict: the idempotency key was used for another body.
        """
        job = await self._store.job(job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id!r}", field="job_id")
        if job.finished_at is None:
            raise InvalidTransition(
                f"this job is {job.status.value}; cancel it first, or wait for its end", field="job_id"
            )
        return await self.submit(
            NewSubmission(
                workflow_id=job.workflow_id,
                tenant_id=job.tenant_id,
                by=by,
                parameters=job.parameters,
                priority=job.priority,
                timeout_seconds=job.timeout_seconds,
                target_robot_id=job.target_robot_id,
                tags=job.tags,
                max_attempts=job.max_attempts,
                queue=job.queue,
                queue_ttl_seconds=job.queue_ttl_seconds,
                idempotency_key=idempotency_key,
                retry_of=job.job_id,
            )
        )

    async def _submit(self, submissions: Sequence[NewSubmission], places: Sequence[str | None]) -> list[Added]:
        """`places` are the fields that hold each submission; `None` when the submission is the whole request."""
        await self._check_names(submissions, places)
        now = self._clock.now()
        # A microsecond apart: they wait, and are listed, in the order they were sent.
        jobs = [_new_job(submission, Instant(now + number)) for number, submission in enumerate(submissions)]
        keys = _keys(submissions)
        digest = _body_digest(submissions) if any(keys) else ""
        new = [JobToAdd(job, key, digest) for job, key in zip(jobs, keys, strict=True)]
        added = [one for one in await self._store.add_jobs(new) if one is not None]
        if len(added) < len(new):
            raise Conflict("it was used before, for another body", field="Idempotency-Key")
        for one in added:
            if one.created:
                self._bus.publish(JobAdded(one.job))
        return added

    async def _check_names(self, submissions: Sequence[NewSubmission], places: Sequence[str | None]) -> None:
        """Look up every tenant, robot and queue once. Raises NotFound."""
        for wanted in {one.tenant_id for one in submissions} - self._tenants:
            if await self._store.tenant(wanted) is not None:
                self._tenants.add(wanted)
        targets = {one.target_robot_id for one in submissions if one.target_robot_id is not None}
        robots = {wanted: await self._store.robot(wanted) for wanted in targets}
        queues = {DEFAULT_QUEUE}
        if any(one.queue not in queues for one in submissions):  # most jobs name none: nothing is looked up for them
            queues |= {queue.queue for queue in await self._store.queues()}
        for submission, place in zip(submissions, places, strict=True):
            try:
                self._check_one(submission, robots, queues)
            except NotFound as error:
                error.field = error.field if place is None else f"{place}.{error.field}"
                raise

    def _check_one(
        self, submission: NewSubmission, robots: Mapping[str, Robot | None], queues: Collection[str]
    ) -> None:
        if submission.tenant_id not in self._tenants:
            raise NotFound(f"there is no tenant {submission.tenant_id!r}", field="tenant_id")
        if submission.queue not in queues:
            sentence = f"there is no queue {submission.queue!r}; create it first, or omit the field"
            raise NotFound(sentence, field="queue")
        if submission.target_robot_id is not None:
            robot = robots[submission.target_robot_id]
            if robot is None or robot.tenant_id != submission.tenant_id:
                sentence = f"there is no robot {submission.target_robot_id!r} in this tenant"
                raise NotFound(sentence, field="robot_id")

    # Out

    async def dispatch(self) -> None:
        """One round: wait for a hint or a second, then hand out what idle robots can serve (T2)."""
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass  # the poll: a lost hint costs a second at the most
        self._wanted.clear()
        self._work.clear()
        began = self._clock.monotonic()
        slots = self._fleet.slots(began)
        looked_seconds = self._clock.monotonic() - began
        jobs = await self._store.claim(slots, self._clock.now()) if slots else []
        await self._assign(jobs)
        if looked_seconds > LOOK_SECONDS:
            await self._clock.sleep(looked_seconds * REST_PER_LOOK)
        if jobs:
            self._wanted.set()  # there may be more than one claim hands out
        elif looked_seconds <= LOOK_SECONDS:
            await self._rest()

    async def _rest(self) -> None:
        """Nothing is there to hand out: another robot can wait for what may come, what comes cannot."""
        try:
            async with asyncio.timeout(self._rest_seconds):
                await self._work.wait()
        except TimeoutError:
            pass

    async def _assign(self, jobs: Sequence[Job]) -> None:
        """Send every offer of a batch. One that cannot be sent delays no other; it expires in 15 s."""
        unsent: list[Change] = []
        for job in jobs:
            self._bus.publish(JobOffered(job))
            try:
                sent = self._send_offer(job)
            except Exception:  # the edge of one offer: the store has given the others to robots that must get them
                logger.exception("job %s: its offer could not be sent", job.job_id)
                continue
            if not sent:  # the robot left while the offer was written
                unsent.append(Change(job.job_id, SocketLost(job.session_id or ""), self._clock.now()))
        if unsent:
            publish_applied(self._bus, await self._store.apply(unsent))

    def _send_offer(self, job: Job) -> bool:
        live = self._fleet.get(job.robot_id or "")
        if live is None or live.connection is None:
            return False
        live.connection.session.send(assign_message(job))
        return True

    # Stop

    async def cancel(self, job_id: str, reason: str, by: str) -> Job:
        """Cancel a job (T11, T12); answers it as it is now: ended, or still to be confirmed by its robot.

        Raises:
            NotFound: no such job.
            InvalidTransition: it has ended already.
        """
        applied = await self._store.apply([Change(job_id, Cancel(reason, by), self._clock.now())])
        before, answer = applied[0].before, applied[0].answer
        if before is None:
            raise NotFound(f"there is no job {job_id!r}", field="job_id")
        if isinstance(answer, Refusal):
            raise InvalidTransition(f"this job has ended already, it is {before.status.value}", field="job_id")
        publish_applied(self._bus, applied)
        return answer.job

    def _send_cancel(self, order: CancelOrder) -> None:
        session = self._hub.robot(order.robot_id)
        if session is None:
            return
        session.send(cancel_message(order))
        if order.grace_seconds is not None or order.force:  # the robot has the job: the receipt is kept
            sent = CancelSent(order.robot_id, session.session_id)
            self._receipts.put_nowait(Change(order.job_id, sent, self._clock.now()))

    async def keep_receipts(self) -> None:
        """One round: which orders to stop went out, in one write."""
        changes = [await self._receipts.get()]
        while not self._receipts.empty():
            changes.append(self._receipts.get_nowait())
        publish_applied(self._bus, await self._store.apply(changes))

    # Robots that do not answer

    def _follow_offer(self, before: Job, job: Job, transition: Transition) -> None:
        """Count the offers in a row that a robot did not answer."""
        if transition is Transition.UNOFFERED:
            self._missed(before, job)
            return
        live = self._fleet.get(job.robot_id or "")
        if live is not None:
            live.answer_offer()

    def _missed(self, before: Job, job: Job) -> None:
        """Five offers in a row without an answer: the robot is passed over for a minute."""
        live = self._fleet.get(before.robot_id or "")
        expired = job.robot_id is None and before.offer_expires_at is not None
        if (
            live is None
            or not expired
            or before.offer_expires_at is None
            or before.offer_expires_at > self._clock.now()
        ):
            return
        if live.miss_offer(before.job_id, before.attempt, self._clock.monotonic()):
            logger.error(
                "robot %s left %d offers in a row unanswered: it gets none for %d s",
                live.robot.robot_id,
                MISSED_OFFERS,
                SKIP_SECONDS,
            )


def new_job_id(now: Instant) -> str:
    """`job-` and 24 hex digits that sort by time: 12 of milliseconds, 12 of chance."""
    return f"job-{now // 1000:012x}{secrets.token_hex(6)}"


def _new_job(submission: NewSubmission, at: Instant) -> Job:
    job = Job(
        job_id=new_job_id(at),
        tenant_id=submission.tenant_id,
        workflow_id=submission.workflow_id,
        submitted_at=at,
        queue=submission.queue,
        priority=submission.priority,
        parameters=submission.parameters,
        tags=tuple(sorted(set(submission.tags))),
        target_robot_id=submission.target_robot_id,
        timeout_seconds=submission.timeout_seconds,
        max_attempts=submission.max_attempts,
        not_before=submission.not_before,
        retry_of=submission.retry_of,
        queue_ttl_seconds=submission.queue_ttl_seconds,
    )
    return replace(job, queue_expires_at=queue_deadline(job, at))


def _keys(submissions: Sequence[NewSubmission]) -> list[str | None]:
    """The key of each job of a call: as it was sent for the first of each tenant, made different for the rest.

    So a key that was used for another body is found in every tenant that it speaks for. No header holds a line end.
    """
    seen: set[str] = set()
    keys: list[str | None] = []
    for number, one in enumerate(submissions):
        first = one.tenant_id not in seen
        seen.add(one.tenant_id)
        keys.append(one.idempotency_key if first or one.idempotency_key is None else f"{one.idempotency_key}\n{number}")
    return keys


def _body_digest(submissions: Sequence[NewSubmission]) -> str:
    """Tells whether two calls ask for the same, whoever sends them."""
    return hashlib.sha256("\n".join(repr(replace(one, by="")) for one in submissions).encode()).hexdigest()
