"""The batch command that records heartbeats and renews leases (T8)."""

import sqlite3
from collections.abc import Sequence
from operator import attrgetter

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import LostSession
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite import session_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import columns_of_json, json_rows

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
    f"FROM (SELECT {columns_of_json(_BEAT_COLUMNS)} FROM {json_rows()}) AS new WHERE robots.robot_id = new.robot_id"
)
# T8. Only claimed or running jobs, only by the robot that holds them. A lease never becomes shorter. Frames from
# before a loss of contact, which were written after it, do not regain the contact.
_RENEW = (
    "UPDATE jobs INDEXED BY {} SET lease_expires_at = max(lease_expires_at, new.lease), "  # noqa: S608 - our own names
    "contact_lost_at = iif(contact_lost_at > new.seen_at, contact_lost_at, NULL) "
    f"FROM (SELECT {{}} FROM {json_rows()}) AS new "
    "WHERE finished_at IS NULL AND status IN ('claimed', 'running') AND jobs.robot_id = new.robot_id AND "
)
_ALL_COLUMNS = ("robot_id", "process", "lease", "seen_at")
RENEW_ALL = _RENEW.format("jobs_held", columns_of_json(_ALL_COLUMNS)) + (
    "jobs.robot_id IS NOT NULL AND (jobs.process IS NULL OR jobs.process = new.process)"
)
_LISTED_COLUMNS = ("job_id", "robot_id", "attempt", "lease", "seen_at")
RENEW_LISTED = _RENEW.format("jobs_open", columns_of_json(_LISTED_COLUMNS)) + (
    "jobs.job_id = new.job_id AND jobs.attempt = new.attempt"
)


class RecordHeartbeats:
    """The batch command of `RobotStore.beat`."""

    def execute(self, connection: sqlite3.Connection, calls: Sequence[Sequence[Beat]]) -> list[list[LostSession]]:
        return [self._record(connection, beats) for beats in calls]

    def _record(self, connection: sqlite3.Connection, beats: Sequence[Beat]) -> list[LostSession]:
        lost = session_rows.lost(connection, [(one.robot_id, one.session_id) for one in beats])
        if lost:
            gone = {(one.robot_id, one.session_id) for one in lost}
            beats = [one for one in beats if (one.robot_id, one.session_id) not in gone]
        seen = [[one.robot_id, one.seen_at] for one in beats]
        connection.execute(SEEN, (json_parameter(seen),))
        reported = [_reported_of(one) for one in beats if one.heartbeat_at is not None]
        if reported:
            connection.execute(BEATS, (json_parameter(reported),))
        renewing_all = [[one.robot_id, one.process, _lease_of(one), one.seen_at] for one in beats if one.renew_all]
        if renewing_all:
            connection.execute(RENEW_ALL, (json_parameter(renewing_all),))
        listed = [
            [job_id, one.robot_id, attempt, _lease_of(one), one.seen_at]
            for one in beats
            for job_id, attempt in one.active_jobs
        ]
        if listed:
            connection.execute(RENEW_LISTED, (json_parameter(listed),))
        return lost


def _lease_of(beat: Beat) -> Instant:
    """The end of the leases that it renews."""
    return after(beat.seen_at, LEASE_SECONDS)
