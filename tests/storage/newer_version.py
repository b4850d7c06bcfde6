"""A later version of the program: a greater number, one more expand, and a contract for the versions before it."""

import shutil
from pathlib import Path

from casare_rpa import __version__
from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS

NEWER = "9.0.0"
PACKAGE = Path(__file__).resolve().parents[2] / "src" / "casare_rpa"
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


def make_newer(package: Path) -> None:
    """Turn a copy of the package into the later version."""
    about = package / "__init__.py"
    about.write_text(about.read_text().replace(f'__version__ = "{__version__}"', f'__version__ = "{NEWER}"'))
    add_newer_migrations(package / "infrastructure" / "orchestrator" / "storage" / "migrations")


def newer_source(folder: Path) -> Path:
    """The later version as a source tree in a new folder; returns the path to import it from."""
    shutil.copytree(PACKAGE, folder / "casare_rpa", ignore=shutil.ignore_patterns("_dashboard"))
    make_newer(folder / "casare_rpa")
    return folder
