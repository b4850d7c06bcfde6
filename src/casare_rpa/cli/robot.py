"""`casare robot`: run a robot here; add, list, drain, resume and restart robots."""

import os
from pathlib import Path
from typing import Annotated

import typer

from casare_rpa.cli.job import Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client, data_dir, orchestrator_url
from casare_rpa.cli.output import console, emit, is_json, log_json_lines, table

app = CommandGroup(help="Run, add, list, drain, resume and restart robots.", no_args_is_help=True)

RobotId = Annotated[str, typer.Argument(help="Id of the robot.", metavar="ROBOT_ID")]
Reason = Annotated[str, typer.Option(help="Reason, stored with user and time.")]
SHOWN_WORKFLOWS = 3
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@app.command()
def run(
    workflows: Annotated[
        Path,
        typer.Option(
            help="Folder of workflows; the name of a subfolder is its workflow id.", exists=True, file_okay=False
        ),
    ],
    robot_id: Annotated[str, typer.Option("--robot-id", envvar="CASARE_ROBOT_ID", help="Id of this robot.")],
    url: Url = None,
    slots: Annotated[int, typer.Option(min=1, help="Maximum number of concurrent jobs.")] = 1,
    tag: Annotated[list[str] | None, typer.Option(help="Tag of the robot; repeatable.")] = None,
    name: Annotated[str, typer.Option(help="Display name.")] = "",
    data: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder for the journal and the output of jobs.")
    ] = None,
    log_level: Annotated[
        str, typer.Option(envvar="CASARE_LOG_LEVEL", help="Log level: DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO",
) -> None:
    """Run a robot until Ctrl-C. Its key is read from the environment variable CASARE_API_KEY."""
    from casare_rpa.robot.agent import RobotOptions, run_robot

    key = os.environ.pop("CASARE_API_KEY", "")  # removed from the environment that workflows inherit
    if not key:
        raise typer.BadParameter(
            f"set it to the key printed by `casare key create {robot_id}`", param_hint="CASARE_API_KEY"
        )
    if log_level.upper() not in LOG_LEVELS:
        raise typer.BadParameter(f"expected one of {', '.join(LOG_LEVELS)}", param_hint="--log-level")
    options = RobotOptions(
        url=orchestrator_url(url),
        robot_id=robot_id,
        api_key=key,
        workflows=workflows.resolve(),
        data_dir=(data or data_dir() / "robots" / robot_id).resolve(),
        max_concurrent_jobs=slots,
        tags=tuple(tag or ()),
        name=name,
        log_level=log_level.upper(),
    )
    if is_json():
        log_json_lines(options.log_level)
    raise typer.Exit(run_robot(options))


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
def list_robots(url: Url = None) -> None:
    """List the robots and their current status."""
    listed = admin_client(url).list_robots()
    emit(listed)
    rows = [
        (
            r["robot_id"],
            r["name"],
            r["status"],
            r["current_job"],
            ", ".join(r["tags"]),
            _workflows(r["workflows"]),
            r["last_heartbeat_at"],
            f"by {r['draining']['by']}" if r["draining"] else "",
        )
        for r in listed["items"]
    ]
    table(
        ("ROBOT", "NAME", "STATUS", "JOB", "TAGS", "WORKFLOWS", "LAST HEARTBEAT", "DRAINING"),
        rows,
        "No robots. Add one: casare robot add ROBOT_ID",
    )


def _workflows(listed: list[str] | None) -> str:
    """The first names of a list, and how many more it has."""
    if listed is None:
        return "any"
    more = len(listed) - SHOWN_WORKFLOWS
    shown = ", ".join(listed[:SHOWN_WORKFLOWS]) or "none"
    return f"{shown} and {more} more" if more > 0 else shown


@app.command()
def drain(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Assign no new jobs to a robot. Its current jobs continue."""
    emit(admin_client(url).order_robot(robot_id, "drain", reason))
    console.print(f"{robot_id} gets no new jobs. To undo: casare robot resume {robot_id}")


@app.command()
def resume(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Assign jobs to a drained robot again."""
    emit(admin_client(url).order_robot(robot_id, "resume", reason))
    console.print(f"{robot_id} gets jobs again")


@app.command()
def restart(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Restart the robot's process after its current jobs. Kept for ten minutes when the robot is offline."""
    emit(admin_client(url).order_robot(robot_id, "restart", reason))
    console.print(f"restart of {robot_id} requested")
