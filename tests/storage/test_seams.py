"""Only storage/sqlite/ knows SQLite: its driver, its SQL and its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "casare_rpa"
ORCHESTRATOR = SOURCE / "infrastructure" / "orchestrator"
BACKEND = ORCHESTRATOR / "storage" / "sqlite"

SQL_OF_SQLITE = re.compile(
    r"\bPRAGMA\b|\bjson_each\b|\bjson_group_array\b|\bjson_array\b|->>|\bsqlite_(?:master|sequence)\b"
    r"|\bBEGIN IMMEDIATE\b|\bSTRICT\b"
)
DIALECTS = {
    "storage/backends.py": "selects the backend of a URL",
    "storage/statements.py": "compiles a statement for each dialect",
    "storage/schema.py": "has the table and index options of each dialect",
    "settings.py": "checks the URL of the database",
}
"""Modules above storage/sqlite/ that name SQLite; none of them imports its driver or has SQL of it."""


def modules() -> Iterator[Path]:
    """The server's modules above storage/sqlite/; a migration is history, and runs on one backend."""
    for path in sorted(ORCHESTRATOR.rglob("*.py")):
        if not path.is_relative_to(BACKEND) and "versions" not in path.parts:
            yield path


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}"


def code_texts(tree: ast.Module) -> Iterator[str]:
    """Every text of a module except for its docstrings."""
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def violations(source: str, name: str) -> list[str]:
    """What a module knows of SQLite and should not."""
    tree = ast.parse(source)
    found = [f"imports {one}" for one in imported(tree) if one.partition(".")[0] in ("sqlite3", "apsw", "aiosqlite")]
    found += [f"imports {one}" for one in imported(tree) if ".storage.sqlite" in one and name != "storage/backends.py"]
    found += [f"has SQL of SQLite: {text[:60]!r}" for text in code_texts(tree) if SQL_OF_SQLITE.search(text)]
    if name not in DIALECTS:
        found += [f"names SQLite: {text[:60]!r}" for text in code_texts(tree) if "sqlite" in text.lower()]
    return found


@pytest.mark.parametrize("path", [*modules()], ids=lambda path: path.relative_to(ORCHESTRATOR).as_posix())
def test_module_above_the_backend_does_not_know_sqlite(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), path.relative_to(ORCHESTRATOR).as_posix()) == []


def test_every_exception_is_needed() -> None:
    named = {name for name in DIALECTS if "sqlite" in (ORCHESTRATOR / name).read_text(encoding="utf-8").lower()}
    assert named == set(DIALECTS)


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "from sqlite3 import Connection",
        "from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore",
        "SQL = 'SELECT value FROM json_each(?)'",
        "SQL = f'PRAGMA user_version = {1}'",
        "URL = 'sqlite:///x'",
    ],
)
def test_each_violation_is_detected(source: str) -> None:
    assert len(violations(source, "storage/rows.py")) == 1


def test_only_the_composition_root_and_the_backends_name_the_whole_store() -> None:
    whole = ".ports.store"
    naming = {
        path.relative_to(ORCHESTRATOR).as_posix()
        for path in modules()
        if any(one.endswith(whole) for one in imported(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert naming == {"control_plane.py", "storage/backends.py"}
