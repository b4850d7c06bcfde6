"""The command that records heartbeats and renews leases (T8): one statement for the beats of all calls that wait.

A renewed lease changes no index, so its row stays in its page: see `jobs_leases` in schema.py.
"""

from collections.abc import Iterable, Iterator, Sequence

from casare_rpa.domain.instants import after
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import LostSession
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import held_condition
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import SmallCalls

# The rows of $1 are sorted by robot, and those of `held` by job: rows are locked in this order. Only claimed or running
# jobs, only by the robot that holds them. A lease never becomes shorter. Frames from before a loss of contact, which
# were written after it, do not regain the contact. The conditions are tested again after a row was locked, because
# another statement may have changed it meanwhile. `OFFSET 0`: one look-up for each robot, not a join of all held jobs
# with all beats.
RECORD_BEATS = f"""
WITH beats AS MATERIALIZED (
    SELECT new.*, newest.open,
        newest.robot_id IS NOT NULL AND newest.session_id IS DISTINCT FROM new.session_id AS lost
    FROM json_to_recordset($1::json) AS new (
        robot_id text, session_id text, seen_at bigint, lease bigint, process text, every_job boolean, named json,
        reported boolean, said text, cpu float8, memory float8, heartbeat_at bigint, skew float8)
    LEFT JOIN LATERAL (
        SELECT robot_id, session_id, session_id IS NOT NULL AS open
        FROM robot_sessions WHERE robot_sessions.robot_id = new.robot_id
    ) AS newest ON true
),
seen AS MATERIALIZED (
    SELECT beats.* FROM beats CROSS JOIN LATERAL (
        SELECT 1 FROM robots WHERE robots.robot_id = beats.robot_id FOR NO KEY UPDATE
    ) AS locked WHERE NOT lost
),
noted AS (
    UPDATE robots SET last_seen_at = seen.seen_at,
        said = CASE WHEN reported THEN seen.said ELSE robots.said END,
        cpu_percent = CASE WHEN reported THEN seen.cpu ELSE cpu_percent END,
        memory_mb = CASE WHEN reported THEN seen.memory ELSE memory_mb END,
        last_heartbeat_at = CASE WHEN reported THEN seen.heartbeat_at ELSE last_heartbeat_at END,
        clock_skew_seconds = CASE WHEN reported THEN seen.skew ELSE clock_skew_seconds END
    FROM seen WHERE robots.robot_id = seen.robot_id
),
held AS MATERIALIZED (
    SELECT job.job_id, beats.robot_id, job.attempt, beats.lease, beats.seen_at
    FROM beats CROSS JOIN LATERAL (
        SELECT job_id, attempt FROM jobs
        WHERE {held_condition("beats.robot_id")}
            AND status IN ('claimed', 'running') AND (jobs.process IS NULL OR jobs.process = beats.process)
        OFFSET 0
    ) AS job WHERE every_job AND NOT lost
    UNION
    SELECT job.job_id, beats.robot_id, job.attempt, beats.lease, beats.seen_at
    FROM beats CROSS JOIN LATERAL json_to_recordset(beats.named) AS job (job_id text, attempt bigint) WHERE NOT lost
    ORDER BY job_id
),
locked AS MATERIALIZED (
    SELECT held.* FROM held CROSS JOIN LATERAL (
        SELECT 1 FROM jobs
        WHERE jobs.job_id = held.job_id AND finished_at IS NULL AND status IN ('claimed', 'running')
            AND jobs.robot_id = held.robot_id AND jobs.attempt = held.attempt FOR NO KEY UPDATE
    ) AS found
),
renewed AS (
    UPDATE jobs SET
        lease_expires_at = CASE WHEN lease_expires_at < locked.lease THEN locked.lease ELSE lease_expires_at END,
        contact_lost_at = CASE WHEN contact_lost_at > locked.seen_at THEN contact_lost_at END
    FROM locked WHERE jobs.job_id = locked.job_id
)
SELECT robot_id, session_id, open FROM beats WHERE lost
"""  # noqa: S608 - our own names
Calls = Sequence[Sequence[Beat]]


class RecordBeats(SmallCalls):
    """The command of `RobotStore.beat`."""

    async def execute(self, connection: Connection, calls: Calls) -> list[list[LostSession]]:
        lost: dict[tuple[str, str], bool] = {}
        for beats in _rounds(beat for call in calls for beat in call):
            rows = json_parameter([_row_of(beats[robot_id]) for robot_id in sorted(beats)])
            for robot_id, session_id, moved in await connection.fetch(RECORD_BEATS, rows):
                lost[robot_id, session_id] = moved
        return [[*_lost_of(call, lost)] for call in calls]


def _lost_of(call: Iterable[Beat], lost: dict[tuple[str, str], bool]) -> Iterator[LostSession]:
    if lost:
        for beat in call:
            key = (beat.robot_id, beat.session_id)
            if key in lost:
                yield LostSession(*key, lost[key])


def _rounds(beats: Iterable[Beat]) -> Iterator[dict[str, Beat]]:
    """The beats in groups that name each robot once: a statement changes a row once."""
    group: dict[str, Beat] = {}
    for beat in beats:
        if beat.robot_id in group:
            yield group
            group = {}
        group[beat.robot_id] = beat
    if group:
        yield group


def _row_of(beat: Beat) -> dict[str, object]:
    row: dict[str, object] = {
        "robot_id": beat.robot_id,
        "session_id": beat.session_id,
        "seen_at": beat.seen_at,
        "lease": after(beat.seen_at, LEASE_SECONDS),
        "process": beat.process,
        "every_job": beat.renew_all,
        "named": [{"job_id": job_id, "attempt": attempt} for job_id, attempt in beat.active_jobs],
        "reported": beat.heartbeat_at is not None,
    }
    if beat.heartbeat_at is not None:
        row |= {
            "said": beat.reported_status,
            "cpu": beat.cpu_percent,
            "memory": beat.memory_mb,
            "heartbeat_at": beat.heartbeat_at,
            "skew": beat.clock_skew_seconds,
        }
    return row
