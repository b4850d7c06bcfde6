"""The instances of the server, and the session of each robot."""

from alembic import op
import sqlalchemy as sa


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('instances',
    sa.Column('instance', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('instance'),
    sqlite_with_rowid=False
    )
    op.create_table('robot_sessions',
    sa.Column('robot_id', sa.Text(), nullable=False),
    sa.Column('instance', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('takeovers', sa.Text(), nullable=False),
    sa.Column('moved_from', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('robot_id'),
    sqlite_with_rowid=False
    )
    op.create_index('robot_sessions_open', 'robot_sessions', ['instance', 'robot_id'], unique=False,
    sqlite_where=sa.text('session_id IS NOT NULL'), postgresql_where=sa.text('session_id IS NOT NULL'))
    op.create_index('robot_sessions_moved', 'robot_sessions', ['moved_from', 'robot_id'], unique=False,
    sqlite_where=sa.text('moved_from IS NOT NULL'), postgresql_where=sa.text('moved_from IS NOT NULL'))


def downgrade() -> None:
    op.drop_table('robot_sessions')
    op.drop_table('instances')
