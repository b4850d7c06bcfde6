"""`casare status`: the instances of the orchestrator."""

from typing import Any

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, console, emit, shown_time, table

COLUMNS = (
    Column("INSTANCE"),
    Column("STATE"),
    Column("ROBOTS"),
    Column("VIEWERS"),
    Column("FEED LAG", rank=1),
    Column("BUS", rank=2),
    Column("STORE", rank=3),
    Column("VERSION", rank=4),
    Column("SCHEMA", rank=6),
    Column("LAST SEEN", rank=5),
    Column("ADDRESS", rank=7),
)


def status(url: Url = None) -> None:
    """List the instances of the orchestrator with their load and state. Exits with 1 while one is silent."""
    import typer

    from casare_rpa.cli.exits import Exit

    listed = admin_client(url).list_instances()
    emit(listed)
    rows = [_row(one) for one in listed["items"]]
    table(COLUMNS, rows, "No instance has described itself yet; try again in 5 seconds.")
    if any(one["bus"] and one["bus"]["kind"] == "alone" for one in listed["items"]):
        console.print("One instance, which has its database for itself.")
    if any(one["state"] == "silent" for one in listed["items"]):
        raise typer.Exit(Exit.FAILED)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    bus = one["bus"] or {"kind": "", "alive": True}
    lag = one["feed_lag_ms"]
    return (
        one["name"] or one["instance_id"],
        one["state"],
        _text(one["robots"]),
        _text(one["viewers"]),
        "" if lag is None else f"{lag:g} ms",
        bus["kind"] if bus["alive"] else f"{bus['kind']}, not connected",
        one["store"] or "",
        one["version"] or "",
        one["schema_revision"] or "",
        shown_time(one["last_seen_at"]),
        one["address"] or "",
    )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
