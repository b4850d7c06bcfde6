"""`casare db restored`: positions of viewers do not survive a restored backup."""

import asyncio
from pathlib import Path

import pytest

from casare_rpa.cli.exits import Exit
from casare_rpa.domain.job_records import StreamState
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from cli.running import casare, document
from new_database import new_database


def stream_of(path: Path) -> tuple[StreamState, list[str]]:
    """The stored sequence, and the actions of the audit trail."""

    async def read() -> tuple[StreamState, list[str]]:
        store = await SqliteStore.open(path)
        try:
            return await store.stream(), [entry.action for entry in await store.audit(None, (), 10, None)]
        finally:
            await store.close()

    return asyncio.run(read())


@pytest.mark.slow
def test_restored_database_begins_an_epoch_and_says_so_in_the_audit_trail(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    before, _ = stream_of(path)
    printed = document(casare("db", "restored", "--data-dir", str(tmp_path), "--json"))
    after, actions = stream_of(path)
    assert printed == {"database": str(path.resolve()), "epoch": after.epoch}
    assert after.epoch != before.epoch
    assert actions == ["restore_database"]


@pytest.mark.slow
def test_database_in_use_is_refused(tmp_path: Path) -> None:
    path = new_database(tmp_path)

    async def while_open() -> str:
        store = await SqliteStore.open(path)
        try:
            refused = await asyncio.to_thread(casare, "db", "restored", "--data-dir", str(tmp_path))
        finally:
            await store.close()
        assert refused.returncode != Exit.OK
        return refused.stderr

    assert "is in use by another orchestrator" in asyncio.run(while_open())


@pytest.mark.slow
def test_missing_database_is_not_created(tmp_path: Path) -> None:
    refused = casare("db", "restored", "--data-dir", str(tmp_path))
    assert refused.returncode != Exit.OK
    assert f"there is no database {tmp_path.resolve() / 'casare.db'}" in refused.stderr
    assert not (tmp_path / "casare.db").exists()
