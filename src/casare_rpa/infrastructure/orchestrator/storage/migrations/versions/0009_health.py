"""The row that the readiness check writes."""

from alembic import op
import sqlalchemy as sa


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('health',
    sa.Column('health_id', sa.Integer(), nullable=False),
    sa.Column('written_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('health_id')
    )


def downgrade() -> None:
    op.drop_table('health')
