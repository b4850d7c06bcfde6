"""Which job a job repeats, and indexes for the search of log lines."""

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('jobs', sa.Column('retry_of', sa.Text(), nullable=True))
    with op.batch_alter_table('job_logs', schema=None) as batch_op:
        batch_op.create_index('job_logs_newest', ['received_at', 'log_id'], unique=False)
        batch_op.create_index('job_logs_newest_by_robot_id', ['robot_id', 'received_at', 'log_id'], unique=False)
        batch_op.create_index('job_logs_newest_by_tenant_id', ['tenant_id', 'received_at', 'log_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('job_logs', schema=None) as batch_op:
        batch_op.drop_index('job_logs_newest_by_tenant_id')
        batch_op.drop_index('job_logs_newest_by_robot_id')
        batch_op.drop_index('job_logs_newest')

    op.drop_column('jobs', 'retry_of')
