"""The hot statements on jobs: added, offered and changed in batches, one statement whatever the batch size."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import UNKNOWN_JOB, Offered, Refusal, Step
from casare_rpa.domain.jobs import advance
from casare_rpa.domain.protocol import JobStatus
from casare_rpa.domain.selection import Assignment, Head, Slot, choose
from casare_rpa.infrastructure.orchestrator.ports import Added, Applied, Change, NewJob
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.rows import (
    JOB_COLUMNS,
    JOB_SELECT,
    columns_of_json,
    job_of,
    json_parameter,
    placement_of,
    row_of,
)

MAX_OFFERS = 500
MINUTE = 60 * MICROSECONDS_PER_SECOND
ALL_QUEUES = "*"

_EVENT_COLUMNS = ("job_id", "at", "number", "kind", "status", "attempt", "robot_id", "session_id", "by", "note")
_QUOTED_EVENTS = ", ".join(f'"{name}"' for name in _EVENT_COLUMNS)
_CHANGING = [name for name in JOB_COLUMNS if name != "job_id"]

INSERT_JOBS = f"INSERT INTO jobs ({', '.join(JOB_COLUMNS)}) SELECT {columns_of_json(JOB_COLUMNS)} FROM json_each(?)"  # noqa: S608
UPDATE_JOBS = (
    f"UPDATE jobs SET {', '.join(f'{name} = new.{name}' for name in _CHANGING)} "  # noqa: S608
    f"FROM (SELECT {columns_of_json((*JOB_COLUMNS, 'old_revision'))} FROM json_each(?)) AS new "
    "WHERE jobs.job_id = new.job_id AND jobs.revision = new.old_revision"
)
INSERT_EVENTS = (
    f"INSERT INTO job_events ({_QUOTED_EVENTS}) "  # noqa: S608
    f"SELECT {', '.join(f'value ->> {index}' for index in range(len(_EVENT_COLUMNS)))} FROM json_each(?)"
)
SELECT_JOBS = f"SELECT {JOB_SELECT} FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"  # noqa: S608
PROMOTE = (
    "UPDATE jobs INDEXED BY jobs_delayed SET ready = 1 "
    "WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL "
    "AND not_before <= ? RETURNING placement"
)
HEADS = """
SELECT job_id, rank FROM jobs INDEXED BY jobs_ready WHERE ready = 1 AND placement = ? ORDER BY rank, job_id LIMIT ?
"""
# Named, because the planner prefers the index over all jobs of a robot, ended ones included.
HELD = (
    "SELECT robot_id, count(*) FROM jobs INDEXED BY jobs_held WHERE finished_at IS NULL AND robot_id IS NOT NULL "
    "AND robot_id IN (SELECT value FROM json_each(?)) GROUP BY robot_id"
)
TALLY = (
    "INSERT INTO tallies (tenant_id, status, minute, number) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 "
    "FROM json_each(?) WHERE true "
    "ON CONFLICT (tenant_id, status, minute) DO UPDATE SET number = number + excluded.number"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A change of one job to be written: the row before (None: new), after, and its history entry's parts."""

    before: Job | None
    after: Job
    at: Instant


