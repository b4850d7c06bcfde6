"""The workflows that a robot lists, and the workflow of a job as part of its placement."""

from collections.abc import Callable
import json

from alembic import op
import sqlalchemy as sa


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

OPEN_JOBS = sa.text("SELECT job_id, placement, workflow_id FROM jobs WHERE finished_at IS NULL")
PLACE = sa.text("UPDATE jobs SET placement = :placement WHERE job_id = :job_id")


def upgrade() -> None:
    op.add_column('robots', sa.Column('workflows', sa.Text(), nullable=True))
    # In Python, because SQLite writes JSON text in another form. Ended jobs are not placed again.
    _place(lambda placement, workflow_id: [*placement, workflow_id])


def downgrade() -> None:
    _place(lambda placement, _: placement[:4])
    op.drop_column('robots', 'workflows')


def _place(changed: Callable[[list[object], str], list[object]]) -> None:
    connection = op.get_bind()
    rows = [
        {"job_id": job_id, "placement": json.dumps(changed(json.loads(text), workflow_id), separators=(',', ':'))}
        for job_id, text, workflow_id in connection.execute(OPEN_JOBS)
    ]
    if rows:
        connection.execute(PLACE, rows)
