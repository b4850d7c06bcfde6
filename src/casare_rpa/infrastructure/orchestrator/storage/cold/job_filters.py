"""Which jobs a list shows, as SQL: the index of the narrowest filter is walked, the rest is asked of each row."""

import sqlite3
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.protocol import JobStatus
from casare_rpa.domain.statistics import JobCount
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of

PREFIXED_WORKFLOWS = 50
_LAST = "\U0010ffff"
_NEWEST_FIRST = "ORDER BY submitted_at DESC, job_id DESC LIMIT ?"
_RETRIED = "EXISTS (SELECT 1 FROM jobs AS again WHERE again.retry_of = jobs.job_id)"
_EQUAL = ("fingerprint", "robot_id", "workflow_id", "queue", "reason", "status", "tenant_id")
# The ids of workflows that begin so: one step of the index for each, however many jobs they have.
_WORKFLOWS = """
WITH RECURSIVE found (workflow_id) AS (
    SELECT min(workflow_id) FROM jobs WHERE workflow_id >= :first AND workflow_id < :last
    UNION ALL
    SELECT (SELECT min(workflow_id) FROM jobs WHERE workflow_id > found.workflow_id AND workflow_id < :last)
    FROM found WHERE found.workflow_id IS NOT NULL
)
SELECT workflow_id FROM found WHERE workflow_id IS NOT NULL LIMIT :most
"""

Condition = tuple[str, list[Any]]


def newest(
    connection: sqlite3.Connection, wanted: JobFilter, limit: int, before: tuple[Instant, str] | None
) -> list[Job]:
    """Keyset paging: the next rows after the last one seen, whatever was added meanwhile."""
    found: list[Job] = []
    for where, values in _walks(connection, wanted):
        page = " AND (submitted_at, job_id) < (?, ?)" if before is not None else ""
        sql = f"SELECT {JOB_SELECT} FROM jobs WHERE {where}{page} {_NEWEST_FIRST}"  # noqa: S608 - our own names
        found += [job_of(row) for row in connection.execute(sql, (*values, *(before or ()), limit))]
    found.sort(key=lambda job: (job.submitted_at, job.job_id), reverse=True)
    return found[:limit]


def count(connection: sqlite3.Connection, wanted: JobFilter, most: int) -> JobCount:
    """Numbers of jobs that match and of all jobs, each at most `most`."""
    matching = _counted(connection, wanted, most)
    total = _counted(connection, JobFilter(tenant_id=wanted.tenant_id), most)
    capped = matching > most or total > most
    return JobCount(min(matching, most), min(total, most), capped)


def _counted(connection: sqlite3.Connection, wanted: JobFilter, most: int) -> int:
    number = 0
    for where, values in _walks(connection, wanted):
        sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs WHERE {where} LIMIT ?)"  # noqa: S608 - our own names
        number += int(connection.execute(sql, (*values, most + 1)).fetchone()[0])
    return number


def workflows(connection: sqlite3.Connection, prefix: str, limit: int) -> list[str]:
    """The workflows that begin so and have a job, by name."""
    rows = connection.execute(_WORKFLOWS, {"first": prefix, "last": prefix + _LAST, "most": limit})
    return [row[0] for row in rows]


def _walks(connection: sqlite3.Connection, wanted: JobFilter) -> list[Condition]:
    """The walks over an index that together find what is wanted, no job twice."""
    if wanted.prefix is None:
        return [_conditions(wanted, {})]
    if wanted.prefix.startswith("job-"):
        condition = "+job_id >= ? AND +job_id < ?"
        values = begins = [wanted.prefix, wanted.prefix + _LAST]
        if len(wanted.prefix) >= len("job-") + 24:  # a whole id
            condition, values = "job_id = ?", [wanted.prefix]
        where, more = _conditions(wanted, {})
        by_id = [(f"{condition} AND {where}", [*values, *more])]
        named = _walks_by_workflow(connection, wanted, wanted.prefix)
        return by_id + [(f"NOT (+job_id >= ? AND +job_id < ?) AND {w}", [*begins, *v]) for w, v in named]
    return _walks_by_workflow(connection, wanted, wanted.prefix)


def _walks_by_workflow(connection: sqlite3.Connection, wanted: JobFilter, prefix: str) -> list[Condition]:
    names = workflows(connection, prefix, PREFIXED_WORKFLOWS + 1)
    if len(names) > PREFIXED_WORKFLOWS:  # so many match that a walk over all jobs finds them soon
        where, more = _conditions(wanted, {})
        return [(f"+workflow_id >= ? AND +workflow_id < ? AND {where}", [prefix, prefix + _LAST, *more])]
    return [_conditions(wanted, {"workflow_id": name}) for name in names if wanted.workflow_id in (None, name)]


def _conditions(wanted: JobFilter, fixed: dict[str, str]) -> Condition:
    """`+` keeps the planner, which does not know which filter is the narrowest, from other indexes."""
    given = {name: fixed.get(name, getattr(wanted, name)) for name in _EQUAL}
    conditions: list[str] = []
    values: list[Any] = []
    for name in _narrowest_first(wanted):
        if given[name] is not None:
            conditions.append(f"{'+' if conditions else ''}{name} = ?")
            values.append(given[name])
    if wanted.robot_id is not None:
        conditions.append("+status <> 'pending'")  # an offered job is nobody's to viewers
    for sign, instant in ((">=", wanted.since), ("<", wanted.until)):
        if instant is not None:
            conditions.append(f"submitted_at {sign} ?")
            values.append(instant)
    if wanted.to_cancel:
        conditions.append("+finished_at IS NULL AND +cancel_requested_at IS NULL")
    if wanted.to_retry:
        conditions.append(f"+finished_at IS NOT NULL AND NOT {_RETRIED}")
    return " AND ".join(conditions) or "true", values


def _narrowest_first(wanted: JobFilter) -> list[str]:
    """Few jobs have a failure, a robot or a workflow in common, few are open, many have ended."""
    ended = wanted.status in (JobStatus.COMPLETED, JobStatus.FAILED)
    common = ("tenant_id", "status") if ended else ("status", "tenant_id")
    return [*_EQUAL[:5], *common]
