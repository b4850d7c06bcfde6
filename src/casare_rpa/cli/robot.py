"""`casare robot`: run one here; add, list, drain, resume and restart those that the orchestrator knows."""

import os
from pathlib import Path
from typing import Annotated

import typer

from casare_rpa.cli.job import Url
from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.local import admin_client, data_dir, orchestrator_url
from casare_rpa.cli.output import console, emit, log_json_lines, speaks_json, table

app = CommandGroup(help="Run a robot; add and list robots.", no_args_is_help=True)

RobotId = Annotated[str, typer.Argument(help="The robot's id.", metavar="ROBOT_ID")]
Reason = Annotated[str, typer.Option(help="Why; kept with who and when.")]
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@app.command()
def run(
    workflows: Annotated[
        Path,
        typer.Option(help="Folder of workflows; a folder's name is its workflow id.", exists=True, file_okay=False),
    ],
    robot_id: Annotated[str, typer.Option("--robot-id", envvar="CASARE_ROBOT_ID", help="Who this robot is.")],
    url: Url = None,
    slots: Annotated[int, typer.Option(min=1, help="Jobs at the same time.")] = 1,
    tag: Annotated[list[str] | None, typer.Option(help="What it can do, may be repeated.")] = None,
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    data: Annotated[Path | None, typer.Option("--data-dir", help="Where the output of jobs goes.")] = None,
    log_level: Annotated[str, typer.Option(envvar="CASARE_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run a robot until Ctrl-C. Its key is read from CASARE_API_KEY, never from the command line."""
    from casare_rpa.robot.agent import RobotOptions, run_robot

    key = os.environ.pop("CASARE_API_KEY", "")  # popped: the workflows that it starts must not see it
    if not key:
        raise typer.BadParameter(
            f"set it to the key that `casare key create {robot_id}` shows", param_hint="CASARE_API_KEY"
        )
    if log_level.upper() not in LOG_LEVELS:
        raise typer.BadParameter(f"one of {', '.join(LOG_LEVELS)} is expected", param_hint="--log-level")
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
    if speaks_json():
        log_json_lines(options.log_level)
    raise typer.Exit(run_robot(options))


@app.command()
def add(
    robot_id: Annotated[str, typer.Argument(help="The new robot's id.")],
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant.")] = "default",
    tag: Annotated[list[str] | None, typer.Option(help="What it can do, may be repeated.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Jobs at the same time, at most.")] = None,
    url: Url = None,
) -> None:
    """Make a robot known, and tell how to connect it."""
    body: dict[str, object] = {"robot_id": robot_id, "tenant_id": tenant, "tags": tag or []}
    if name is not None:
        body["name"] = name
    if slots is not None:
        body["max_concurrent_jobs"] = slots
    emit(admin_client(url).create_robot(body))
    console.print(f"{robot_id} added. Its key: casare key create {robot_id}")


@app.command("list")
def list_robots(url: Url = None) -> None:
    """List the robots and what they do now."""
    listed = admin_client(url).list_robots()
    emit(listed)
    rows = [
        (
            r["robot_id"],
            r["name"],
            r["status"],
            r["current_job"],
            ", ".join(r["tags"]),
            r["last_heartbeat_at"],
            f"by {r['draining']['by']}" if r["draining"] else "",
        )
        for r in listed["items"]
    ]
    table(
        ("ROBOT", "NAME", "STATUS", "JOB", "TAGS", "LAST HEARTBEAT", "DRAINING"),
        rows,
        "No robots. Add one: casare robot add ROBOT_ID",
    )


@app.command()
def drain(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Give a robot no new jobs; those that it holds go on."""
    emit(admin_client(url).order_robot(robot_id, "drain", reason))
    console.print(f"{robot_id} gets no new jobs. Undo it: casare robot resume {robot_id}")


@app.command()
def resume(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Give a robot jobs again."""
    emit(admin_client(url).order_robot(robot_id, "resume", reason))
    console.print(f"{robot_id} gets jobs again")


@app.command()
def restart(robot_id: RobotId, reason: Reason = "", url: Url = None) -> None:
    """Let a robot's process begin anew after its jobs; kept ten minutes for one that is away."""
    emit(admin_client(url).order_robot(robot_id, "restart", reason))
    console.print(f"{robot_id} was asked to restart")
