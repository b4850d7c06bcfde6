"""The role of a login session: a view link is the session of a viewer."""

from alembic import op
import sqlalchemy as sa


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sessions', sa.Column('role', sa.Text(), server_default='admin', nullable=False))


def downgrade() -> None:
    op.drop_column('sessions', 'role')
