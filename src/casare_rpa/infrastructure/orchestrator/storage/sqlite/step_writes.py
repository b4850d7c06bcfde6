"""The write of the steps of a job."""

import sqlite3

from casare_rpa.domain.job_events import Transition
from casare_rpa.domain.steps import StepReport
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import columns_of_json

_OWNER = "SELECT robot_id, attempt FROM jobs WHERE job_id = ?"
_FORMER_OWNER = "SELECT 1 FROM job_events WHERE job_id = ? AND attempt = ? AND robot_id = ? AND number = ?"
_NEXT_REVISION = (
    "INSERT INTO job_step_totals (job_id, attempt, total, revision) VALUES (?, ?, ?, 1) "
    "ON CONFLICT (job_id, attempt) DO UPDATE SET total = max(total, excluded.total), revision = revision + 1 "
    "RETURNING revision"
)
_COLUMNS = ("step_id", "parent", "name", "kind", "status", "started_at", "ended_at")
# `WHERE true` separates the upsert from a join in SQLite's grammar.
_SAVE = (
    f"INSERT INTO job_steps (job_id, attempt, revision, {', '.join(_COLUMNS)}) "  # noqa: S608 - our own names
    f"SELECT ?, ?, ?, {columns_of_json(_COLUMNS)} FROM json_each(?) WHERE true "
    "ON CONFLICT (job_id, attempt, step_id) DO UPDATE SET revision = excluded.revision, name = excluded.name, "
    "status = excluded.status, ended_at = excluded.ended_at WHERE job_steps.ended_at IS NULL"
)


def add_steps(connection: sqlite3.Connection, report: StepReport) -> bool:
    """Store the steps, if the robot has or had the attempt."""
    owner = connection.execute(_OWNER, (report.job_id,)).fetchone()
    if owner is None:
        return False
    attempt = owner[1] if report.attempt is None else report.attempt
    if owner != (report.robot_id, attempt):
        former = (report.job_id, attempt, report.robot_id, Transition.OFFERED)
        if report.attempt is None or connection.execute(_FORMER_OWNER, former).fetchone() is None:
            return False
    if report.last_id:
        (revision,) = connection.execute(_NEXT_REVISION, (report.job_id, attempt, report.last_id)).fetchone()
        rows = [[getattr(step, name) for name in _COLUMNS] for step in report.steps]
        connection.execute(_SAVE, (report.job_id, attempt, revision, json_parameter(rows)))
    return True
