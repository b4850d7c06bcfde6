"""Presets of workflows."""

from alembic import op
import sqlalchemy as sa


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('presets',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('workflow_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('request', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.Integer(), nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'workflow_id', 'name'),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('presets')
