"""Databases for tests that need an empty store, without running all migrations."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate


@cache
def _template() -> tuple[Path, TemporaryDirectory[str]]:
    folder = TemporaryDirectory(prefix="casare-template-")
    path = Path(folder.name) / "casare.db"
    migrate(path)
    return path, folder


def new_database(folder: Path) -> Path:
    """The path of `casare.db` in a folder: the existing file, or a copy of an empty database of the current schema."""
    path = folder / "casare.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(_template()[0], path)
    return path
