"""Lists and counts of jobs by filter. Portable.

A list walks the index of its narrowest filter and tests each row for the other filters. `[+]` keeps SQLite's planner,
which does not know the narrowest filter, from other indexes. A list by the end walks the index of ends.
"""

from dataclasses import replace
from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, run_text

PREFIXED_WORKFLOWS = 50
_LAST = "\U0010ffff"
_RETRIED = "EXISTS (SELECT 1 FROM jobs AS again WHERE again.retry_of = jobs.job_id)"
_EQUAL = ("fingerprint", "robot_id", "workflow_id", "queue", "reason", "status", "tenant_id")
# Workflows by prefix: one index look-up per workflow, however many jobs it has.
_WORKFLOWS = Statement(
    """
WITH RECURSIVE found (workflow_id) AS (
    SELECT min(workflow_id) FROM jobs WHERE workflow_id >= :first AND workflow_id < :last
    UNION ALL
    SELECT (SELECT min(workflow_id) FROM jobs WHERE workflow_id > found.workflow_id AND workflow_id < :last)
    FROM found WHERE found.workflow_id IS NOT NULL
)
SELECT workflow_id FROM found WHERE workflow_id IS NOT NULL LIMIT :most
"""
)

Condition = tuple[str, list[Any]]


def listed(
    connection: SqlConnection,
    wanted: JobFilter,
    limit: int,
    after: tuple[Instant, str] | None,
    order: JobOrder = JobOrder.NEWEST,
) -> list[Job]:
    """Up to `limit` matching jobs in this order, after a position: keyset paging, so added jobs shift no page."""
    column = "finished_at" if order.by_end else "submitted_at"
    sign, direction = ("<", "DESC") if order.descending else (">", "ASC")
    page = f" AND ({column}, job_id) {sign} (?, ?)" if after is not None else ""
    source = "jobs [INDEXED BY jobs_ended]" if order.by_end else "jobs"
    sorting = f"ORDER BY {column} {direction}, job_id {direction} LIMIT ?"
    found: list[Job] = []
    for where, values in _walks(connection, wanted, by_end=order.by_end):
        sql = f"SELECT {JOB_SELECT} FROM {source} WHERE {where}{page} {sorting}"  # noqa: S608 - our own names
        found += [job_of(row) for row in run_text(connection, sql, [*values, *(after or ()), limit])]
    found.sort(key=order.position, reverse=order.descending)
    return found[:limit]


def count(connection: SqlConnection, wanted: JobFilter, most: int) -> JobCount:
    """The number of matching jobs and of all jobs, each counted up to `most`."""
    matching = _counted(connection, wanted, most)
    total = _counted(connection, JobFilter(tenant_id=wanted.tenant_id), most)
    capped = matching > most or total > most
    return JobCount(min(matching, most), min(total, most), capped)


def _counted(connection: SqlConnection, wanted: JobFilter, most: int) -> int:
    number = 0
    by_end = wanted.ended_since is not None or wanted.ended_until is not None
    source = "jobs [INDEXED BY jobs_ended]" if by_end else "jobs"
    for where, values in _walks(connection, wanted, by_end=by_end):
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT ?) AS matching"  # noqa: S608
        number += int(run_text(connection, sql, [*values, most + 1]).fetchone()[0])
    return number


def workflows(connection: SqlConnection, prefix: str, limit: int) -> list[str]:
    """Up to `limit` workflows whose name has the prefix and that have a job, by name."""
    return [row[0] for row in _WORKFLOWS.run(connection, first=prefix, last=prefix + _LAST, most=limit)]


def _walks(connection: SqlConnection, wanted: JobFilter, *, by_end: bool) -> list[Condition]:
    """Walks over an index that together find every matching job once."""
    if wanted.prefix is None:
        return _each(wanted, by_end=by_end)
    if by_end:  # one walk in the order of ends finds every prefix
        column = "job_id" if wanted.prefix.startswith("job-") else "workflow_id"
        condition, values = _begins(_unindexed(column), wanted.prefix)
        if wanted.prefix.startswith("job-"):
            named, more = _begins(_unindexed("workflow_id"), wanted.prefix)
            condition, values = f"(({condition}) OR ({named}))", [*values, *more]
        return [(f"{condition} AND {where}", [*values, *more]) for where, more in _each(wanted, by_end=True)]
    if wanted.prefix.startswith("job-"):
        condition, values = begins = _begins("job_id", wanted.prefix)
        if len(wanted.prefix) >= len("job-") + 24:  # a whole id
            condition, values = "job_id = ?", [wanted.prefix]
        by_id = [(f"{condition} AND {where}", [*values, *more]) for where, more in _each(wanted)]
        named_walks = _walks_by_workflow(connection, wanted, wanted.prefix)
        return by_id + [(f"NOT ({begins[0]}) AND {where}", [*begins[1], *more]) for where, more in named_walks]
    return _walks_by_workflow(connection, wanted, wanted.prefix)


