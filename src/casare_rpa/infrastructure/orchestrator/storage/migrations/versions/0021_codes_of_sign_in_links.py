"""A row for each sign-in link that was not used."""

from alembic import op
import sqlalchemy as sa


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sign_in_codes',
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('digest'),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table('sign_in_codes')
