"""An older version works on the database of a newer one until that one contracts it."""

import ast
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.infrastructure.orchestrator.storage.migrate import MIGRATIONS
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import contract, migrate
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from storage.newer_version import newer_migrations
from storage.values import START

NOT_AN_EXPAND = {"drop_table", "drop_column", "drop_index", "drop_constraint", "alter_column", "rename_table"}


def schema(path: Path) -> tuple[str, str, str | None]:
    with closing(sqlite3.connect(path)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        (reader, contracted) = connection.execute("SELECT min_reader, contracted FROM schema_info").fetchone()
    return revision, reader, contracted


async def test_older_version_works_on_an_expanded_database(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "casare.db"
    migrate(path, migrations=newer_migrations(tmp_path))
    assert schema(path) == ("9001", "0025", None)
    store = await SqliteStore.open(path)
    await store.pause_queue(PausedQueue("q", START, "ana"), audit=AN_ENTRY)
    assert [queue.queue for queue in await store.paused_queues()] == ["q"]
    await store.close()
    assert "has the schema 9001 of a newer version" in caplog.text
    migrate(path, migrations=tmp_path / "newer")
    assert schema(path) == ("9001", "0025", None), "the newer version starts again and finds its schema"


async def test_older_version_is_refused_after_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    newer = newer_migrations(tmp_path)
    migrate(path)
    assert contract(path, migrations=newer) == ["c9001"], "after the expand"
    assert schema(path) == ("9001", "9001", "c9001")
    assert contract(path, migrations=newer) == [], "once"
    migrate(path, migrations=newer)
    with pytest.raises(StoreUnavailable, match=r"needs the schema 9001, this one knows up to \d{4}"):
        await SqliteStore.open(path)
    with pytest.raises(StoreUnavailable, match="contracted by a newer version"):
        contract(path)


async def test_contract_of_a_database_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    store = await SqliteStore.open(path)
    with pytest.raises(StoreUnavailable, match="in use by another orchestrator"):
        contract(path, migrations=newer_migrations(tmp_path))
    await store.close()
    assert schema(path)[2] is None


def test_contract_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    newer = newer_migrations(tmp_path)
    script = newer / "contracts" / "c9001_test_only.py"
    script.write_text(script.read_text() + '    op.execute("INSERT INTO no_such_table VALUES (1)")\n')
    with pytest.raises(StoreUnavailable, match="no_such_table"):
        contract(path, migrations=newer)
    assert schema(path) == ("9001", "0025", None)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM presets").fetchone() == (0,)


def operations(script: Path) -> set[str]:
    """The names of the functions that `upgrade` of a migration calls."""
    (upgrade,) = [
        node
        for node in ast.parse(script.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    ]
    called = [node.func for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    return {function.attr for function in called if isinstance(function, ast.Attribute)}


def test_migrations_since_the_first_reader_are_expands() -> None:
    """Programs that do not know them must be able to use the database."""
    scripts = [script for script in (MIGRATIONS / "versions").glob("*.py") if script.name[:4] >= "0024"]
    assert scripts
    assert {
        script.name: operations(script) & NOT_AN_EXPAND for script in scripts if operations(script) & NOT_AN_EXPAND
    } == {}


def test_contracts_name_a_reader_that_this_version_has() -> None:
    known = {script.name[:4] for script in (MIGRATIONS / "versions").glob("*.py")}
    for script in (MIGRATIONS / "contracts").glob("c*.py"):
        readers = [line.split("=")[1].strip(" \"'") for line in script.read_text().splitlines() if "min_reader" in line]
        assert set(readers) <= known, script.name
