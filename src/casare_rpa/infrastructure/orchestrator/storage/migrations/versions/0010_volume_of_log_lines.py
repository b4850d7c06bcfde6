"""The stored bytes of log lines by robot."""

from alembic import op
import sqlalchemy as sa


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('log_volumes',
    sa.Column('robot_id', sa.Text(), nullable=False),
    sa.Column('bytes', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('robot_id'),
    sqlite_with_rowid=False
    )
    op.execute(
        'INSERT INTO log_volumes (robot_id, bytes) '
        'SELECT robot_id, sum(length(CAST(message AS BLOB)) + 256) FROM job_logs GROUP BY robot_id'
    )


def downgrade() -> None:
    op.drop_table('log_volumes')
