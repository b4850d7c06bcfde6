"""Fingerprints that group failures, samples of the queues, and indexes for the queries of a dashboard."""

from alembic import op
import sqlalchemy as sa


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('jobs', sa.Column('fingerprint', sa.Text(), nullable=True))
    op.create_index('jobs_newest_by_fingerprint', 'jobs', ['fingerprint', 'submitted_at', 'job_id'], unique=False, sqlite_where=sa.text('fingerprint IS NOT NULL'))
    op.create_index('jobs_newest_by_reason', 'jobs', ['reason', 'submitted_at', 'job_id'], unique=False, sqlite_where=sa.text('reason IS NOT NULL'))
    op.create_index('jobs_failures', 'jobs', ['finished_at', 'fingerprint', 'tenant_id', 'job_id'], unique=False, sqlite_where=sa.text('fingerprint IS NOT NULL'))
    op.create_index('jobs_unconfirmed', 'jobs', ['finished_at'], unique=False, sqlite_where=sa.text('unconfirmed = 1'))
    op.create_index('jobs_retries', 'jobs', ['retry_of'], unique=False, sqlite_where=sa.text('retry_of IS NOT NULL'))
    op.create_table('queue_samples',
    sa.Column('at', sa.Integer(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('pending', sa.Integer(), nullable=False),
    sa.Column('oldest_wait_seconds', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('at', 'queue'),
    sqlite_with_rowid=False
    )
    op.create_index('audit_by_target', 'audit', ['target', 'audit_id'], unique=False)
    op.create_index('audit_by_action', 'audit', ['action', 'audit_id'], unique=False)


def downgrade() -> None:
    op.drop_index('audit_by_action', 'audit')
    op.drop_index('audit_by_target', 'audit')
    op.drop_table('queue_samples')
    for index in ('retries', 'unconfirmed', 'failures', 'newest_by_reason', 'newest_by_fingerprint'):
        op.drop_index(f'jobs_{index}', 'jobs')
    op.drop_column('jobs', 'fingerprint')
