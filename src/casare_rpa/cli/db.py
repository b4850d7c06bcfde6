"""`casare db`: the database of an orchestrator that does not run."""

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

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


@app.command()
def restored(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Begin new positions of dashboards in a database that was restored from a backup.

    Run it before the orchestrator starts. Each dashboard then loads a snapshot.
    """
    from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, load_settings

    settings = load_settings(config=config, data_dir=data_dir, database_url=database_url)
    path = Path(settings.store_url.removeprefix(SQLITE_SCHEME))
    if not path.is_file():
        raise StoreUnavailable(f"there is no database {path}; name its directory with --data-dir or CASARE_DATA_DIR")
    epoch = asyncio.run(_begin_epoch(settings))
    emit({"database": str(path), "epoch": epoch})
    console.print(f"{path}: positions of dashboards begin again in epoch {epoch}", markup=False)


@app.command()
def contract(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Remove what only older versions of the orchestrator need in the database. They cannot use it afterwards.

    An upgrade keeps these structures, so that the earlier version can be started again.
    """
    from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, load_settings
    from casare_rpa.infrastructure.orchestrator.storage.backends import contract_store

    settings = load_settings(config=config, data_dir=data_dir, database_url=database_url)
    path = Path(settings.store_url.removeprefix(SQLITE_SCHEME))
    if settings.store_url.startswith(SQLITE_SCHEME) and not path.is_file():
        raise StoreUnavailable(f"there is no database {path}; name its directory with --data-dir or CASARE_DATA_DIR")
    done = contract_store(settings.store_url)
    emit({"contracts": done})
    sentence = (
        f"removed: {', '.join(done)}" if done else "nothing to remove: no earlier version needs more than this one"
    )
    console.print(sentence, markup=False)


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
