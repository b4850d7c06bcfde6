"""The index of ended jobs has the order of the list by end: by time, then by id."""

from alembic import op
import sqlalchemy as sa


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('jobs_ended', table_name='jobs')
    op.create_index('jobs_ended', 'jobs', ['finished_at', 'job_id'], unique=False,
    sqlite_where=sa.text('finished_at IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('jobs_ended', table_name='jobs')
    op.create_index('jobs_ended', 'jobs', ['finished_at'], unique=False,
    sqlite_where=sa.text('finished_at IS NOT NULL'))