class HotJobs:
    """Runs in the writer's thread only."""

    def __init__(self, placements: Placements) -> None:
        self._placements = placements

    # T1

    def add(self, connection: sqlite3.Connection, calls: Sequence[Sequence[NewJob]]) -> list[list[Added | None]]:
        """Insert the jobs of all callers; keyed ones are looked up first, earlier ones of the same batch included."""
        known: dict[tuple[str, str], tuple[str, Job]] = {}
        fresh: list[Job] = []
        keys: list[list[str]] = []
        answers = [[self._add_one(connection, new, known, fresh, keys) for new in call] for call in calls]
        if keys:
            connection.execute(
                "INSERT INTO idempotency_keys (tenant_id, idempotency_key, body_digest, job_id) "
                "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
                (json_parameter(keys),),
            )
        if fresh:
            connection.execute(INSERT_JOBS, (json_parameter([row_of(job, job.submitted_at) for job in fresh]),))
            events = [[j.job_id, j.submitted_at, "T1", "submitted", j.status, 0, None, None, None, None] for j in fresh]
            connection.execute(INSERT_EVENTS, (json_parameter(events),))
            self._count(connection, [Written(None, job, job.submitted_at) for job in fresh])
            self._placements.add(placement_of(job) for job in fresh)
        return answers

    def _add_one(
        self,
        connection: sqlite3.Connection,
        new: NewJob,
        known: dict[tuple[str, str], tuple[str, Job]],
        fresh: list[Job],
        keys: list[list[str]],
    ) -> Added | None:
        job = new.job
        if new.idempotency_key is not None:
            key = (job.tenant_id, new.idempotency_key)
            found = known.get(key) or self._by_key(connection, key)
            if found is not None:
                return Added(found[1], created=False) if found[0] == new.body_digest else None
            known[key] = (new.body_digest, job)
            keys.append([*key, new.body_digest, job.job_id])
        fresh.append(job)
        return Added(job, created=True)

    def _by_key(self, connection: sqlite3.Connection, key: tuple[str, str]) -> tuple[str, Job] | None:
        row = connection.execute(
            "SELECT body_digest, job_id FROM idempotency_keys WHERE tenant_id = ? AND idempotency_key = ?", key
        ).fetchone()
        if row is None:
            return None
        return row[0], _load(connection, [row[1]])[row[1]]

    # T3 to T20

    def apply(self, connection: sqlite3.Connection, calls: Sequence[Sequence[Change]]) -> list[list[Applied]]:
        """Ask the table about every change in order; write what came of it."""
        stored = _load(connection, {change.job_id for call in calls for change in call})
        current = dict(stored)
        events: list[list[object]] = []
        last_at: dict[str, Instant] = {}
        answers = [[_apply_one(change, current, events, last_at) for change in call] for call in calls]
        written = [
            Written(before, current[job_id], last_at[job_id])
            for job_id, before in stored.items()
            if current[job_id].revision != before.revision
        ]
        self._write(connection, written, events)
        return answers

    def _write(
        self, connection: sqlite3.Connection, written: Sequence[Written], events: Sequence[Sequence[object]]
    ) -> None:
        if written:
            rows = [[*row_of(one.after, one.at), one.before.revision] for one in written if one.before is not None]
            done = connection.execute(UPDATE_JOBS, (json_parameter(rows),)).rowcount
            if done != len(rows):
                raise sqlite3.OperationalError(f"{len(rows) - done} jobs changed under the writer's hands")
            self._count(connection, written)
            self._placements.add(placement_of(one.after) for one in written if one.after.status is JobStatus.PENDING)
        if events:
            connection.execute(INSERT_EVENTS, (json_parameter(events),))

    # T2

    def claim(self, connection: sqlite3.Connection, calls: Sequence[tuple[Sequence[Slot], Instant]]) -> list[list[Job]]:
        """Offer what each caller's robots can serve."""
        return [self._claim(connection, slots, at) for slots, at in calls]

    def _claim(self, connection: sqlite3.Connection, slots: Sequence[Slot], at: Instant) -> list[Job]:
        promoted = connection.execute(PROMOTE, (at,)).fetchall()
        self._placements.add_texts(row[0] for row in promoted)
        heads = self._heads(connection, slots)
        chosen = _choose_recounted(connection, heads, slots) if heads else []
        if not chosen:
            return []
        jobs = _load(connection, [assignment.job_id for assignment in chosen])
        written: list[Written] = []
        events: list[list[object]] = []
        for assignment in chosen:
            before, slot = jobs[assignment.job_id], assignment.slot
            answer = advance(before, Offered(slot.robot_id, slot.session_id, slot.claim_ack), at)
            if isinstance(answer, Step):
                written.append(Written(before, answer.job, at))
                events.append(_event(answer.job, answer.number, answer.kind or "", at))
        self._write(connection, written, events)
        return [one.after for one in written]

    def _heads(self, connection: sqlite3.Connection, slots: Sequence[Slot]) -> list[Head]:
        """The first jobs of every line that one of these robots can serve; lines found empty are forgotten."""
        paused = {row[0] for row in connection.execute("SELECT queue FROM paused_queues")}
        if ALL_QUEUES in paused:
            return []
        limit = min(MAX_OFFERS, sum(slot.free for slot in slots))
        heads: list[Head] = []
        for placement, text in self._placements.servable(slots):
            if placement.queue in paused:
                continue
            rows = connection.execute(HEADS, (text, limit)).fetchall()
            if not rows:
                self._placements.forget(placement)
            heads.extend(Head(job_id, placement, Instant(rank)) for job_id, rank in rows)
        return heads

    # Tallies

    def _count(self, connection: sqlite3.Connection, written: Iterable[Written]) -> None:
        """Keep the counts of open jobs, and of ends by minute, in the same transaction as the jobs."""
        numbers: Counter[tuple[str, str, int]] = Counter()
        for one in written:
            if one.before is not None:
                numbers[_tally(one.before)] -= 1
            numbers[_tally(one.after)] += 1
        rows = [[*key, number] for key, number in numbers.items() if number]
        if rows:
            connection.execute(TALLY, (json_parameter(rows),))


