"""The adoption of the robots of dead instances, in steps that any instance can repeat.

    dead instances removed ▶ their jobs lose contact (T15) ▶ leases extended ▶ sessions ended

The sessions are ended last. Until then they are found again, and no instance judges the leases of their robots. So an
instance that is killed between two steps leaves a rest that the next round of any instance completes.
"""

from collections.abc import Sequence

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import held_condition
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import SmallCalls
from casare_rpa.infrastructure.orchestrator.storage.postgres.sessions import end_sessions

AT_ONCE = 500
"""Jobs that lose contact in one write."""
# `OFFSET 0`: one look-up for each robot, not a join of all held jobs with all sessions.
_OF_ENDED = f"""
FROM json_to_recordset($1::json) AS ended (robot_id text, session_id text) CROSS JOIN LATERAL (
    SELECT job_id, jobs.session_id FROM jobs
    WHERE {held_condition("ended.robot_id")}
    OFFSET 0
) AS job
"""  # noqa: S608 - our own names
HELD_IN_SESSIONS = f"SELECT job_id, job.session_id {_OF_ENDED} WHERE job.session_id = ended.session_id ORDER BY job_id"
# Rows are locked in the order of their jobs.
EXTEND_OF_ROBOTS = f"""
WITH held AS MATERIALIZED (SELECT job_id, ended.robot_id {_OF_ENDED} ORDER BY job_id),
locked AS MATERIALIZED (
    SELECT held.job_id FROM held CROSS JOIN LATERAL (
        SELECT 1 FROM jobs
        WHERE jobs.job_id = held.job_id AND jobs.robot_id = held.robot_id AND finished_at IS NULL FOR NO KEY UPDATE
    ) AS found
)
UPDATE jobs SET
    lease_expires_at = CASE WHEN lease_expires_at < $2 THEN $2 ELSE lease_expires_at END,
    offer_expires_at = CASE WHEN offer_expires_at < $2 AND claim_ack = 0 THEN $2 ELSE offer_expires_at END
FROM locked WHERE jobs.job_id = locked.job_id
"""  # noqa: S608 - our own names


class FindHeldJobs(SmallCalls):
    """Finds the jobs that robots hold in these sessions, as (job_id, session_id)."""

    async def execute(
        self, connection: Connection, calls: Sequence[Sequence[SessionKey]]
    ) -> list[list[tuple[str, str]]]:
        return [
            [(row[0], row[1]) for row in await connection.fetch(HELD_IN_SESSIONS, _keys(sessions))]
            for sessions in calls
        ]


class EndAdopted(SmallCalls):
    """Extends the leases and held offers of the robots of sessions to an instant, and ends the sessions."""

    async def execute(
        self, connection: Connection, calls: Sequence[tuple[Sequence[SessionKey], Instant]]
    ) -> list[None]:
        for sessions, until in calls:
            await connection.execute(EXTEND_OF_ROBOTS, _keys(sessions), until)
            await end_sessions(connection, sessions)
        return [None] * len(calls)


def _keys(sessions: Sequence[SessionKey]) -> str:
    return json_parameter([{"robot_id": robot_id, "session_id": session_id} for robot_id, session_id in sessions])
