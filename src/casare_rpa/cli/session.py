"""`casare session`: sign-ins of users."""

from typing import TYPE_CHECKING, Annotated

import typer

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

app = CommandGroup(help="List, end and create sign-ins of users.", no_args_is_help=True)

COLUMNS = (
    Column("SESSION"),
    Column("USER"),
    Column("ADDRESS", rank=1),
    Column("SIGNED IN", Kind.TIME, rank=2),
    Column("EXPIRES", Kind.TIME, rank=3),
)


@app.command("list")
def list_sessions(url: Url = None) -> None:
    """List the sign-ins that have not ended, newest first."""
    listed = admin_client(url).list_sessions()
    emit(listed)
    rows = [(s["session_id"], s["username"], s["address"], s["signed_in_at"], s["expires_at"]) for s in listed["items"]]
    table(COLUMNS, rows, "No user is signed in.")


@app.command()
def link(url: Url = None) -> None:
    """Print an address that signs a browser in once, within ten minutes."""
    client = admin_client(url)
    address = sign_in_address(client)
    emit({"url": address})
    console.print(address)


def sign_in_address(client: "OrchestratorHttpClient") -> str:
    """A new address that signs a browser in once. The code is in the fragment, which browsers do not send."""
    return f"{client.shown_url}/#link={client.create_link()['code']}"


@app.command()
def end(
    session_id: Annotated[str, typer.Argument(help="Id of the session.", metavar="SESSION_ID")], url: Url = None
) -> None:
    """End a sign-in: its tokens become invalid, and its connections are closed."""
    admin_client(url).end_session(session_id)
    emit({"session_id": session_id, "ended": True})
    console.print(f"{session_id} ended")
