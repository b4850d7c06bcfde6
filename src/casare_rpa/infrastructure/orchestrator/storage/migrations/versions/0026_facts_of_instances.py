"""What each instance writes about itself: its name, version, load and state."""

from alembic import op
import sqlalchemy as sa


revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('instances', sa.Column('facts', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('instances', 'facts')
