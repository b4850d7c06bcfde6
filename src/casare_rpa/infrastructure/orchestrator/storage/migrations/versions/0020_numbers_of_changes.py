"""Numbers of changes and log lines, and the epoch. Older changes have no numbers."""

import secrets

from alembic import op
import sqlalchemy as sa


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (('tenant_id', sa.Text()), ('seq', sa.Integer()), ('tenant_seq', sa.Integer()), ('shown', sa.Text())):
        op.add_column('job_events', sa.Column(name, kind, nullable=True))
    op.create_index(
        'job_events_by_seq', 'job_events', ['seq'], unique=True,
        sqlite_where=sa.text('seq IS NOT NULL'), postgresql_where=sa.text('seq IS NOT NULL')
    )
    op.create_index(
        'job_events_by_tenant_seq', 'job_events', ['tenant_id', 'tenant_seq'], unique=True,
        sqlite_where=sa.text('tenant_seq IS NOT NULL'), postgresql_where=sa.text('tenant_seq IS NOT NULL')
    )
    op.create_table('numbers',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name'),
    sqlite_with_rowid=False
    )
    op.execute("INSERT INTO numbers (name, last) SELECT 'logs', coalesce(max(log_id), 0) FROM job_logs")
    op.create_table('epoch',
    sa.Column('epoch_id', sa.Integer(), nullable=False),
    sa.Column('epoch', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('epoch_id')
    )
    op.execute(sa.text('INSERT INTO epoch (epoch_id, epoch) VALUES (1, :epoch)').bindparams(epoch=secrets.token_hex(8)))


def downgrade() -> None:
    op.drop_table('epoch')
    op.drop_table('numbers')
    op.drop_index('job_events_by_tenant_seq', table_name='job_events')
    op.drop_index('job_events_by_seq', table_name='job_events')
    for name in ('shown', 'tenant_seq', 'seq', 'tenant_id'):
        op.drop_column('job_events', name)
