"""The request that submitted a job, in the job's first history entry."""

from alembic import op
import sqlalchemy as sa


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('job_events', sa.Column('request_id', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('job_events', 'request_id')
