"""Named queues with their own counts, a limit on waiting, robots that drain, numbered log lines."""

from alembic import op
import sqlalchemy as sa


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

TALLIES = ('tenant_id', 'status', 'minute', 'queue')


def upgrade() -> None:
    op.create_table('queues',
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('queue')
    )
    op.add_column('jobs', sa.Column('queue_ttl_seconds', sa.Integer(), nullable=True))
    op.add_column('jobs', sa.Column('queue_expires_at', sa.Integer(), nullable=True))
    op.add_column('jobs', sa.Column('cancel_requested_by', sa.Text(), nullable=True))
    op.add_column('jobs', sa.Column('cancel_sent_at', sa.Integer(), nullable=True))
    op.add_column('jobs', sa.Column('cancel_received_at', sa.Integer(), nullable=True))
    op.create_index('jobs_queue_limits', 'jobs', ['queue_expires_at'], unique=False, sqlite_where=sa.text('queue_expires_at IS NOT NULL'))
    op.create_index('jobs_newest_by_queue', 'jobs', ['queue', 'submitted_at', 'job_id'], unique=False)
    op.create_index('jobs_ended', 'jobs', ['finished_at'], unique=False, sqlite_where=sa.text('finished_at IS NOT NULL'))
    op.create_index('idempotency_keys_by_job', 'idempotency_keys', ['job_id'], unique=False)
    op.add_column('paused_queues', sa.Column('reason', sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column('robots', sa.Column('draining_at', sa.Integer(), nullable=True))
    op.add_column('robots', sa.Column('draining_by', sa.Text(), nullable=True))
    op.add_column('robots', sa.Column('draining_reason', sa.Text(), nullable=True))
    op.add_column('robots', sa.Column('log_journal', sa.Text(), nullable=True))
    op.add_column('robots', sa.Column('log_base', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('robots', sa.Column('log_seq', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('job_logs', sa.Column('seq', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.create_index('job_logs_by_robot', 'job_logs', ['robot_id', 'log_id'], unique=False)
    op.rename_table('tallies', 'tallies_before')
    op.create_table('tallies',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint(*TALLIES),
    sqlite_with_rowid=False
    )
    op.execute("INSERT INTO tallies SELECT tenant_id, status, minute, 'default', number FROM tallies_before")
    op.drop_table('tallies_before')


def downgrade() -> None:
    op.rename_table('tallies', 'tallies_by_queue')
    op.create_table('tallies',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'status', 'minute'),
    sqlite_with_rowid=False
    )
    op.execute("INSERT INTO tallies SELECT tenant_id, status, minute, sum(number) FROM tallies_by_queue GROUP BY 1, 2, 3")
    op.drop_table('tallies_by_queue')
    for column in ('draining_at', 'draining_by', 'draining_reason', 'log_journal', 'log_base', 'log_seq'):
        op.drop_column('robots', column)
    op.drop_index('job_logs_by_robot', 'job_logs')
    op.drop_column('job_logs', 'seq')
    op.drop_column('paused_queues', 'reason')
    op.drop_index('idempotency_keys_by_job', 'idempotency_keys')
    op.drop_index('jobs_ended', 'jobs')
    op.drop_index('jobs_newest_by_queue', 'jobs')
    op.drop_index('jobs_queue_limits', 'jobs')
    for column in ('cancel_requested_by', 'cancel_sent_at', 'cancel_received_at'):
        op.drop_column('jobs', column)
    op.drop_column('jobs', 'queue_expires_at')
    op.drop_column('jobs', 'queue_ttl_seconds')
    op.drop_table('queues')
