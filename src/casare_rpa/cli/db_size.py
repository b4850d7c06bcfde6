"""`casare db size`: the tables of the database, and what retention will delete."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from casare_rpa.cli.output import Column, console, emit, table
from casare_rpa.cli.serve import Config, DatabaseUrl, DataDir

if TYPE_CHECKING:
    from casare_rpa.domain.store_facts import DatabaseSize, TableSize
    from casare_rpa.infrastructure.orchestrator.maintenance.retention_forecast import LogBytes, RetainedRows
    from casare_rpa.infrastructure.orchestrator.settings import Settings

UNIT = 1024
TABLES = (Column("TABLE"), Column("ROWS"), Column("SIZE"))
RETENTION = (Column("KIND"), Column("ROWS"), Column("TO DELETE"), Column("LIMITS"))


def size(data_dir: DataDir = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Show the tables with rows and size, and what retention will delete. The orchestrator may run meanwhile."""
    from casare_rpa.infrastructure.orchestrator.settings import read_settings

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    found, rows, logs = asyncio.run(_read(settings))
    emit(
        {
            "total_bytes": found.total_bytes,
            "free_bytes": found.free_bytes,
            "tables": [asdict(one) for one in found.tables],
            "retention": [{**asdict(one), "kind": one.kind.value, "freed": one.freed} for one in rows],
            "log_bytes": asdict(logs),
        }
    )
    _show(found, rows, logs)


async def _read(settings: "Settings") -> "tuple[DatabaseSize, list[RetainedRows], LogBytes]":
    from casare_rpa.infrastructure.orchestrator.clock import SystemClock
    from casare_rpa.infrastructure.orchestrator.maintenance.retention_forecast import log_bytes, retained_rows
    from casare_rpa.infrastructure.orchestrator.storage.backends import open_sizes

    store = open_sizes(settings.store_url)
    try:
        now = SystemClock().now()
        return await store.sizes(), await retained_rows(store, settings, now), await log_bytes(store, settings)
    finally:
        await store.close()


def _show(found: "DatabaseSize", rows: "list[RetainedRows]", logs: "LogBytes") -> None:
    largest = sorted(found.tables, key=lambda one: (-one.bytes, one.name))
    about = any(one.rows_estimated or one.bytes_estimated for one in found.tables)
    table(TABLES, [_table(one) for one in largest], "No tables.")
    free = f", {_bytes(found.free_bytes)} of them free for new rows" if found.free_bytes else ""
    console.print(f"Total {_bytes(found.total_bytes)}{free}.")
    if about:
        console.print("~: an estimate from a sample of rows, or from the statistics of the database.")
    console.print()
    table(RETENTION, [_retained(one) for one in rows], "")
    over = f", {_bytes(logs.surplus)} to delete" if logs.surplus else ""
    console.print(f"Log lines take {_bytes(logs.stored)} of at most {_bytes(logs.limit)}{over}.")
    console.print("Retention runs every 10 minutes in the orchestrator. A deleted job takes its log lines with it.")


def _table(one: "TableSize") -> tuple[Any, ...]:
    rows = f"{_mark(one.rows_estimated)}{one.rows:,}"
    return one.name, rows, f"{_mark(one.bytes_estimated)}{_bytes(one.bytes)}"


def _retained(one: "RetainedRows") -> tuple[Any, ...]:
    limits = f"{one.limit_days} days ({one.expired:,} older), {one.limit_rows:,} rows ({one.surplus:,} more)"
    return one.kind.value, f"{one.stored:,}", f"{one.freed:,}", limits


def _mark(estimated: bool) -> str:
    return "~" if estimated else ""


def _bytes(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < UNIT:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= UNIT
    return f"{number:.1f} TiB"
