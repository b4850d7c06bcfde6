"""A row for each sign-in. Its tokens contain the id of the row."""

from alembic import op
import sqlalchemy as sa


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sessions',
    sa.Column('login_id', sa.Text(), nullable=False),
    sa.Column('username', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=True),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('signed_in_at', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.Integer(), nullable=False),
    sa.Column('made_under', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('login_id')
    )
    op.create_index('sessions_by_expiry', 'sessions', ['expires_at'], unique=False)


def downgrade() -> None:
    op.drop_table('sessions')
