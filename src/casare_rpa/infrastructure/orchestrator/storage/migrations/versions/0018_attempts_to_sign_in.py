"""The rate of attempts to sign in."""

from alembic import op
import sqlalchemy as sa


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('login_attempts',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('free_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('account'),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('login_attempts')
