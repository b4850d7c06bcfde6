"""Lists and counts of jobs by filter. Portable.

A list walks the index of its narrowest filter and tests each row for the other filters. `[+]` keeps SQLite's planner,
which does not know the narrowest filter, from other indexes.
"""

from typing import Any

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, run_text

PREFIXED_WORKFLOWS = 50
_LAST = "\U0010ffff"
_NEWEST_FIRST = "ORDER BY submitted_at DESC, job_id DESC LIMIT ?"
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


def newest(connection: SqlConnection, wanted: JobFilter, limit: int, before: tuple[Instant, str] | None) -> list[Job]:
    """Up to `limit` matching jobs, newest first, after `before`: keyset paging, so added jobs shift no page."""
    found: list[Job] = []
    for where, values in _walks(connection, wanted):
        page = " AND (submitted_at, job_id) < (?, ?)" if before is not None else ""
        sql = f"SELECT {JOB_SELECT} FROM jobs WHERE {where}{page} {_NEWEST_FIRST}"  # noqa: S608 - our own names
        found += [job_of(row) for row in run_text(connection, sql, [*values, *(before or ()), limit])]
    found.sort(key=lambda job: (job.submitted_at, job.job_id), reverse=True)
    return found[:limit]


def count(connection: SqlConnection, wanted: JobFilter, most: int) -> JobCount:
    """The number of matching jobs and of all jobs, each counted up to `most`."""
    matching = _counted(connection, wanted, most)
    total = _counted(connection, JobFilter(tenant_id=wanted.tenant_id), most)
    capped = matching > most or total > most
    return JobCount(min(matching, most), min(total, most), capped)


def _counted(connection: SqlConnection, wanted: JobFilter, most: int) -> int:
    number = 0
    for where, values in _walks(connection, wanted):
        sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs WHERE {where} LIMIT ?) AS matching"  # noqa: S608 - our own names
        number += int(run_text(connection, sql, [*values, most + 1]).fetchone()[0])
    return number


def workflows(connection: SqlConnection, prefix: str, limit: int) -> list[str]:
    """Up to `limit` workflows whose name has the prefix and that have a job, by name."""
    return [row[0] for row in _WORKFLOWS.run(connection, first=prefix, last=prefix + _LAST, most=limit)]


def _walks(connection: SqlConnection, wanted: JobFilter) -> list[Condition]:
    """Walks over an index that together find every matching job once."""
    if wanted.prefix is None:
        return [_conditions(wanted, {})]
    if wanted.prefix.startswith("job-"):
        condition = "[+]job_id >= ? AND [+]job_id < ?"
        values = begins = [wanted.prefix, wanted.prefix + _LAST]
        if len(wanted.prefix) >= len("job-") + 24:  # a whole id
            condition, values = "job_id = ?", [wanted.prefix]
        where, more = _conditions(wanted, {})
        by_id = [(f"{condition} AND {where}", [*values, *more])]
        named = _walks_by_workflow(connection, wanted, wanted.prefix)
        return by_id + [(f"NOT ([+]job_id >= ? AND [+]job_id < ?) AND {w}", [*begins, *v]) for w, v in named]
    return _walks_by_workflow(connection, wanted, wanted.prefix)


def _walks_by_workflow(connection: SqlConnection, wanted: JobFilter, prefix: str) -> list[Condition]:
    names = workflows(connection, prefix, PREFIXED_WORKFLOWS + 1)
    if len(names) > PREFIXED_WORKFLOWS:  # a walk over all jobs finds enough of them soon
        where, more = _conditions(wanted, {})
        return [(f"[+]workflow_id >= ? AND [+]workflow_id < ? AND {where}", [prefix, prefix + _LAST, *more])]
    return [_conditions(wanted, {"workflow_id": name}) for name in names if wanted.workflow_id in (None, name)]


def _conditions(wanted: JobFilter, fixed: dict[str, str]) -> Condition:
    """The condition of one walk; `fixed` replaces filters of `wanted`."""
    given = {name: fixed.get(name, getattr(wanted, name)) for name in _EQUAL}
    conditions: list[str] = []
    values: list[Any] = []
    for name in _narrowest_first(wanted):
        if given[name] is not None:
            conditions.append(f"{'[+]' if conditions else ''}{name} = ?")
            values.append(given[name])
    if wanted.robot_id is not None:
        conditions.append("[+]status <> 'pending'")  # viewers see no robot at an offered job
    for sign, instant in ((">=", wanted.since), ("<", wanted.until)):
        if instant is not None:
            conditions.append(f"submitted_at {sign} ?")
            values.append(instant)
    if wanted.to_cancel:
        conditions.append("[+]finished_at IS NULL AND [+]cancel_requested_at IS NULL")
    if wanted.to_retry:
        conditions.append(f"[+]finished_at IS NOT NULL AND NOT {_RETRIED}")
    return " AND ".join(conditions) or "true", values


def _narrowest_first(wanted: JobFilter) -> list[str]:
    """Filters by the usual number of matches: few jobs share a failure, robot or workflow; few are open, many ended."""
    ended = wanted.status in (JobStatus.COMPLETED, JobStatus.FAILED)
    common = ("tenant_id", "status") if ended else ("status", "tenant_id")
    return [*_EQUAL[:5], *common]
