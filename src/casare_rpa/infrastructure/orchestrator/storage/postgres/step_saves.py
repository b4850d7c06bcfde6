"""The command that stores the steps of jobs: one statement for the reports that wait."""

from collections.abc import Sequence

from casare_rpa.domain.job_events import Transition
from casare_rpa.domain.steps import StepReport
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection

# Stored if the robot has or had the attempt. A step that has ended stays as it is.
SAVE_STEPS = f"""
WITH reports AS MATERIALIZED (
    SELECT new.place, new.job_id, coalesce(new.attempt, job.attempt) AS attempt, new.last_id, new.steps
    FROM json_to_recordset($1::json)
        AS new (place bigint, job_id text, robot_id text, attempt bigint, last_id bigint, steps json)
    CROSS JOIN LATERAL (SELECT robot_id, attempt FROM jobs WHERE jobs.job_id = new.job_id OFFSET 0) AS job
    WHERE (job.robot_id = new.robot_id AND job.attempt = coalesce(new.attempt, job.attempt)) OR EXISTS (
        SELECT 1 FROM job_events AS offer WHERE offer.job_id = new.job_id AND offer.attempt = new.attempt
            AND offer.robot_id = new.robot_id AND offer.number = '{Transition.OFFERED}')
),
totals AS (
    INSERT INTO job_step_totals AS stored (job_id, attempt, total, revision)
    SELECT job_id, attempt, last_id, 1 FROM reports WHERE last_id > 0
    ON CONFLICT (job_id, attempt)
        DO UPDATE SET total = greatest(stored.total, excluded.total), revision = stored.revision + 1
    RETURNING job_id, attempt, revision
),
saved AS (
    INSERT INTO job_steps AS stored (
        job_id, attempt, revision, step_id, parent, name, kind, status, started_at, ended_at)
    SELECT totals.job_id, totals.attempt, totals.revision, step.* FROM totals
    JOIN reports ON reports.job_id = totals.job_id AND reports.attempt = totals.attempt
    CROSS JOIN LATERAL json_to_recordset(reports.steps) AS step (
        step_id bigint, parent bigint, name text, kind text, status text, started_at bigint, ended_at bigint)
    ON CONFLICT (job_id, attempt, step_id) DO UPDATE SET
        revision = excluded.revision, name = excluded.name, status = excluded.status, ended_at = excluded.ended_at
    WHERE stored.ended_at IS NULL
)
SELECT place FROM reports
"""  # noqa: S608 - our own names


class SaveSteps:
    """The command of `add_steps`."""

    async def execute(self, connection: Connection, calls: Sequence[StepReport]) -> list[bool]:
        accepted: set[int] = set()
        group: dict[str, tuple[int, StepReport]] = {}
        for place, report in enumerate(calls):
            if report.job_id in group:  # a statement changes a row once
                accepted |= await _save(connection, group)
                group = {}
            group[report.job_id] = (place, report)
        accepted |= await _save(connection, group)
        return [place in accepted for place in range(len(calls))]

    def size_of(self, call: StepReport) -> int:
        return sum(len(step.name) for step in call.steps)


async def _save(connection: Connection, group: dict[str, tuple[int, StepReport]]) -> set[int]:
    """Save the reports, one of each job; returns the places of the accepted ones."""
    rows = [
        {
            "place": place,
            "job_id": job_id,
            "robot_id": report.robot_id,
            "attempt": report.attempt,
            "last_id": report.last_id,
            "steps": report.steps,
        }
        for job_id, (place, report) in sorted(group.items())
    ]
    return {row[0] for row in await connection.fetch(SAVE_STEPS, json_parameter(rows))}
