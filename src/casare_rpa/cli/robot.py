"""`casare robot`: run a robot here; add, list, edit, drain, resume, restart and delete robots."""

from typing import Annotated

import typer

from casare_rpa.cli import robot_orders, robot_run
from casare_rpa.cli.arguments import RobotId, Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import Column, Kind, console, emit, table

app = CommandGroup(help="Run, add, list, edit, drain, restart and delete robots; allow tags.", no_args_is_help=True)

SHOWN_WORKFLOWS = 3
COLUMNS = (
    Column("ROBOT"),
    Column("NAME", rank=4),
    Column("STATUS"),
    Column("JOB", Kind.JOB, rank=1),
    Column("TAGS", rank=2),
    Column("WORKFLOWS", rank=5),
    Column("LAST HEARTBEAT", Kind.TIME, rank=3),
    Column("DRAINING", rank=1),
)

app.command("run")(robot_run.run)
app.command("edit")(robot_orders.edit)
app.command("drain")(robot_orders.drain)
app.command("resume")(robot_orders.resume)
app.command("restart")(robot_orders.restart)
app.command("delete")(robot_orders.delete)


@app.command()
def add(
    robot_id: Annotated[str, typer.Argument(help="Id of the new robot.")],
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    tenant: Annotated[str, typer.Option(help="Tenant of the robot.")] = "default",
    tag: Annotated[list[str] | None, typer.Option(help="Tag of the robot; repeatable.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Maximum number of concurrent jobs.")] = None,
    url: Url = None,
) -> None:
    """Add a robot, and print how to create its key."""
    body: dict[str, object] = {"robot_id": robot_id, "tenant_id": tenant, "tags": tag or []}
    if name is not None:
        body["name"] = name
    if slots is not None:
        body["max_concurrent_jobs"] = slots
    emit(admin_client(url).create_robot(body))
    console.print(f"{robot_id} added. Create a key for it: casare key create {robot_id}")


@app.command("list")
def list_robots(
    tag: robot_orders.Tags = None,
    state: robot_orders.States = None,
    search: robot_orders.Search = None,
    url: Url = None,
) -> None:
    """List the robots and their current status."""
    listed = admin_client(url).list_robots(tag=tag or (), state=state or (), q=search)
    emit(listed)
    rows = [
        (
            r["robot_id"],
            r["name"],
            r["status"],
            r["current_job"],
            ", ".join([*r["tags"], *(f"{tag} (not allowed)" for tag in r["tags_not_allowed"])]),
            _workflows(r["workflows"]),
            r["last_heartbeat_at"],
            f"by {r['draining']['by']}" if r["draining"] else "",
        )
        for r in listed["items"]
    ]
    table(COLUMNS, rows, "No robots. Add one: casare robot add ROBOT_ID")


def _workflows(listed: list[str] | None) -> str:
    """The first names of a list, and how many more it has."""
    if listed is None:
        return "any"
    more = len(listed) - SHOWN_WORKFLOWS
    shown = ", ".join(listed[:SHOWN_WORKFLOWS]) or "none"
    return f"{shown} and {more} more" if more > 0 else shown


@app.command("allow-tags")
def allow_tags(
    robot_id: RobotId,
    tags: Annotated[list[str], typer.Argument(help="Tags to allow.", metavar="TAG...")],
    url: Url = None,
    *,
    only: Annotated[bool, typer.Option("--only", help="Allow no other tags.")] = False,
) -> None:
    """Allow tags of a robot, so that it gets the jobs that require them."""
    changed = admin_client(url).change_robot(robot_id, {"tags" if only else "add_tags": tags})
    emit(changed)
    console.print(f"{robot_id} has the tags {', '.join(changed['tags'])}")
