"""Reads of the numbered changes of jobs, and reads that compare memory with the store. Each is one statement."""

from collections.abc import Iterable, Sequence

import msgspec

from casare_rpa.domain.job_records import ShownChange, ShownChanges, StreamState
from casare_rpa.domain.stored_state import FleetState, JobRevision, StoppingJobs, StoredHeldJob, StoredProfile
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import HELD, held_condition
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection

# A promoted standby begins another timeline. Without synchronous replication it may lack the last changes, so that a
# position counts on one timeline only.
EPOCH = "(SELECT epoch || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM epoch WHERE epoch_id = 1)"
_CHANGES = f"""
SELECT coalesce((SELECT last FROM numbers WHERE name = $2), 0),
    coalesce((SELECT last FROM numbers WHERE name = 'deleted:' || $2), 0), {EPOCH},
    (SELECT '[' || coalesce(string_agg(row, ','), '') || ']' FROM (
        SELECT left(entry.shown, -1) || ',' || substr(json_build_array(entry.job_id, jobs.workflow_id, entry.tenant_id,
            entry.status, entry.attempt, entry.seq, entry.tenant_seq, entry.at)::text, 2) AS row
        FROM {{}} CROSS JOIN LATERAL (SELECT workflow_id FROM jobs WHERE jobs.job_id = entry.job_id) AS jobs
        ORDER BY {{}} LIMIT $3) AS shown)
"""  # noqa: S608 - our own names
# `shown` is an array in JSON; the other values of a change are added to its end, so that one row is one array.
ALL_CHANGES = _CHANGES.format(
    """unnest($1::bigint[], $4::bigint[]) AS gap (first, last) CROSS JOIN LATERAL (
            SELECT * FROM job_events WHERE seq BETWEEN gap.first AND gap.last ORDER BY seq LIMIT $3) AS entry""",
    "entry.seq",
)
CHANGES_OF_TENANT = _CHANGES.format(
    "(SELECT * FROM job_events WHERE tenant_id = $4 AND tenant_seq > $1) AS entry", "entry.tenant_seq"
)
MAX_GAPS = 500
NO_NUMBER = 2**62
"""Greater than each number."""
STREAM = f"SELECT {EPOCH}, (SELECT coalesce(json_object_agg(name, last), '{{}}') FROM numbers)"  # noqa: S608
_FLEET_STATE = """
SELECT (SELECT coalesce(json_agg(json_build_array(
        robot_id, name, tags::json, max_concurrent_jobs, instance_id, restart_command_id, draining_at)), '[]')
     FROM robots WHERE {}),
    (SELECT coalesce(json_agg(json_build_array(robot_id, job_id, status)), '[]') FROM {})
"""
FLEET_STATE = _FLEET_STATE.format("true", f"jobs WHERE {HELD}")
# `OFFSET 0`: one look-up for each robot.
STATE_OF_SOME = _FLEET_STATE.format(
    "robot_id = ANY($1::text[])",
    f"""(SELECT DISTINCT unnest($1::text[]) AS wanted_id) AS wanted CROSS JOIN LATERAL (
        SELECT robot_id, job_id, status FROM jobs WHERE {held_condition("wanted_id")} OFFSET 0) AS held""",  # noqa: S608
)
RUNNING_JOBS = f"""
SELECT coalesce(json_agg(json_build_array(job_id, revision)), '[]') FROM jobs WHERE {HELD} AND status = 'running'
"""  # noqa: S608 - our own names
OVERLAP = 10_000
"""Ids of entries are given before their commit, so that a smaller one can become visible later. Each read repeats these
entries, more than all instances write at a time; a job that was compared before costs nothing."""
# The order of the entries: the one of their jobs, which makes them distinct, has an index that is read as a whole.
STOPPING_JOBS = f"""
SELECT (SELECT coalesce(max(event_id), 0) FROM job_events),
    (SELECT coalesce(json_agg(json_build_array(job_id, revision)), '[]') FROM (
        SELECT DISTINCT job_id AS changed_id FROM (
            SELECT job_id FROM job_events WHERE event_id > $1::bigint - {OVERLAP}
            AND kind IN ('cancel_requested', 'timeout', 'cancel_sent', 'cancel_received')
            ORDER BY event_id OFFSET 0) AS entry) AS changed
     CROSS JOIN LATERAL (
        SELECT job_id, revision FROM jobs WHERE job_id = changed_id AND finished_at IS NULL) AS stopping)
"""  # noqa: S608 - our own names
NO_EVENT = 2**62

_changes = msgspec.json.Decoder(list[ShownChange])
_profiles = msgspec.json.Decoder(list[StoredProfile])
_held = msgspec.json.Decoder(list[StoredHeldJob])
_revisions = msgspec.json.Decoder(list[JobRevision])


def changes_after(
    connection: SqlConnection, tenant_id: str | None, after: int, limit: int, known: Sequence[int] = ()
) -> ShownChanges:
    """Up to `limit` changes after a number, of a tenant or of all. Most of the `known` ones, in order, are left out."""
    if tenant_id is None:
        first, last = zip(*_gaps(after, known), strict=True)
        row = connection.execute(ALL_CHANGES, (first, "jobs", limit, last)).fetchone()
    else:
        row = connection.execute(CHANGES_OF_TENANT, (after, f"jobs:{tenant_id}", limit, tenant_id)).fetchone()
    newest, deleted, epoch, encoded = row
    return ShownChanges(newest, deleted, epoch, _changes.decode(encoded))


def _gaps(after: int, known: Iterable[int]) -> list[tuple[int, int]]:
    """The ranges of numbers after `after` that are not known. The last one has no end, also if it is one too many."""
    gaps: list[tuple[int, int]] = []
    first = after + 1
    for number in known:
        if number > first:
            if len(gaps) == MAX_GAPS - 1:
                break
            gaps.append((first, number - 1))
        first = max(first, number + 1)
    return [*gaps, (first, NO_NUMBER)]


def stream(connection: SqlConnection) -> StreamState:
    """The epoch and the newest numbers."""
    epoch, encoded = connection.execute(STREAM).fetchone()
    numbers: dict[str, int] = msgspec.json.decode(encoded)
    tenants = {name.removeprefix("jobs:"): last for name, last in numbers.items() if name.startswith("jobs:")}
    return StreamState(epoch, numbers.get("jobs", 0), tenants)


def fleet_state(connection: SqlConnection, robot_ids: Sequence[str] | None) -> FleetState:
    """The state of these robots, or of all."""
    statement, values = (FLEET_STATE, ()) if robot_ids is None else (STATE_OF_SOME, (list(robot_ids),))
    robots, held = connection.execute(statement, values).fetchone()
    return FleetState(_profiles.decode(robots), _held.decode(held))


def running_jobs(connection: SqlConnection) -> list[JobRevision]:
    return _revisions.decode(connection.execute(RUNNING_JOBS).fetchone()[0])


def stopping_jobs(connection: SqlConnection, after_event_id: int | None) -> StoppingJobs:
    after = NO_EVENT if after_event_id is None else after_event_id
    last, jobs = connection.execute(STOPPING_JOBS, (after,)).fetchone()
    return StoppingJobs(last, _revisions.decode(jobs))
