"""The index of audit entries by time, for a range of them."""

from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('audit_by_time', 'audit', ['at', 'audit_id'], unique=False)


def downgrade() -> None:
    op.drop_index('audit_by_time', table_name='audit')
