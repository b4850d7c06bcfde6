"""`casare session`: sign-ins of users."""

from typing import Annotated

import typer

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table

app = CommandGroup(help="List and end the sign-ins of users.", no_args_is_help=True)

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
def end(
    session_id: Annotated[str, typer.Argument(help="Id of the session.", metavar="SESSION_ID")], url: Url = None
) -> None:
    """End a sign-in: its tokens become invalid, and its connections are closed."""
    admin_client(url).end_session(session_id)
    emit({"session_id": session_id, "ended": True})
    console.print(f"{session_id} ended")
