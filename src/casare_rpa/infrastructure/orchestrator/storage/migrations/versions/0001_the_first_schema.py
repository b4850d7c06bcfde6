"""The first schema, and the tenant `default`."""

from alembic import op
import sqlalchemy as sa


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('audit_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('at', sa.Integer(), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('audit_id')
    )
    op.create_table('idempotency_keys',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('body_digest', sa.Text(), nullable=False),
    sa.Column('job_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'idempotency_key'),
    sqlite_with_rowid=False
    )
    op.create_table('job_events',
    sa.Column('event_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('job_id', sa.Text(), nullable=False),
    sa.Column('at', sa.Integer(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('robot_id', sa.Text(), nullable=True),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('by', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('event_id')
    )
    with op.batch_alter_table('job_events', schema=None) as batch_op:
        batch_op.create_index('job_events_by_job', ['job_id', 'event_id'], unique=False)

    op.create_table('job_logs',
    sa.Column('log_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('robot_id', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('logged_at', sa.Integer(), nullable=False),
    sa.Column('received_at', sa.Integer(), nullable=False),
    sa.Column('job_id', sa.Text(), nullable=True),
    sa.Column('node_id', sa.Text(), nullable=True),
    sa.Column('truncated', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('log_id')
    )
    with op.batch_alter_table('job_logs', schema=None) as batch_op:
        batch_op.create_index('job_logs_by_job', ['job_id', 'log_id'], unique=False, sqlite_where=sa.text('job_id IS NOT NULL'))

    op.create_table('jobs',
    sa.Column('job_id', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('workflow_id', sa.Text(), nullable=False),
    sa.Column('submitted_at', sa.Integer(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('parameters', sa.Text(), nullable=False),
    sa.Column('tags', sa.Text(), nullable=False),
    sa.Column('target_robot_id', sa.Text(), nullable=True),
    sa.Column('timeout_seconds', sa.Integer(), nullable=False),
    sa.Column('max_attempts', sa.Integer(), nullable=False),
    sa.Column('not_before', sa.Integer(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('starts', sa.Integer(), nullable=False),
    sa.Column('robot_id', sa.Text(), nullable=True),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('former_robots', sa.Text(), nullable=False),
    sa.Column('claim_ack', sa.Integer(), nullable=False),
    sa.Column('offer_expires_at', sa.Integer(), nullable=True),
    sa.Column('lease_expires_at', sa.Integer(), nullable=True),
    sa.Column('deadline_at', sa.Integer(), nullable=True),
    sa.Column('contact_lost_at', sa.Integer(), nullable=True),
    sa.Column('cancel_requested_at', sa.Integer(), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.Column('cancel_for', sa.Text(), nullable=True),
    sa.Column('grace_expires_at', sa.Integer(), nullable=True),
    sa.Column('forced', sa.Integer(), nullable=False),
    sa.Column('unconfirmed', sa.Integer(), nullable=False),
    sa.Column('reconciled', sa.Integer(), nullable=False),
    sa.Column('late_reports', sa.Integer(), nullable=False),
    sa.Column('progress', sa.Float(), nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('started_at', sa.Integer(), nullable=True),
    sa.Column('finished_at', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('placement', sa.Text(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('ready', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('job_id')
    )
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.create_index('jobs_deadlines', ['deadline_at'], unique=False, sqlite_where=sa.text('deadline_at IS NOT NULL AND cancel_requested_at IS NULL'))
        batch_op.create_index('jobs_delayed', ['not_before'], unique=False, sqlite_where=sa.text("ready = 0 AND status = 'pending' AND offer_expires_at IS NULL"))
        batch_op.create_index('jobs_graces', ['grace_expires_at'], unique=False, sqlite_where=sa.text('grace_expires_at IS NOT NULL'))
        batch_op.create_index('jobs_held', ['robot_id'], unique=False, sqlite_where=sa.text('finished_at IS NULL AND robot_id IS NOT NULL'))
        batch_op.create_index('jobs_leases', ['lease_expires_at'], unique=False, sqlite_where=sa.text('lease_expires_at IS NOT NULL'))
        batch_op.create_index('jobs_newest', ['submitted_at', 'job_id'], unique=False)
        batch_op.create_index('jobs_newest_by_robot_id', ['robot_id', 'submitted_at', 'job_id'], unique=False)
        batch_op.create_index('jobs_newest_by_status', ['status', 'submitted_at', 'job_id'], unique=False)
        batch_op.create_index('jobs_newest_by_tenant_id', ['tenant_id', 'submitted_at', 'job_id'], unique=False)
        batch_op.create_index('jobs_newest_by_workflow_id', ['workflow_id', 'submitted_at', 'job_id'], unique=False)
        batch_op.create_index('jobs_offers', ['offer_expires_at'], unique=False, sqlite_where=sa.text('offer_expires_at IS NOT NULL'))
        batch_op.create_index('jobs_open', ['job_id'], unique=False, sqlite_where=sa.text('finished_at IS NULL'))
        batch_op.create_index('jobs_ready', ['placement', 'rank', 'job_id'], unique=False, sqlite_where=sa.text('ready = 1'))

    op.create_table('paused_queues',
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('paused_at', sa.Integer(), nullable=False),
    sa.Column('paused_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('queue')
    )
    op.create_table('robot_keys',
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('robot_id', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Integer(), nullable=False),
    sa.Column('revoked_at', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('key_id')
    )
    with op.batch_alter_table('robot_keys', schema=None) as batch_op:
        batch_op.create_index('robot_keys_by_robot', ['robot_id', 'created_at'], unique=False)

    op.create_table('robots',
    sa.Column('robot_id', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('tags', sa.Text(), nullable=False),
    sa.Column('max_concurrent_jobs', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.Integer(), nullable=False),
    sa.Column('instance_id', sa.Text(), nullable=True),
    sa.Column('said', sa.Text(), nullable=True),
    sa.Column('cpu_percent', sa.Float(), server_default=sa.text('0'), nullable=False),
    sa.Column('memory_mb', sa.Float(), server_default=sa.text('0'), nullable=False),
    sa.Column('last_heartbeat_at', sa.Integer(), nullable=True),
    sa.Column('last_seen_at', sa.Integer(), nullable=True),
    sa.Column('clock_skew_seconds', sa.Float(), nullable=True),
    sa.Column('restart_command_id', sa.Text(), nullable=True),
    sa.Column('restart_requested_at', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('robot_id')
    )
    with op.batch_alter_table('robots', schema=None) as batch_op:
        batch_op.create_index('robots_by_tenant', ['tenant_id', 'robot_id'], unique=False)

    op.create_table('tallies',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'status', 'minute'),
    sqlite_with_rowid=False
    )
    op.create_table('tenants',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id')
    )
    op.execute("INSERT INTO tenants (tenant_id, name, created_at) VALUES ('default', 'Default', 0)")


def downgrade() -> None:
    op.drop_table('tenants')
    op.drop_table('tallies')
    with op.batch_alter_table('robots', schema=None) as batch_op:
        batch_op.drop_index('robots_by_tenant')

    op.drop_table('robots')
    with op.batch_alter_table('robot_keys', schema=None) as batch_op:
        batch_op.drop_index('robot_keys_by_robot')

    op.drop_table('robot_keys')
    op.drop_table('paused_queues')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index('jobs_ready', sqlite_where=sa.text('ready = 1'))
        batch_op.drop_index('jobs_open', sqlite_where=sa.text('finished_at IS NULL'))
        batch_op.drop_index('jobs_offers', sqlite_where=sa.text('offer_expires_at IS NOT NULL'))
        batch_op.drop_index('jobs_newest_by_workflow_id')
        batch_op.drop_index('jobs_newest_by_tenant_id')
        batch_op.drop_index('jobs_newest_by_status')
        batch_op.drop_index('jobs_newest_by_robot_id')
        batch_op.drop_index('jobs_newest')
        batch_op.drop_index('jobs_leases', sqlite_where=sa.text('lease_expires_at IS NOT NULL'))
        batch_op.drop_index('jobs_held', sqlite_where=sa.text('finished_at IS NULL AND robot_id IS NOT NULL'))
        batch_op.drop_index('jobs_graces', sqlite_where=sa.text('grace_expires_at IS NOT NULL'))
        batch_op.drop_index('jobs_delayed', sqlite_where=sa.text("ready = 0 AND status = 'pending' AND offer_expires_at IS NULL"))
        batch_op.drop_index('jobs_deadlines', sqlite_where=sa.text('deadline_at IS NOT NULL AND cancel_requested_at IS NULL'))

    op.drop_table('jobs')
    with op.batch_alter_table('job_logs', schema=None) as batch_op:
        batch_op.drop_index('job_logs_by_job', sqlite_where=sa.text('job_id IS NOT NULL'))

    op.drop_table('job_logs')
    with op.batch_alter_table('job_events', schema=None) as batch_op:
        batch_op.drop_index('job_events_by_job')

    op.drop_table('job_events')
    op.drop_table('idempotency_keys')
    op.drop_table('audit')
