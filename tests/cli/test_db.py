"""`casare db restored` and `casare db copy`."""

import asyncio
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from casare_rpa.cli.exits import Exit
from casare_rpa.domain.job_records import StreamState
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from cli.running import WITHIN_SECONDS, casare, document, surroundings
from new_database import new_database
from postgres_server import DEBIAN, free_port, running
from storage.postgres_database import empty_database


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


@pytest.mark.slow
def test_copy_prints_its_progress_and_never_the_password(tmp_path: Path) -> None:
    path, target = new_database(tmp_path), empty_database(DEBIAN)
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("INSERT INTO queues VALUES ('invoices', 1, 'ana')")
    secret = "pa55word-of-the-database"
    url = target.replace("casare@", f"casare:{secret}@")
    copied = casare("db", "copy", f"sqlite:///{path}", url)
    assert copied.returncode == Exit.OK, copied.stderr
    assert "queues: 1 of 1 rows\n" in copied.stdout
    again = casare("db", "copy", f"sqlite:///{path}", url)
    assert again.returncode != Exit.OK
    assert re.search(r"the PostgreSQL database conformance\d+ at 127.0.0.1 has data already \(queues\)", again.stderr)
    wrong = casare("db", "copy", f"sqlite:///{path}", url.replace("postgresql", "mysql"))
    away = casare("db", "copy", f"sqlite:///{path}", f"postgresql://casare:{secret}@127.0.0.1:{free_port()}/casare")
    assert "expected sqlite:///path or postgresql://user@host/database" in wrong.stderr
    assert away.returncode != Exit.OK
    for result in (copied, again, wrong, away):
        assert secret not in result.stdout + result.stderr
    empty_database(DEBIAN)


@pytest.mark.slow
def test_copy_that_was_killed_continues(tmp_path: Path) -> None:
    path, url = new_database(tmp_path), empty_database(DEBIAN)
    with closing(sqlite3.connect(path)) as opened, opened:
        rows = [(f"queue-{number:05}", number, "ana") for number in range(20_000)]
        opened.executemany("INSERT INTO queues VALUES (?, ?, ?)", rows)
    command = [sys.executable, "-m", "casare_rpa.cli.main", "db", "copy", f"sqlite:///{path}", url]
    server, database = running(DEBIAN), url.rpartition("/")[2]
    deadline = time.monotonic() + WITHIN_SECONDS
    with subprocess.Popen(command, env=surroundings(), stdout=subprocess.DEVNULL) as process:
        while server.run_sql("SELECT count(*) FROM queues", database) == "0":
            assert time.monotonic() < deadline
            assert process.poll() is None
        process.kill()
    copied = int(server.run_sql("SELECT count(*) FROM queues", database))
    assert copied % 500 == 0
    document(casare("db", "copy", f"sqlite:///{path}", url, "--json"))
    assert server.run_sql("SELECT count(*), count(DISTINCT queue), sum(created_at) FROM queues", database) == (
        f"20000|20000|{sum(range(20_000))}"
    )
    empty_database(DEBIAN)
