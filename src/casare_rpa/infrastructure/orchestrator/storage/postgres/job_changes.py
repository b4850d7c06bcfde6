"""The hot commands that add jobs and change them.

Each reads, decides in memory and writes one statement, which writes everything or nothing. When rows have changed since
the read, it reads and decides again. After a lost connection it runs the identical statement again: the server may
still execute the first one, and only a second one that waits for its locks knows the outcome. If that finds the rows
changed, and they are as the first one would have left them, then the first one was committed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from msgspec.structs import replace

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import text_size
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.decisions import (
    Changes,
    Counters,
    Key,
    KnownKey,
    Submits,
    count_accepted,
    count_created,
    decide_changes,
    decide_submits,
    due_entries,
    wanted_keys,
)
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_writes import (
    NUMBERS,
    Bases,
    JobStatement,
    add_statement,
    apply_statement,
    load,
    numbered_changes,
    numbered_submits,
)

MOST_DECISIONS = 5
"""How often a batch is decided when others change its jobs meanwhile."""
# `OFFSET 0`: one look-up for each key, not a join of all stored keys with them, when few were stored.
KNOWN_KEYS = """
SELECT kept.tenant_id, kept.idempotency_key, kept.body_digest, kept.job_id
FROM json_to_recordset($1::json) AS wanted (tenant_id text, idempotency_key text)
CROSS JOIN LATERAL (
    SELECT * FROM idempotency_keys
    WHERE tenant_id = wanted.tenant_id AND idempotency_key = wanted.idempotency_key
    OFFSET 0
) AS kept
"""
LOST_SESSIONS = """
SELECT mine.robot_id, mine.session_id FROM json_to_recordset($1::json) AS mine (robot_id text, session_id text)
CROSS JOIN LATERAL (SELECT session_id FROM robot_sessions WHERE robot_sessions.robot_id = mine.robot_id) AS newest
WHERE newest.session_id IS DISTINCT FROM mine.session_id
"""

AddCall = tuple[Sequence[JobToAdd], NewAudit | None]
ApplyCall = tuple[Sequence[Change], NewAudit | None, SessionKey | None]
Opened = Callable[[Iterable[Placement]], None]
"""Gets the placements of jobs that were made ready."""


@dataclass(frozen=True)
class _Attempt:
    """A statement whose outcome is not known, with its calls and its decisions."""

    calls: Sequence[Any]
    decided: Any
    counters: Counters
    statement: JobStatement

    def is_of(self, calls: Sequence[Any]) -> bool:
        return len(calls) == len(self.calls) and all(a is b for a, b in zip(calls, self.calls, strict=True))


class AddPostgresJobs:
    """The hot command of `JobWriter.add_jobs`."""

    def __init__(self, opened: Opened, tally_slot: int) -> None:
        self._opened = opened
        self._tally_slot = tally_slot
        self._attempt: _Attempt | None = None

    async def execute(self, connection: Connection, calls: Sequence[AddCall]) -> list[list[Added | None]]:
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.is_of(calls):
            answers = await self._run(connection, attempt, again=True)
            if answers is not None:
                return answers
        for _ in range(MOST_DECISIONS):
            counters = Counters()
            decided = await self._decide(connection, calls, counters)
            if not decided.jobs:
                return decided.answers
            counted = map(count_created, decided.answers)
            audits = due_entries(zip((audit for _, audit in calls), counted, strict=True))
            statement = add_statement(decided, counters, audits, self._tally_slot)
            answers = await self._run(connection, _Attempt(calls, decided, counters, statement))
            if answers is not None:
                return answers
        raise asyncpg.UniqueViolationError("a job of the batch exists")  # its call fails, and the others run again

    def size_of(self, call: AddCall) -> int:
        return sum(len(new.job.parameters) for new in call[0])

    async def _decide(self, connection: Connection, calls: Sequence[AddCall], counters: Counters) -> Submits:
        submits = [jobs for jobs, _ in calls]
        return decide_submits(submits, await _stored_keys(connection, wanted_keys(submits)), counters)

    async def _run(
        self, connection: Connection, attempt: _Attempt, *, again: bool = False
    ) -> list[list[Added | None]] | None:
        """Write the jobs. `None`: another writer stored one of the keys first, or a job with one of the ids exists."""
        decided: Submits = attempt.decided
        self._attempt = attempt
        try:
            bases = await attempt.statement.run(connection)
        except asyncpg.UniqueViolationError:
            bases = await self._committed_before(connection, decided) if again else None
        self._attempt = None
        if bases is None:
            return None
        self._opened(new.job.placement for new in decided.jobs)
        return numbered_submits(decided.answers, bases)

    async def _committed_before(self, connection: Connection, decided: Submits) -> Bases | None:
        """The bases of an earlier run of the same statement, which stored these jobs; `None` without one."""
        jobs = [new.job for new in decided.jobs]
        stored = await load(connection, {job.job_id for job in jobs})
        if len(stored) != len(jobs):
            return None
        return await _bases_of(connection, Counter(job.job_id for job in jobs), jobs, oldest=True)


class ApplyPostgresChanges:
    """The hot command of `JobWriter.apply`."""

    def __init__(self, opened: Opened, tally_slot: int) -> None:
        self._opened = opened
        self._tally_slot = tally_slot
        self._attempt: _Attempt | None = None

    async def execute(self, connection: Connection, calls: Sequence[ApplyCall]) -> list[list[Applied]]:
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.is_of(calls):
            answers = await self._run(connection, attempt, again=True)
            if answers is not None:
                return answers
        for _ in range(MOST_DECISIONS):
            counters = Counters()
            valid = await _without_lost(connection, calls)
            stored = await load(connection, {change.job_id for changes, *_ in valid for change in changes})
            decided = decide_changes([changes for changes, *_ in valid], stored, counters)
            if not decided.written and not decided.events:
                return decided.answers
            counted = map(count_accepted, decided.answers)
            audits = due_entries(zip((audit for _, audit, _ in valid), counted, strict=True))
            sessions = {session for *_, session in valid if session is not None}
            statement = apply_statement(decided, counters, audits, sessions, self._tally_slot)
            answers = await self._run(connection, _Attempt(calls, decided, counters, statement))
            if answers is not None:
                return answers
        raise asyncpg.SerializationError("other writers change these jobs")  # the batch runs again after a pause

    def size_of(self, call: ApplyCall) -> int:
        return sum(text_size(change.event) for change in call[0])

    async def _run(
        self, connection: Connection, attempt: _Attempt, *, again: bool = False
    ) -> list[list[Applied]] | None:
        """Write the changes. `None`: other writers changed a job or a session first."""
        decided: Changes = attempt.decided
        self._attempt = attempt
        try:
            bases = await attempt.statement.run(connection)
        except asyncpg.DivisionByZeroError:
            bases = None
        if bases is None and again and decided.written:
            bases = await self._committed_before(connection, decided)
        self._attempt = None
        if bases is None:
            return None
        if pending := [one.after.placement for one in decided.written if one.after.status is JobStatus.PENDING]:
            self._opened(pending)
        return numbered_changes(decided.answers, bases)

    async def _committed_before(self, connection: Connection, decided: Changes) -> Bases | None:
        """The bases of an earlier run of the same statement; `None` if the jobs are not as it leaves them."""
        wanted = {one.after.job_id: one.after for one in decided.written}
        stored = await load(connection, wanted)
        if not any(_is_as_left(stored.get(job_id), job) for job_id, job in wanted.items()):
            return None  # one is enough: the statement wrote all of them, and others have changed since
        shown = Counter(
            applied.before.job_id
            for answer in decided.answers
            for applied in answer
            if applied.before is not None and applied.numbers is not None and applied.numbers.tenant_seq is not None
        )
        return await _bases_of(connection, shown, wanted.values())


def _is_as_left(stored: Job | None, wanted: Job) -> bool:
    """Whether a job is as a statement wrote it. Its lease and its offer may have been extended since."""
    if stored is None or stored.revision != wanted.revision:
        return False
    extended = {"lease_expires_at": wanted.lease_expires_at, "offer_expires_at": wanted.offer_expires_at}
    return replace(stored, **extended) == wanted


async def _bases_of(connection: Connection, shown: Counter[str], jobs: Iterable[Job], *, oldest: bool = False) -> Bases:
    """The bases of a statement, from the entries that it wrote: the newest ones of each job, or the first ones."""
    rows = await connection.fetch(NUMBERS, sorted(shown))
    if oldest:
        rows = rows[::-1]
    tenants = {job.job_id: job.tenant_id for job in jobs}
    left = Counter(shown)
    last: list[int] = []
    of_tenants: dict[str, list[int]] = {}
    for job_id, seq, tenant_seq in rows:
        if left[job_id] > 0:
            left[job_id] -= 1
            last.append(seq)
            of_tenants.setdefault(tenants[job_id], []).append(tenant_seq)
    return Bases(min(last, default=1) - 1, {tenant_id: min(some) - 1 for tenant_id, some in of_tenants.items()})


async def _stored_keys(connection: Connection, wanted: Sequence[Key]) -> dict[Key, KnownKey]:
    if not wanted:
        return {}
    rows = await connection.fetch(
        KNOWN_KEYS, json_parameter([{"tenant_id": tenant_id, "idempotency_key": key} for tenant_id, key in wanted])
    )
    jobs = await load(connection, {row[3] for row in rows}) if rows else {}
    # A job that retention has just deleted took its key with it.
    return {
        (tenant_id, key): KnownKey(digest, jobs[job_id]) for tenant_id, key, digest, job_id in rows if job_id in jobs
    }


async def _without_lost(connection: Connection, calls: Sequence[ApplyCall]) -> Sequence[ApplyCall]:
    """The calls, of which those in a session that is not the newest one of its robot change nothing."""
    sessions = sorted({session for *_, session in calls if session is not None})
    if not sessions:
        return calls
    mine = [{"robot_id": robot_id, "session_id": session_id} for robot_id, session_id in sessions]
    lost = {
        (robot_id, session_id) for robot_id, session_id in await connection.fetch(LOST_SESSIONS, json_parameter(mine))
    }
    return [((), None, None) if session in lost else (changes, audit, session) for changes, audit, session in calls]
