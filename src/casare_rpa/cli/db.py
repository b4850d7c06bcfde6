"""`casare db`: the database of an orchestrator that does not run."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casare_rpa.cli import db_size
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.output import console, emit
from casare_rpa.cli.serve import Config, DatabaseUrl, DataDir
from casare_rpa.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.settings import Settings

app = CommandGroup(
    help="Show the size of the database, or work on it while the orchestrator is stopped.", no_args_is_help=True
)

app.command("size")(db_size.size)

BY = "casare db restored"
PROGRESS_SECONDS = 2.0
"""The time between two lines on one table that is being copied."""


@app.command()
def restored(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Begin new positions of dashboards in a database that was restored from a backup.

    Run it before the orchestrator starts. Each dashboard then loads a snapshot.
    """
    from casare_rpa.infrastructure.orchestrator.settings import read_settings
    from casare_rpa.infrastructure.orchestrator.storage.backends import refuse_instances

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    name = _existing(settings)
    refuse_instances(settings.store_url)
    epoch = asyncio.run(_begin_epoch(settings))
    emit({"database": name, "epoch": epoch})
    console.print(f"{name}: positions of dashboards begin again in epoch {epoch}", markup=False)


@app.command()
def contract(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Remove what only older versions of the orchestrator need in the database. They cannot use it afterwards.

    An upgrade keeps these structures, so that the earlier version can be started again.
    """
    from casare_rpa.infrastructure.orchestrator.settings import read_settings
    from casare_rpa.infrastructure.orchestrator.storage.backends import contract_store

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    _existing(settings)
    done = contract_store(settings.store_url)
    emit({"contracts": done})
    sentence = (
        f"removed: {', '.join(done)}" if done else "nothing to remove: no earlier version needs more than this one"
    )
    console.print(sentence, markup=False)


@app.command()
def copy(
    source: Annotated[str, typer.Argument(help="Database URL: sqlite:///path or postgresql://user@host/database.")],
    target: Annotated[str, typer.Argument(help="URL of an empty database of either kind.")],
) -> None:
    """Copy a whole database into an empty one, and compare both. No orchestrator may use them.

    An interrupted copy continues with the same command. Each dashboard then loads a snapshot.
    """
    from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, is_postgres
    from casare_rpa.infrastructure.orchestrator.storage.backends import copy_store

    for name, url in (("SOURCE", source), ("TARGET", target)):
        if not is_postgres(url) and not url.startswith(SQLITE_SCHEME):
            # A wrong URL can hold a password too, so it is not repeated.
            raise typer.BadParameter("expected sqlite:///path or postgresql://user@host/database", param_hint=name)
    result = copy_store(source, target, _CopyProgress().show)
    rows = sum(result.tables.values())
    emit({"epoch": result.epoch, "rows": rows, "tables": result.tables})
    console.print(
        f"copied and compared: {rows} rows in {len(result.tables)} tables; "
        f"positions of dashboards begin again in epoch {result.epoch}"
    )


class _CopyProgress:
    """Prints how far each table is: when it is complete, and every two seconds."""

    def __init__(self) -> None:
        self._printed_at = time.monotonic()

    def show(self, table: str, done: int, every: int) -> None:
        now = time.monotonic()
        if done == every or now - self._printed_at >= PROGRESS_SECONDS:
            self._printed_at = now
            console.print(f"{table}: {done} of {every} rows")


def _existing(settings: "Settings") -> str:
    """How output calls the database, without a password. Raises StoreUnavailable if a file does not exist."""
    from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, is_postgres

    if is_postgres(settings.store_url):
        return "the PostgreSQL database"
    path = Path(settings.store_url.removeprefix(SQLITE_SCHEME))
    if not path.is_file():
        raise StoreUnavailable(f"there is no database {path}; name its directory with --data-dir or CASARE_DATA_DIR")
    return str(path)


async def _begin_epoch(settings: "Settings") -> str:
    from casare_rpa.domain.audit import NewAudit
    from casare_rpa.infrastructure.orchestrator.clock import StoreClock
    from casare_rpa.infrastructure.orchestrator.storage.backends import open_store
    from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints

    epoch = secrets.token_hex(8)
    store = await open_store(settings.store_url, Failpoints())
    try:
        clock = await StoreClock.of(store)
        await store.begin_epoch(
            epoch, audit=NewAudit(clock.now(), BY, "restore_database", "database", f"epoch {epoch}")
        )
    finally:
        await store.close()
    return epoch
