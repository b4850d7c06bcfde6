"""A row for each ticket that was used."""

from alembic import op
import sqlalchemy as sa


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('spent_tickets',
    sa.Column('ticket_id', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('ticket_id'),
    sqlite_with_rowid=False
    )
    op.create_index('spent_tickets_by_expiry', 'spent_tickets', ['expires_at'], unique=False)


def downgrade() -> None:
    op.drop_table('spent_tickets')
