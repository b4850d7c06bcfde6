"""`casare robot run`: runs a robot in this process."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.local import absolute_path, data_dir, own_command, secret_url
from casare_rpa.cli.output import is_json, log_json_lines
from casare_rpa.domain.logs import Level
from casare_rpa.robot.file_mode_mask import FILE_MODE_MASK

if TYPE_CHECKING:
    from casare_rpa.robot.agent import RobotOptions


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
    key_file: Annotated[
        Path | None,
        typer.Option(envvar="CASARE_API_KEY_FILE", help="File with the key. Default: the variable CASARE_API_KEY."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder for the journal and the output of jobs.")
    ] = None,
    drain_seconds: Annotated[
        float,
        typer.Option(
            envvar="CASARE_ROBOT_DRAIN_SECONDS",
            min=0,
            help="Time for running jobs to finish after SIGTERM or SIGHUP; then, or on a second signal, they stop.",
        ),
    ] = 30.0,
    keep_output_days: Annotated[
        float,
        typer.Option(envvar="CASARE_ROBOT_OUTPUT_DAYS", min=0, help="Days for which the output of ended jobs is kept."),
    ] = 14.0,
    keep_output_mb: Annotated[
        float,
        typer.Option(
            envvar="CASARE_ROBOT_OUTPUT_MB",
            min=0,
            help="Megabytes of it that are kept; the oldest is removed first.",
        ),
    ] = 2048.0,
    job_users: Annotated[
        str,
        typer.Option(
            envvar="CASARE_JOB_USERS",
            help="Users of the system that run the jobs: one per slot, with commas. Needs root.",
        ),
    ] = "",
    log_level: Annotated[
        Level, typer.Option(envvar="CASARE_LOG_LEVEL", help="Log level.", case_sensitive=False)
    ] = Level.INFO,
    *,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="Stop at the end of stdin, for a program that starts robots.")
    ] = False,
) -> None:
    """Run a robot until SIGTERM or Ctrl-C. Its key is read from --key-file or CASARE_API_KEY."""
    from casare_rpa.robot.agent import RobotOptions
    from casare_rpa.robot.job_users import find_job_users
    from casare_rpa.robot.output_folders import OutputLimits
    from casare_rpa.robot.process_reaper import continue_below_reaper
    from casare_rpa.robot.robot_key import pass_key
    from casare_rpa.robot.run_loop import run_robot

    key = _key(robot_id, key_file)
    options = RobotOptions(
        url=secret_url(url),
        robot_id=robot_id,
        api_key=key,
        workflows=absolute_path(workflows),  # links in it are resolved for each job
        data_dir=(data or data_dir() / "robots" / robot_id).resolve(),
        max_concurrent_jobs=slots,
        tags=tuple(tag or ()),
        name=name,
        log_level=log_level.value,
        drain_seconds=drain_seconds,
        job_users=find_job_users(job_users, slots),
        output=OutputLimits(keep_output_days, keep_output_mb),
        stop_with_stdin=stop_with_stdin,
    )
    again = _arguments(options, url, key_file)
    environment = {} if url else {"CASARE_DATA_DIR": str(absolute_path(data_dir()))}  # where the address is found
    continue_below_reaper()
    if is_json():
        log_json_lines(options.log_level)
    if run_robot(options):
        environment |= {} if key_file is not None else pass_key(key)
        command = own_command(*again)
        FILE_MODE_MASK.restore()
        os.execve(command[0], command, {**os.environ, **environment})  # noqa: S606 - this program again


def _arguments(options: "RobotOptions", url: str | None, key_file: Path | None) -> list[str]:
    """The arguments of a process that replaces this one. Paths are absolute: the working directory may be gone."""
    arguments = ["robot", "run", "--robot-id", options.robot_id, "--name", options.name]
    arguments += ["--workflows", str(options.workflows), "--data-dir", str(options.data_dir)]
    arguments += ["--slots", str(options.max_concurrent_jobs), "--log-level", options.log_level]
    arguments += ["--drain-seconds", str(options.drain_seconds)]
    arguments += ["--keep-output-days", str(options.output.keep_days)]
    arguments += ["--keep-output-mb", str(options.output.keep_mb)]
    arguments += ["--job-users", ",".join(user.name for user in options.job_users)]
    for tag in options.tags:
        arguments += ["--tag", tag]
    arguments += ["--url", url] if url else []
    arguments += ["--key-file", str(absolute_path(key_file))] if key_file is not None else []
    arguments += ["--stop-with-stdin"] if options.stop_with_stdin else []
    return arguments + (["--json"] if is_json() else [])


def _key(robot_id: str, file: Path | None) -> str:
    """The robot's key. Afterwards neither it nor another secret is in the environment."""
    from casare_rpa.robot.robot_key import protect_memory, take_key

    protect_memory()
    try:
        key = take_key(file)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint="--key-file") from None
    except ValueError as error:
        raise typer.BadParameter(f"{file} {error}", param_hint="--key-file") from None
    if not key:
        raise typer.BadParameter(
            f"set it to the key printed by `casare key create {robot_id}`, or name a file with --key-file",
            param_hint="CASARE_API_KEY",
        )
    return key
