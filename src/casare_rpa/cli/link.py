"""`casare link`: addresses that sign browsers in for reading only."""

from typing import Annotated

import typer

from casare_rpa.cli.arguments import IdempotencyKey, Url
from casare_rpa.cli.batch import once
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table

app = CommandGroup(help="Create, list and revoke read-only links, for screens on a wall.", no_args_is_help=True)

COLUMNS = (
    Column("LINK"),
    Column("NAME"),
    Column("CREATED", Kind.TIME, rank=1),
    Column("EXPIRES", Kind.TIME, rank=1),
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Where the screen is, such as lobby.")],
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days until the link expires.")] = 365,
    key: IdempotencyKey = None,
    url: Url = None,
) -> None:
    """Create a read-only link and print its address. It cannot be shown again."""
    client = admin_client(url)
    created = once(lambda key: client.create_view_link(name, days, idempotency_key=key), key)
    address = f"{client.shown_url}/#link={created['code']}"
    emit({**created, "url": address})
    console.print(address)


@app.command("list")
def list_links(url: Url = None) -> None:
    """List the read-only links that are neither revoked nor expired, newest first."""
    listed = admin_client(url).list_view_links()
    emit(listed)
    rows = [(one["link_id"], one["name"], one["created_at"], one["expires_at"]) for one in listed["items"]]
    table(COLUMNS, rows, "No links. Create one: casare link create lobby")


@app.command()
def revoke(link_id: Annotated[str, typer.Argument(help="Id of the link.", metavar="LINK_ID")], url: Url = None) -> None:
    """Revoke a read-only link and close the connections of its screens."""
    admin_client(url).revoke_view_link(link_id)
    emit({"link_id": link_id, "revoked": True})
    console.print(f"{link_id} revoked")
