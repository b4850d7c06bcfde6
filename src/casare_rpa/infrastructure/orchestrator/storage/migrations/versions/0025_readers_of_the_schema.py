"""Which versions of the program can use the schema."""

from alembic import op
import sqlalchemy as sa


revision = '0025'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    info = op.create_table('schema_info',
    sa.Column('info_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('min_reader', sa.Text(), nullable=False),
    sa.Column('contracted', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('info_id')
    )
    op.bulk_insert(info, [{'info_id': 1, 'min_reader': '0025', 'contracted': None}])


def downgrade() -> None:
    op.drop_table('schema_info')
