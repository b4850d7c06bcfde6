"""Notes, owners and mutes of failure groups, and the index of the failures of a group."""

from alembic import op
import sqlalchemy as sa


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('failure_notes',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), server_default=sa.text("''"), nullable=False),
    sa.Column('owner', sa.Text(), server_default=sa.text("''"), nullable=False),
    sa.Column('muted_at', sa.Integer(), nullable=True),
    sa.Column('muted_by', sa.Text(), nullable=True),
    sa.Column('muted_until', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'fingerprint'),
    sqlite_with_rowid=False
    )
    op.create_index(
        'jobs_of_failure_groups', 'jobs', ['fingerprint', 'tenant_id', 'finished_at', 'job_id', 'robot_id'],
        unique=False, sqlite_where=sa.text('fingerprint IS NOT NULL'),
    )


def downgrade() -> None:
    op.drop_index('jobs_of_failure_groups', table_name='jobs')
    op.drop_table('failure_notes')