def _tally(job: Job) -> tuple[str, str, int]:
    """Where a job is counted: open ones under minute 0, ends under their minute; cancelled ones are no failures."""
    if job.finished_at is None:
        return (job.tenant_id, job.status.value, 0)
    status = "cancelled" if job.reason is Reason.CANCELLED else job.status.value
    return (job.tenant_id, status, job.finished_at // MINUTE)


def _load(connection: sqlite3.Connection, job_ids: Iterable[str]) -> dict[str, Job]:
    rows = connection.execute(SELECT_JOBS, (json_parameter([*job_ids]),))
    return {job.job_id: job for job in map(job_of, rows)}


def _apply_one(
    change: Change, current: dict[str, Job], events: list[list[object]], last_at: dict[str, Instant]
) -> Applied:
    before = current.get(change.job_id)
    if before is None:
        return Applied(None, UNKNOWN_JOB)
    answer = advance(before, change.event, change.at)
    if isinstance(answer, Refusal):
        if answer.kind is not None:
            events.append(_event(before, answer.number, answer.kind, change.at, note=answer.answer))
        return Applied(before, answer)
    current[change.job_id] = answer.job
    last_at[change.job_id] = change.at
    if answer.kind is not None:
        events.append(_event(answer.job, answer.number, answer.kind, change.at, answer.by, answer.note))
    return Applied(before, answer)


def _event(
    job: Job, number: str, kind: str, at: Instant, by: str | None = None, note: str | None = None
) -> list[object]:
    robot_id = job.robot_id or (job.former_robots[-1] if job.former_robots else None)
    return [job.job_id, at, number, kind, job.status, job.attempt, robot_id, job.session_id, by, note]


def _choose_recounted(connection: sqlite3.Connection, heads: Sequence[Head], slots: Sequence[Slot]) -> list[Assignment]:
    """`choose`, with the slots of every chosen robot counted again from live jobs before it counts."""
    known = {slot.robot_id: slot for slot in slots}
    checked: set[str] = set()
    while True:
        chosen = choose(heads, known.values())
        unchecked = {assignment.slot.robot_id for assignment in chosen} - checked
        if not unchecked:
            return chosen
        held = dict(connection.execute(HELD, (json_parameter(sorted(unchecked)),)))
        checked |= unchecked
        for robot_id in unchecked:
            slot = known[robot_id]
            known[robot_id] = replace(slot, free=max(0, slot.capacity - held.get(robot_id, 0)))
