"""The batch command that records heartbeats and renews leases (T8)."""

import sqlite3
from collections.abc import Sequence
from operator import attrgetter

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_records import Beat
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import columns_of_json, json_parameter

SEEN = (
    "UPDATE robots SET last_seen_at = new.seen_at "
    "FROM (SELECT value ->> 0 AS robot_id, value ->> 1 AS seen_at FROM json_each(?)) AS new "
    "WHERE robots.robot_id = new.robot_id"
)
_BEAT_COLUMNS = ("robot_id", "said", "cpu_percent", "memory_mb", "last_heartbeat_at", "clock_skew_seconds")
_reported_of = attrgetter(
    "robot_id", "reported_status", "cpu_percent", "memory_mb", "heartbeat_at", "clock_skew_seconds"
)
BEATS = (
    f"UPDATE robots SET {', '.join(f'{name} = new.{name}' for name in _BEAT_COLUMNS[1:])} "  # noqa: S608
    f"FROM (SELECT {columns_of_json(_BEAT_COLUMNS)} FROM json_each(?)) AS new WHERE robots.robot_id = new.robot_id"
)
# T8. Only claimed or running jobs, only by the robot that holds them. A lease never becomes shorter.
_RENEW = (
    "UPDATE jobs INDEXED BY {} SET lease_expires_at = max(lease_expires_at, ?1), contact_lost_at = NULL "
    "WHERE finished_at IS NULL AND status IN ('claimed', 'running') AND "
)
RENEW_ALL = _RENEW.format("jobs_held") + (  # noqa: S608
    "robot_id IS NOT NULL AND robot_id IN (SELECT value ->> 0 FROM json_each(?2)) "
    "AND (process IS NULL OR (robot_id, process) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2)))"
)
RENEW_LISTED = _RENEW.format("jobs_open") + (  # noqa: S608
    "(job_id, robot_id, attempt) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2))"
)


class RecordHeartbeats:
    """The batch command of `RobotStore.beat`."""

    def execute(self, connection: sqlite3.Connection, calls: Sequence[tuple[Sequence[Beat], Instant]]) -> list[None]:
        for beats, lease_expires_at in calls:
            seen = [[one.robot_id, one.seen_at] for one in beats]
            connection.execute(SEEN, (json_parameter(seen),))
            reported = [_reported_of(one) for one in beats if one.heartbeat_at is not None]
            if reported:
                connection.execute(BEATS, (json_parameter(reported),))
            renewing_all = [[one.robot_id, one.process] for one in beats if one.renew_all]
            if renewing_all:
                connection.execute(RENEW_ALL, (lease_expires_at, json_parameter(renewing_all)))
            listed = [[job_id, one.robot_id, attempt] for one in beats for job_id, attempt in one.active_jobs]
            if listed:
                connection.execute(RENEW_LISTED, (lease_expires_at, json_parameter(listed)))
        return [None] * len(calls)
