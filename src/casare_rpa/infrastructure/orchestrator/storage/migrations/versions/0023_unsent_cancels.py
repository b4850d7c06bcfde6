"""An index of cancels that were not sent."""

from alembic import op
import sqlalchemy as sa


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

WHERE = "finished_at IS NULL AND cancel_requested_at IS NOT NULL AND cancel_sent_at IS NULL AND robot_id IS NOT NULL"


def upgrade() -> None:
    op.create_index('jobs_unsent_cancels', 'jobs', ['robot_id'], unique=False,
    sqlite_where=sa.text(WHERE), postgresql_where=sa.text(WHERE))


def downgrade() -> None:
    op.drop_index('jobs_unsent_cancels', table_name='jobs')
