"""`casare key`: keys of robots."""

from typing import Annotated

import typer

from casare_rpa.cli.arguments import IdempotencyKey, RobotId, Url
from casare_rpa.cli.batch import once
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table

app = CommandGroup(help="Create, list and revoke keys of robots.", no_args_is_help=True)

COLUMNS = (Column("KEY"), Column("CREATED", Kind.TIME, rank=1), Column("REVOKED", Kind.TIME, rank=1), Column("STATUS"))


@app.command()
def create(robot_id: RobotId, key: IdempotencyKey = None, url: Url = None) -> None:
    """Create a key for a robot and print it. It cannot be shown again."""
    client = admin_client(url)
    created = once(lambda key: client.create_key(robot_id, idempotency_key=key), key)
    emit(created)
    console.print(created["api_key"])


@app.command("list")
def list_keys(robot_id: RobotId, url: Url = None) -> None:
    """List the keys of a robot, without their secrets."""
    listed = admin_client(url).list_keys(robot_id)
    emit(listed)
    rows = [
        (k["key_id"], k["created_at"], k["revoked_at"], "revoked" if k["revoked_at"] else "valid")
        for k in listed["items"]
    ]
    table(COLUMNS, rows, f"No keys. Create one: casare key create {robot_id}")


@app.command()
def revoke(robot_id: RobotId, key_id: Annotated[str, typer.Argument(help="Id of the key.")], url: Url = None) -> None:
    """Revoke a key and close the connections that it opened."""
    admin_client(url).revoke_key(robot_id, key_id)
    emit({"robot_id": robot_id, "key_id": key_id, "revoked": True})
    console.print(f"{key_id} revoked")
