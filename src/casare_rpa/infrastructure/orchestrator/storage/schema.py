"""The schema of every backend. Instants are integer microseconds since 1970, JSON is text, truth values are 0 and 1."""

from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Column, ColumnElement, Float, Index, MetaData, Table, TextClause, text
from sqlalchemy.dialects import postgresql

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_fields import JOB_FIELDS, JobField

metadata = MetaData()

Integer = sqlalchemy.Integer().with_variant(BigInteger(), "postgresql")
"""64 bits in each dialect: an instant has more than 32."""
Text = sqlalchemy.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""In the order of bytes in each dialect: keyset pages and ranges of placements rely on it."""
_OFTEN_UPDATED = {
    "fillfactor": 50,
    "autovacuum_vacuum_scale_factor": 0.01,
    "autovacuum_vacuum_cost_delay": 0,
}
"""Room for new versions of a row in its page, and a vacuum before dead versions slow claims down."""


def _partial_index(
    name: str, *columns: Column[Any], where: ColumnElement[bool] | TextClause, unique: bool = False
) -> Index:
    """An index over the rows that match a condition, in each dialect."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
)

robots = Table(
    "robots",
    metadata,
    Column("robot_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("max_concurrent_jobs", Integer),
    Column("created_at", Integer, nullable=False),
    Column("instance_id", Text),
    Column("said", Text),
    Column("cpu_percent", Float, nullable=False, server_default=text("0")),
    Column("memory_mb", Float, nullable=False, server_default=text("0")),
    Column("last_heartbeat_at", Integer),
    Column("last_seen_at", Integer),
    Column("clock_skew_seconds", Float),
    Column("restart_command_id", Text),
    Column("restart_requested_at", Integer),
    Column("draining_at", Integer),
    Column("draining_by", Text),
    Column("draining_reason", Text),
    Column("workflows", Text),
    Column("log_journal", Text),
    Column("log_base", Integer, nullable=False, server_default=text("0")),
    Column("log_seq", Integer, nullable=False, server_default=text("0")),
    Index("robots_by_tenant", "tenant_id", "robot_id"),
    postgresql_with=_OFTEN_UPDATED,
)

robot_keys = Table(
    "robot_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("robot_id", Text, nullable=False),
    Column("tenant_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("revoked_at", Integer),
    Index("robot_keys_by_robot", "robot_id", "created_at"),
)


# The instances of the server that run. A row that is not written for some time is one of a dead instance.
instances = Table(
    "instances",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("seen_at", Integer, nullable=False),
    # `InstanceFacts` as JSON, so that instances of several versions can read and write it.
    Column("facts", Text),
    sqlite_with_rowid=False,
)

# The last session of each robot. `session_id` is null while the robot is not connected.
robot_sessions = Table(
    "robot_sessions",
    metadata,
    Column("robot_id", Text, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("session_id", Text),
    Column("number", Integer, nullable=False),
    Column("takeovers", Text, nullable=False),
    Column("moved_from", Text),
    sqlite_with_rowid=False,
    postgresql_with=_OFTEN_UPDATED,
)
_partial_index(
    "robot_sessions_open",
    robot_sessions.c.instance,
    robot_sessions.c.robot_id,
    where=robot_sessions.c.session_id.is_not(None),
)
_partial_index(
    "robot_sessions_moved",
    robot_sessions.c.moved_from,
    robot_sessions.c.robot_id,
    where=robot_sessions.c.moved_from.is_not(None),
)

health = Table(
    "health",
    metadata,
    Column("health_id", Integer, primary_key=True),
    Column("written_at", Integer, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("login_id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("tenant_id", Text),
    Column("address", Text, nullable=False),
    Column("signed_in_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("made_under", Text, nullable=False),
    Column("ended_at", Integer),
    Column("role", Text, nullable=False, server_default="admin"),
    Index("sessions_by_expiry", "expires_at"),
)

# The tickets that were used. A row is deleted some time after the ticket has expired.
spent_tickets = Table(
    "spent_tickets",
    metadata,
    Column("ticket_id", Text, primary_key=True),
    Column("expires_at", Integer, nullable=False),
    Index("spent_tickets_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# Digests of the codes of sign-in links that were not used.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("expires_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The rate of attempts to sign in, of a bounded number of groups of accounts.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("free_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)


def _job_column(field: JobField) -> Column[Any]:
    """The column of a field of Job. Tuples and enums are text, truth values and instants are integers."""
    kind: Any = {str: Text, int: Integer, bool: Integer, Instant: Integer, float: Float}.get(field.type, Text)
    return Column(field.name, kind, primary_key=field.name == "job_id", nullable=field.optional)


jobs = Table(
    "jobs",
    metadata,
    *map(_job_column, JOB_FIELDS),
    # Read by claims: jobs with the same requirements share a placement, and `ready` jobs can be offered now.
    Column("placement", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("ready", Integer, nullable=False),
    # Groups failures by cause; null unless the job failed.
    Column("fingerprint", Text),
    postgresql_with=_OFTEN_UPDATED,
)
_partial_index("jobs_ready", jobs.c.placement, jobs.c.rank, jobs.c.job_id, where=jobs.c.ready == text("1"))
_partial_index(
    "jobs_delayed",
    jobs.c.not_before,
    where=text("ready = 0 AND status = 'pending' AND offer_expires_at IS NULL"),
)
_partial_index("jobs_held", jobs.c.robot_id, where=text("finished_at IS NULL AND robot_id IS NOT NULL"))
# Cancels that the instance with the connection of the robot must send.
_partial_index(
    "jobs_unsent_cancels",
    jobs.c.robot_id,
    where=text(
        "finished_at IS NULL AND cancel_requested_at IS NOT NULL AND cancel_sent_at IS NULL AND robot_id IS NOT NULL"
    ),
)
_partial_index("jobs_offers", jobs.c.offer_expires_at, where=jobs.c.offer_expires_at.is_not(None))
# Without it, PostgreSQL renews a lease in its page, and finds the few held jobs by `jobs_held`.
_partial_index("jobs_leases", jobs.c.lease_expires_at, where=jobs.c.lease_expires_at.is_not(None)).ddl_if("sqlite")
_partial_index(
    "jobs_deadlines", jobs.c.deadline_at, where=text("deadline_at IS NOT NULL AND cancel_requested_at IS NULL")
)
_partial_index("jobs_graces", jobs.c.grace_expires_at, where=jobs.c.grace_expires_at.is_not(None))
_partial_index("jobs_queue_limits", jobs.c.queue_expires_at, where=jobs.c.queue_expires_at.is_not(None))
_partial_index("jobs_open", jobs.c.job_id, where=jobs.c.finished_at.is_(None))
_partial_index("jobs_ended", jobs.c.finished_at, jobs.c.job_id, where=jobs.c.finished_at.is_not(None))
Index("jobs_newest", jobs.c.submitted_at, jobs.c.job_id)
for _column in ("tenant_id", "status", "robot_id", "workflow_id", "queue"):
    Index(f"jobs_newest_by_{_column}", jobs.c[_column], jobs.c.submitted_at, jobs.c.job_id)

_partial_index(
    "jobs_newest_by_fingerprint",
    jobs.c.fingerprint,
    jobs.c.submitted_at,
    jobs.c.job_id,
    where=jobs.c.fingerprint.is_not(None),
)
_partial_index(
    "jobs_newest_by_reason",
    jobs.c.reason,
    jobs.c.submitted_at,
    jobs.c.job_id,
    where=jobs.c.reason.is_not(None),
)
_partial_index(
    "jobs_failures",
    jobs.c.finished_at,
    jobs.c.fingerprint,
    jobs.c.tenant_id,
    jobs.c.job_id,
    where=jobs.c.fingerprint.is_not(None),
)
_partial_index(
    "jobs_of_failure_groups",
    jobs.c.fingerprint,
    jobs.c.tenant_id,
    jobs.c.finished_at,
    jobs.c.job_id,
    jobs.c.robot_id,
    where=jobs.c.fingerprint.is_not(None),
)
_partial_index("jobs_unconfirmed", jobs.c.finished_at, where=text("unconfirmed = 1"))
_partial_index("jobs_retries", jobs.c.retry_of, where=jobs.c.retry_of.is_not(None))

job_events = Table(
    "job_events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("robot_id", Text),
    Column("session_id", Text),
    Column("by", Text),
    Column("note", Text),
    Column("request_id", Text),
    Column("tenant_id", Text),
    # The numbers of a change that viewers see, and the fields of the job that they see besides the other columns.
    Column("seq", Integer),
    Column("tenant_seq", Integer),
    Column("shown", Text),
    Index("job_events_by_job", "job_id", "event_id"),
)
_partial_index("job_events_by_seq", job_events.c.seq, where=job_events.c.seq.is_not(None), unique=True)
_partial_index(
    "job_events_by_tenant_seq",
    job_events.c.tenant_id,
    job_events.c.tenant_seq,
    where=job_events.c.tenant_seq.is_not(None),
    unique=True,
)

# The newest number of each sequence: `jobs` and `jobs:<tenant>` of changes of jobs, `logs` of log lines. A name of the
# changes that begins with `deleted:` has the greatest number that retention has deleted.
numbers = Table(
    "numbers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last", Integer, nullable=False),
    sqlite_with_rowid=False,
    postgresql_with=_OFTEN_UPDATED,
)

# One row. A position of a viewer counts in one epoch; a restored backup begins another one.
epoch = Table(
    "epoch",
    metadata,
    Column("epoch_id", Integer, primary_key=True),
    Column("epoch", Text, nullable=False),
)

job_logs = Table(
    "job_logs",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("robot_id", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("logged_at", Integer, nullable=False),
    Column("received_at", Integer, nullable=False),
    Column("job_id", Text),
    Column("node_id", Text),
    Column("truncated", Integer, nullable=False),
    Column("seq", Integer, nullable=False, server_default=text("0")),
    Index("job_logs_by_robot", "robot_id", "log_id"),
)
_partial_index("job_logs_by_job", job_logs.c.job_id, job_logs.c.log_id, where=job_logs.c.job_id.is_not(None))
Index("job_logs_newest", job_logs.c.received_at, job_logs.c.log_id)
for _column in ("tenant_id", "robot_id"):
    Index(f"job_logs_newest_by_{_column}", job_logs.c[_column], job_logs.c.received_at, job_logs.c.log_id)

job_steps = Table(
    "job_steps",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("step_id", Integer, primary_key=True),
    Column("parent", Integer),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("revision", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The greatest step id of each attempt, which counts the steps that are not stored too, and the number of its reports.
job_step_totals = Table(
    "job_step_totals",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("total", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The stored bytes of log lines by robot, kept in the transaction that adds or deletes lines.
log_volumes = Table(
    "log_volumes",
    metadata,
    Column("robot_id", Text, primary_key=True),
    Column("bytes", Integer, nullable=False),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("body_digest", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Index("idempotency_keys_by_job", "job_id"),
    sqlite_with_rowid=False,
)

# Each instance counts in its own slot (0 if it is alone), so that instances do not wait for each other's rows. A count
# is the sum over all slots; the number of one slot can be negative.
tallies = Table(
    "tallies",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("minute", Integer, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, server_default=text("0")),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
    postgresql_with=_OFTEN_UPDATED,
)

paused_queues = Table(
    "paused_queues",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("paused_at", Integer, nullable=False),
    Column("paused_by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
)

queues = Table(
    "queues",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("created_at", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
)

queue_samples = Table(
    "queue_samples",
    metadata,
    Column("at", Integer, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("pending", Integer, nullable=False),
    Column("oldest_wait_seconds", Float),
    sqlite_with_rowid=False,
)

failure_notes = Table(
    "failure_notes",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("owner", Text, nullable=False, server_default=text("''")),
    Column("muted_at", Integer),
    Column("muted_by", Text),
    Column("muted_until", Integer),
    Column("changed_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

presets = Table(
    "presets",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    sqlite_with_rowid=False,
)

schema_info = Table(
    "schema_info",
    metadata,
    Column("info_id", Integer, primary_key=True, autoincrement=False),
    Column("min_reader", Text, nullable=False),
    Column("contracted", Text),
)
"""One row: a part of `storage.migrate.StoredSchema`."""

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Integer, primary_key=True, autoincrement=True),
    Column("at", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index("audit_by_target", "target", "audit_id"),
    Index("audit_by_action", "action", "audit_id"),
    Index("audit_by_time", "at", "audit_id"),
)
