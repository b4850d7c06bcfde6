"""The migrations of a later version: one more expand, and a contract for the versions before it."""

import shutil
from pathlib import Path

from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS

EXPAND = """
from alembic import op
import sqlalchemy as sa

revision = "9001"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("presets", sa.Column("comment", sa.Text(), nullable=False, server_default=""))
"""
CONTRACT = """
from alembic import op

revision = "c9001"
down_revision = None
min_reader = "9001"


def upgrade() -> None:
    op.drop_table("presets")
"""


def add_newer_migrations(folder: Path) -> None:
    """Add both to the migrations in a folder."""
    before = max(file.name[:4] for file in (folder / "versions").glob("*.py"))
    (folder / "versions" / "9001_test_only.py").write_text(EXPAND.format(before=before))
    (folder / "contracts" / "c9001_test_only.py").write_text(CONTRACT)


def newer_migrations(folder: Path) -> Path:
    """A copy of the migrations with both, in a new folder."""
    copy = folder / "newer"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    add_newer_migrations(copy)
    return copy
