"""How rows of jobs are written, with history and tallies, in batches: one statement of each kind, whatever the size."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, count
from operator import attrgetter

import msgspec

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import Refusal, Step
from casare_rpa.infrastructure.orchestrator.storage.rows import (
    JOB_COLUMNS,
    JOB_JSON,
    change_of,
    columns_of_json,
    job_of,
    json_parameter,
    row_of,
    rows_at_once,
)

LOADED_AT_ONCE = 250
"""A job may be over 1 MiB as JSON, and SQLite makes no text of more than 1 GB."""
MINUTE = 60 * MICROSECONDS_PER_SECOND

_EVENT_COLUMNS = ("job_id", "at", "number", "kind", "status", "attempt", "robot_id", "session_id", "by", "note")
_QUOTED_EVENTS = ", ".join(f'"{name}"' for name in _EVENT_COLUMNS)

WANTED_JOBS = "FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"
INSERT_EVENTS = f"INSERT INTO job_events ({_QUOTED_EVENTS}) SELECT {columns_of_json(_EVENT_COLUMNS)} FROM json_each(?)"  # noqa: S608
TALLY = (
    "INSERT INTO tallies (tenant_id, status, minute, queue, number) "
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true "
    "ON CONFLICT (tenant_id, status, minute, queue) DO UPDATE SET number = number + excluded.number"
)

Tally = tuple[str, str, int, str]
"""Where a job is counted: tenant, status, minute, queue."""
EventRow = list[object]
"""The values of one history entry."""


class Written(msgspec.Struct, frozen=True, gc=False):
    """A change of one job to be written: the row before, the row after, and when."""

    before: Job
    after: Job
    at: Instant


def load(connection: sqlite3.Connection, job_ids: Iterable[str]) -> dict[str, Job]:
    """The jobs that exist, by id."""
    wanted = [*job_ids]
    found: dict[str, Job] = {}
    for first in range(0, len(wanted), LOADED_AT_ONCE):
        some = json_parameter(wanted[first : first + LOADED_AT_ONCE])
        found.update((row[0], job_of(row)) for row in rows_at_once(connection, JOB_JSON, WANTED_JOBS, (some,)))
    return found


def insert(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """New jobs, each with its first history entry (T1)."""
    rows = [row_of(job) for job in jobs]
    first = rows[0]
    differ = tuple(any(row[n] != value for row in rows) for n, value in enumerate(first))
    different = [list(compress(row, differ)) for row in rows]
    connection.execute(insert_of(differ), (json_parameter(first), json_parameter(different)))
    nobody = (None, None, None)  # no robot, no session; by whom is not kept
    write_events(
        connection,
        [[j.job_id, j.submitted_at, "T1", "submitted", j.status, j.attempt, *nobody, _origin(j)] for j in jobs],
    )
    _count(connection, Counter(map(_tally, jobs)))


def _origin(job: Job) -> str | None:
    return None if job.retry_of is None else f"retry of {job.retry_of}"


@lru_cache(maxsize=256)
def insert_of(differ: tuple[bool, ...]) -> str:
    """The statement that adds many jobs: those columns in which they differ from one another for each of them, the
    others, taken from the first one, once for all.

    Taking a value out of JSON costs the more the further back it stands, and jobs that come together are much alike.
    """
    places = count()
    values = [f"value ->> {next(places)}" if differs else f"?1 ->> {n}" for n, differs in enumerate(differ)]
    return f"INSERT INTO jobs ({', '.join(JOB_COLUMNS)}) SELECT {', '.join(values)} FROM json_each(?2)"  # noqa: S608


@lru_cache(maxsize=256)
def update_of(columns: tuple[str, ...]) -> str:
    """The statement that writes these columns of many jobs, if their revision is still the old one."""
    return (
        f"UPDATE jobs SET {', '.join(f'{name} = new.{name}' for name in columns)} "  # noqa: S608
        f"FROM (SELECT {columns_of_json(('job_id', 'old_revision', *columns))} FROM json_each(?)) AS new "
        "WHERE jobs.job_id = new.job_id AND jobs.revision = new.old_revision"
    )


def update(connection: sqlite3.Connection, written: Sequence[Written]) -> None:
    """Changed jobs, one statement for each set of columns that changed: SQLite writes every index over a column that
    a statement names, whether its value is another or not.

    The writer is alone, so a revision that does not fit is a fault, and fails the transaction.
    """
    rows: dict[tuple[str, ...], list[list[object]]] = {}
    moves: Counter[Tally] = Counter()
    for one in written:
        columns, values = change_of(one.before, one.after, one.at)
        rows.setdefault(columns, []).append([one.after.job_id, one.before.revision, *values])
        if _counted_by(one.before) != _counted_by(one.after):
            moves[_tally(one.before)] -= 1
            moves[_tally(one.after)] += 1
    done = 0
    for columns, changed in rows.items():
        done += connection.execute(update_of(columns), (json_parameter(changed),)).rowcount
    if done != len(written):
        raise sqlite3.OperationalError(f"{len(written) - done} jobs changed under the writer's hands")
    _count(connection, moves)


def write_events(connection: sqlite3.Connection, events: Sequence[EventRow]) -> None:
    connection.execute(INSERT_EVENTS, (json_parameter(events),))


def step_entry(before: Job, step: Step, at: Instant) -> EventRow:
    """The history entry of a change. Where the job was taken away, it names the robot and session that had it."""
    job = step.job
    robot_id, session_id = job.robot_id or before.robot_id, job.session_id or before.session_id
    return [job.job_id, at, step.number, step.kind, job.status, job.attempt, robot_id, session_id, step.by, step.note]


def refusal_entry(job: Job, refusal: Refusal, robot_id: str | None, session_id: str | None, at: Instant) -> EventRow:
    """The history entry of a refusal: the job as it stays, and who asked."""
    asked = [robot_id, session_id, None, refusal.answer]
    return [job.job_id, at, refusal.number, refusal.kind, job.status, job.attempt, *asked]


_counted_by = attrgetter("status", "finished_at", "reason")
"""What of a job decides where it is counted and may change."""


def _tally(job: Job) -> Tally:
    """Where a job is counted: open ones under minute 0, ends under their minute; cancelled ones are no failures."""
    if job.finished_at is None:
        return (job.tenant_id, job.status.value, 0, job.queue)
    status = "cancelled" if job.reason is Reason.CANCELLED else job.status.value
    return (job.tenant_id, status, job.finished_at // MINUTE, job.queue)


def _count(connection: sqlite3.Connection, moves: Counter[Tally]) -> None:
    """Keep the counts of open jobs, and of ends by minute, in the same transaction as the jobs."""
    rows = [[*key, number] for key, number in moves.items() if number]
    if rows:
        connection.execute(TALLY, (json_parameter(rows),))