def _unindexed(column: str) -> str:
    """An expression without an index. Before its first analysis, PostgreSQL takes each value for a rare one."""
    return f"{column} || ''"


def _begins(column: str, prefix: str) -> Condition:
    return f"[+]{column} >= ? AND [+]{column} < ?", [prefix, prefix + _LAST]


def _walks_by_workflow(connection: SqlConnection, wanted: JobFilter, prefix: str) -> list[Condition]:
    names = workflows(connection, prefix, PREFIXED_WORKFLOWS + 1)
    if len(names) > PREFIXED_WORKFLOWS:  # a walk over all jobs finds enough of them soon
        condition, values = _begins(_unindexed("workflow_id"), prefix)
        return [(f"{condition} AND {where}", [*values, *more]) for where, more in _each(wanted)]
    chosen = [replace(wanted, workflow_id=name) for name in names if wanted.workflow_id in (None, name)]
    return [walk for one in chosen for walk in _each(one)]


def _each(wanted: JobFilter, *, by_end: bool = False) -> list[Condition]:
    """One walk per value of the filter whose index is walked; the others are tested on each row."""
    first = next((name for name in _narrowest_first(wanted) if _values_of(wanted, name)), None)
    if first == "status" and not by_end:
        chosen = [replace(wanted, statuses=(status,)) for status in dict.fromkeys(wanted.statuses)]
    elif first == "reason" and not by_end:
        chosen = [replace(wanted, reasons=(reason,)) for reason in dict.fromkeys(wanted.reasons)]
    else:
        chosen = [wanted]
    return [_conditions(one, by_end=by_end) for one in chosen]


def _values_of(wanted: JobFilter, column: str) -> tuple[Any, ...]:
    """The values of a filter; empty if any value matches."""
    if column == "status":
        return tuple(dict.fromkeys(wanted.statuses))
    if column == "reason":
        return tuple(dict.fromkeys(wanted.reasons))
    value = getattr(wanted, column)
    return () if value is None else (value,)


def _conditions(wanted: JobFilter, *, by_end: bool) -> Condition:
    """The condition of one walk."""
    conditions: list[str] = ["finished_at IS NOT NULL"] if by_end else []
    values: list[Any] = []
    for name in _narrowest_first(wanted):
        if given := _values_of(wanted, name):
            test = "= ?" if len(given) == 1 else f"IN ({', '.join('?' * len(given))})"
            conditions.append(f"{'[+]' if conditions else ''}{_unindexed(name) if by_end else name} {test}")
            values += given
    if wanted.robot_id is not None:
        conditions.append("[+]status <> 'pending'")  # viewers see no robot at an offered job
    for column, sign, instant in (
        ("[+]submitted_at" if by_end else "submitted_at", ">=", wanted.since),
        ("[+]submitted_at" if by_end else "submitted_at", "<", wanted.until),
        ("finished_at" if by_end else "[+]finished_at", ">=", wanted.ended_since),
        ("finished_at" if by_end else "[+]finished_at", "<", wanted.ended_until),
    ):
        if instant is not None:
            conditions.append(f"{column} {sign} ?")
            values.append(instant)
    if wanted.to_cancel:
        # An expression without an index, or PostgreSQL can read and sort all open jobs.
        conditions.append("finished_at + 0 IS NULL AND [+]cancel_requested_at IS NULL")
    if wanted.to_retry:
        conditions.append(f"[+]finished_at IS NOT NULL AND NOT {_RETRIED}")
    return " AND ".join(conditions) or "true", values


def _narrowest_first(wanted: JobFilter) -> list[str]:
    """Filters by the usual number of matches: few jobs share a failure, robot or workflow; few are open, many ended."""
    ended = any(status in (JobStatus.COMPLETED, JobStatus.FAILED) for status in wanted.statuses)
    common = ("tenant_id", "status") if ended else ("status", "tenant_id")
    return [*_EQUAL[:5], *common]
