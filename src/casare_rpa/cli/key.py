"""`casare key`: the keys with which robots connect."""

from typing import Annotated

import typer

from casare_rpa.cli.job import Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import console, emit, table
from casare_rpa.cli.robot import RobotId

app = CommandGroup(help="Make, list and revoke the keys of robots.", no_args_is_help=True)


@app.command()
def create(robot_id: RobotId, url: Url = None) -> None:
    """Make a key for a robot. It is shown once: keep it, for the orchestrator does not."""
    made = admin_client(url).create_key(robot_id)
    emit(made)
    console.print(made["api_key"])


@app.command("list")
def list_keys(robot_id: RobotId, url: Url = None) -> None:
    """List a robot's keys, without their secrets."""
    listed = admin_client(url).list_keys(robot_id)
    emit(listed)
    rows = [(k["key_id"], k["created_at"], k["revoked_at"] or "valid") for k in listed["items"]]
    table(("KEY", "CREATED", "REVOKED"), rows, f"No keys. Make one: casare key create {robot_id}")


@app.command()
def revoke(robot_id: RobotId, key_id: Annotated[str, typer.Argument(help="The key's id.")], url: Url = None) -> None:
    """Revoke a key; a connection that it opened is closed."""
    admin_client(url).revoke_key(robot_id, key_id)
    emit({"robot_id": robot_id, "key_id": key_id, "revoked": True})
    console.print(f"{key_id} revoked")
