"""The `casare` command: one module per noun. Heavy imports are inside the commands, so that --help is fast."""

import sys
from typing import Annotated

import typer

from casare_rpa import __version__
from casare_rpa.cli import (
    apply,
    db,
    doctor,
    failure,
    job,
    key,
    link,
    logs,
    new_secrets,
    preset,
    queue,
    robot,
    serve,
    session,
    status,
    up,
    watch,
)
from casare_rpa.cli.exits import report_errors
from casare_rpa.cli.json_flag import CommandGroup, Json
from casare_rpa.cli.output import console, emit, enable_json
from casare_rpa.cli.streams import make_output_safe
from casare_rpa.robot.file_mode_mask import FILE_MODE_MASK

app = CommandGroup(
    name="casare",
    help="The control plane of a fleet of software robots.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a coloured help page takes 1.5 times as long to appear
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("logs")(logs.logs)
app.command("watch")(watch.watch)
app.command("apply")(apply.apply)
app.add_typer(robot.app, name="robot")
app.add_typer(job.app, name="job")
app.add_typer(failure.app, name="failure")
app.add_typer(queue.app, name="queue")
app.add_typer(preset.app, name="preset")
app.add_typer(db.app, name="db")
app.add_typer(new_secrets.app, name="secrets")
app.add_typer(key.app, name="key")
app.add_typer(link.app, name="link")
app.add_typer(session.app, name="session")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    as_json: Json = False,
) -> None:
    if as_json:
        enable_json()
    if version:
        console.print(f"casare {__version__}")
        emit({"version": __version__})
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.BadParameter("a command is required; see casare --help", param_hint="COMMAND")


def main() -> None:
    """Entry point. Errors are printed as one sentence on stderr, with a documented exit code."""
    FILE_MODE_MASK.make_private()
    make_output_safe()
    sys.exit(report_errors(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
