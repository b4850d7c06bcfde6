"""The process that a job was given to, and the robot whose expired offer still counts."""

from alembic import op
import sqlalchemy as sa


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('jobs', sa.Column('withdrawn_from', sa.Text(), nullable=True))
    op.add_column('jobs', sa.Column('process', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('jobs', 'process')
    op.drop_column('jobs', 'withdrawn_from')
