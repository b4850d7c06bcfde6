"""Commands about jobs: submit, retry, cancel.

HTTP, WebSockets and programs that embed the control plane call the same function for a command. It checks the
principal, changes the store and writes the audit entry in one transaction, then publishes the change. The audit entry
of a submit is the first history entry of its job, which names the principal and the request.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import Conflict, InvalidTransition, NotFound
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Cancel, Refusal
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd
from casare_rpa.domain.job_request import DEFAULT_QUEUE
from casare_rpa.domain.job_submissions import NewSubmission, new_job, retry_of
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import (
    AddedJob,
    EventBus,
    JobsAdded,
    SubmitBegun,
    publish_applied,
)
from casare_rpa.infrastructure.orchestrator.jobs.submissions import (
    body_digest,
    keys_of,
    new_job_ids,
)
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader, JobWriter
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore

DEFAULT_CANCEL_REASON = "cancelled by an admin"
BULK_TARGET = "jobs"
"""The target of the audit entry of a bulk command."""


def new_request_id() -> str:
    """`req-` and 16 random hex digits."""
    return f"req-{secrets.token_hex(8)}"


class JobCommandStore(JobWriter, JobReader, RobotStore, AdminStore, Protocol):
    """The ports of the store that `JobCommands` uses."""


class JobCommands:
    """Submits, retries and cancels jobs. Each call is durable when it returns."""

    def __init__(self, store: JobCommandStore, bus: EventBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._tenants: set[str] = set()
        """Tenants that were found in the store since the last `compare`: most jobs then need no look-up."""

    async def submit(self, principal: Principal, submission: NewSubmission, request_id: str | None = None) -> Added:
        """Add a job (T1).

        Raises:
            AuthError: the principal is not an admin, or of another tenant.
            NotFound: no such tenant or queue, or no such robot in the tenant.
            Conflict: the idempotency key was used for another body.
        """
        return (await self._submit(principal, [submission], [None], request_id))[0]

    async def submit_all(
        self, principal: Principal, submissions: Sequence[NewSubmission], request_id: str | None = None
    ) -> list[Added]:
        """Add jobs in this order, all or none. They share one idempotency key.

        Raises:
            AuthError, NotFound, Conflict: as `submit`; `field` names the job, such as `jobs.3.robot_id`.
        """
        places = [f"jobs.{number}" for number in range(len(submissions))]
        return await self._submit(principal, submissions, places, request_id)

    async def retry(
        self, principal: Principal, job_id: str, idempotency_key: str | None = None, request_id: str | None = None
    ) -> Added:
        """Add a job with the same request as this one, which has ended and does not change.

        Raises:
            AuthError: the principal is not an admin.
            NotFound: no such job.
            InvalidTransition: the job has not ended.
            Conflict: the idempotency key was used for another body.
        """
        require_admin(principal)
        job = await self._store.job(job_id)
        if job is None or not principal.sees(job.tenant_id):
            raise NotFound(f"there is no job {job_id!r}", field="job_id")
        submission = await self._checked_retry(job, idempotency_key)
        new = self._job_to_add(principal, submission, self._clock.now(), request_id)
        entry = NewAudit(new.job.submitted_at, principal.name, "retry_job", job_id, f"as {new.job.job_id}")
        return (await self._add([new], entry))[0]

    async def retry_each(
        self,
        principal: Principal,
        jobs: Sequence[Job],
        *,
        ordered: int,
        once: str | None,
        reason: str = "",
        request_id: str | None = None,
    ) -> int:
        """Retry each of these jobs that has ended, in one transaction with one audit entry; returns how many.

        `ordered` is how many jobs the command named. With the same text in `once`, calls that are repeated or run at
        the same time add one job for each of the jobs in all.
        """
        require_admin(principal)
        now = self._clock.now()
        news: list[JobToAdd] = []
        for job in jobs:
            try:
                submission = await self._checked_retry(job, f"{once}-{job.job_id}" if once else None)
            except (Conflict, NotFound):
                continue
            if principal.sees(job.tenant_id):
                news.append(self._job_to_add(principal, submission, Instant(now + len(news)), request_id))
        entry = NewAudit(now, principal.name, "retry_jobs", BULK_TARGET, reason, ordered)
        try:
            return len(await self._add(news, entry)) if news else 0
        except Conflict:  # one of the keys was used for another body, which must refuse only its job
            return await self._retry_one_by_one(principal, news)

    async def _retry_one_by_one(self, principal: Principal, news: Sequence[JobToAdd]) -> int:
        done = 0
        for new in news:
            target, note = new.job.retry_of or "", f"as {new.job.job_id}"
            try:
                await self._add([new], NewAudit(self._clock.now(), principal.name, "retry_job", target, note))
            except Conflict:
                continue
            done += 1
        return done

    async def cancel(self, principal: Principal, job_id: str, reason: str = "") -> Job:
        """Cancel a job (T11, T12). Returns the job, which has ended or waits for the confirmation of its robot.

        Raises:
            AuthError: the principal is not an admin.
            NotFound: no such job.
            InvalidTransition: the job has ended.
        """
        require_admin(principal)
        if principal.tenant_id is not None:
            job = await self._store.job(job_id)
            if job is None or not principal.sees(job.tenant_id):
                raise NotFound(f"there is no job {job_id!r}", field="job_id")
        reason = reason or DEFAULT_CANCEL_REASON
        now = self._clock.now()
        entry = NewAudit(now, principal.name, "cancel_job", job_id, reason)
        (applied,) = await self._cancel([job_id], principal, reason, now, entry)
        if applied.before is None:
            raise NotFound(f"there is no job {job_id!r}", field="job_id")
        if isinstance(applied.answer, Refusal):
            ended = f"this job has ended already; it is {applied.before.status.value}"
            raise InvalidTransition(f"{ended}; expected one that is pending, claimed or running", field="job_id")
        return applied.answer.job

    async def cancel_each(self, principal: Principal, jobs: Sequence[Job], *, ordered: int, reason: str = "") -> int:
        """Cancel each of these jobs that has not ended, in one transaction with one audit entry; returns how many.

        `ordered` is how many jobs the command named.
        """
        require_admin(principal)
        now = self._clock.now()
        entry = NewAudit(now, principal.name, "cancel_jobs", BULK_TARGET, reason, ordered)
        job_ids = [job.job_id for job in jobs if principal.sees(job.tenant_id)]
        applied = await self._cancel(job_ids, principal, reason or DEFAULT_CANCEL_REASON, now, entry) if job_ids else []
        return sum(not isinstance(one.answer, Refusal) for one in applied)

    async def _cancel(
        self, job_ids: Sequence[str], principal: Principal, reason: str, now: Instant, entry: NewAudit
    ) -> list[Applied]:
        changes = [Change(job_id, Cancel(reason, principal.name), now) for job_id in job_ids]
        applied = await self._store.apply(changes, audit=entry)
        publish_applied(self._bus, applied)
        return applied

    async def _submit(
        self,
        principal: Principal,
        submissions: Sequence[NewSubmission],
        places: Sequence[str | None],
        request_id: str | None,
    ) -> list[Added]:
        """`places` are the fields that hold each submission; `None` when the submission is the whole request."""
        require_admin(principal)
        for tenant_id in {one.tenant_id for one in submissions}:
            require_tenant(principal, tenant_id)
        await self._check_names(submissions, places)
        now, request_id = self._clock.now(), request_id or new_request_id()
        keys = keys_of(submissions)
        digest = body_digest(submissions) if any(keys) else ""
        # A microsecond apart, so they wait and are listed in the order they were sent.
        instants = [Instant(now + number) for number in range(len(submissions))]
        news = [
            JobToAdd(new_job(submission, job_id, at), key, digest, principal.name, request_id)
            for at, job_id, submission, key in zip(instants, new_job_ids(instants), submissions, keys, strict=True)
        ]
        return await self._add(news, None)

    def _job_to_add(
        self, principal: Principal, submission: NewSubmission, at: Instant, request_id: str | None
    ) -> JobToAdd:
        key = submission.idempotency_key
        digest = body_digest([submission]) if key else ""
        (job_id,) = new_job_ids([at])
        return JobToAdd(new_job(submission, job_id, at), key, digest, principal.name, request_id or new_request_id())

    async def _add(self, news: Sequence[JobToAdd], audit: NewAudit | None) -> list[Added]:
        self._bus.publish(SubmitBegun())
        added = [one for one in await self._store.add_jobs(news, audit=audit) if one is not None]
        if len(added) < len(news):
            raise Conflict("it was used before, for another body", field="Idempotency-Key")
        news_of_the_bus = [AddedJob(one.job, one.numbers) for one in added if one.numbers is not None]
        if news_of_the_bus:
            self._bus.publish(JobsAdded(news_of_the_bus))
        return added

    async def compare(self) -> None:
        """Look up each tenant again at its next job."""
        self._tenants.clear()

    async def _checked_retry(self, job: Job, idempotency_key: str | None) -> NewSubmission:
        """Raises InvalidTransition or NotFound when the job cannot be retried now."""
        if job.finished_at is None:
            sentence = f"this job is {job.status.value}; cancel it first, or wait for its end"
            raise InvalidTransition(sentence, field="job_id")
        submission = retry_of(job, idempotency_key)
        await self._check_names([submission], [None])
        return submission

    async def _check_names(self, submissions: Sequence[NewSubmission], places: Sequence[str | None]) -> None:
        """Look up every tenant, robot and queue once. Raises NotFound."""
        tenants = {one.tenant_id for one in submissions}
        for unknown in tenants - self._tenants:
            if await self._store.tenant(unknown) is None:
                tenants.discard(unknown)
        self._tenants |= tenants
        targets = {one.target_robot_id for one in submissions if one.target_robot_id is not None}
        robots = {wanted: await self._store.robot(wanted) for wanted in targets}
        queues = {DEFAULT_QUEUE}
        if any(one.queue not in queues for one in submissions):  # most jobs name no queue and need no look-up
            queues |= {queue.queue for queue in await self._store.queues()}
        for submission, place in zip(submissions, places, strict=True):
            try:
                self._check_one(submission, tenants, robots, queues)
            except NotFound as error:
                error.field = error.field if place is None else f"{place}.{error.field}"
                raise

    def _check_one(
        self,
        submission: NewSubmission,
        tenants: Collection[str],
        robots: Mapping[str, Robot | None],
        queues: Collection[str],
    ) -> None:
        if submission.tenant_id not in tenants:
            raise NotFound(f"there is no tenant {submission.tenant_id!r}", field="tenant_id")
        if submission.queue not in queues:
            sentence = f"there is no queue {submission.queue!r}; create it first, or omit the field"
            raise NotFound(sentence, field="queue")
        if submission.target_robot_id is not None:
            robot = robots[submission.target_robot_id]
            if robot is None or robot.tenant_id != submission.tenant_id:
                sentence = f"there is no robot {submission.target_robot_id!r} in this tenant"
                raise NotFound(sentence, field="robot_id")
