"""Reads that compare memory with the store.

Each is one statement that returns one row of JSON. A cursor would take and release the GIL for each of ten thousand
rows, and compete with the event loop. Here SQLite builds the text, and msgspec decodes it in one call.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from casare_rpa.domain.stored_state import FleetState, JobRevision, StoppingJobs, StoredHeldJob, StoredProfile
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter

_FLEET_STATE = """
SELECT
    (SELECT json_group_array(json_array(
        robot_id, name, json(tags), max_concurrent_jobs, instance_id, restart_command_id, draining_at))
     FROM robots WHERE {}),
    (SELECT json_group_array(json_array(
        robot_id, job_id, status))
     FROM jobs INDEXED BY jobs_held WHERE finished_at IS NULL AND {})
"""
FLEET_STATE = _FLEET_STATE.format("true", "robot_id IS NOT NULL")
_IN_LIST = "robot_id IN (SELECT value FROM json_each(:robot_ids))"
STATE_OF_SOME = _FLEET_STATE.format(_IN_LIST, _IN_LIST)
# Reads job_events by primary key from one entry on. Entries of these kinds advance a cancel, which has no number.
STOPPING_JOBS = """
SELECT
    (SELECT coalesce(max(event_id), 0) FROM job_events),
    (SELECT json_group_array(json_array(job_id, revision))
     FROM (SELECT DISTINCT job_id AS changed_id FROM job_events NOT INDEXED WHERE event_id > :after
           AND kind IN ('cancel_requested', 'timeout', 'cancel_sent', 'cancel_received'))
     CROSS JOIN jobs ON job_id = changed_id WHERE finished_at IS NULL)
"""
RUNNING_JOBS = """
SELECT json_group_array(json_array(job_id, revision))
FROM jobs INDEXED BY jobs_held WHERE finished_at IS NULL AND robot_id IS NOT NULL AND status = 'running'
"""
NO_EVENT = 2**63 - 1
"""Greater than every entry."""

_profiles = msgspec.json.Decoder(list[StoredProfile])
_held = msgspec.json.Decoder(list[StoredHeldJob])
_revisions = msgspec.json.Decoder(list[JobRevision])


def fleet_state(connection: sqlite3.Connection, robot_ids: Sequence[str] | None) -> FleetState:
    """The state of these robots, or of all."""
    if robot_ids is None:
        robots, held = connection.execute(FLEET_STATE).fetchone()
    else:
        robots, held = connection.execute(STATE_OF_SOME, {"robot_ids": json_parameter(robot_ids)}).fetchone()
    return FleetState(_profiles.decode(robots), _held.decode(held))


def running_jobs(connection: sqlite3.Connection) -> list[JobRevision]:
    return _revisions.decode(connection.execute(RUNNING_JOBS).fetchone()[0])


def stopping_jobs(connection: sqlite3.Connection, after_event_id: int | None) -> StoppingJobs:
    after = NO_EVENT if after_event_id is None else after_event_id
    last, jobs = connection.execute(STOPPING_JOBS, {"after": after}).fetchone()
    return StoppingJobs(last, _revisions.decode(jobs))
