"""Every store by name; a second backend is one more line here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore

OPENERS: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "sqlite": lambda folder: SqliteStore.open(folder / "casare.db"),
}


@pytest.fixture(params=OPENERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    opened = await OPENERS[request.param](tmp_path)
    yield opened
    await opened.close()
