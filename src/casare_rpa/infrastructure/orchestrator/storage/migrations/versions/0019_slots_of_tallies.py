"""Each instance counts jobs in a slot of its own."""

from alembic import op
import sqlalchemy as sa


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

TALLIES = ('tenant_id', 'status', 'minute', 'queue')


def upgrade() -> None:
    op.rename_table('tallies', 'tallies_before')
    op.create_table('tallies',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('slot', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint(*TALLIES, 'slot'),
    sqlite_with_rowid=False
    )
    op.execute("INSERT INTO tallies SELECT tenant_id, status, minute, queue, 0, number FROM tallies_before")
    op.drop_table('tallies_before')


def downgrade() -> None:
    op.rename_table('tallies', 'tallies_by_slot')
    op.create_table('tallies',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint(*TALLIES),
    sqlite_with_rowid=False
    )
    op.execute("INSERT INTO tallies SELECT tenant_id, status, minute, queue, sum(number) FROM tallies_by_slot GROUP BY 1, 2, 3, 4")
    op.drop_table('tallies_by_slot')
