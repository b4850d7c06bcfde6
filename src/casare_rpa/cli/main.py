"""The `casare` command: one module per noun, heavy imports inside the commands."""

import sys

import typer

from casare_rpa import __version__
from casare_rpa.cli import job, key, robot, serve, up
from casare_rpa.cli.exits import report_errors

app = typer.Typer(
    name="casare",
    help="The control plane of a fleet of software robots.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.add_typer(robot.app, name="robot")
app.add_typer(job.app, name="job")
app.add_typer(key.app, name="key")


@app.callback(invoke_without_command=True)
def root(
    *, version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)
) -> None:
    if version:
        typer.echo(f"casare {__version__}")
        raise typer.Exit


def main() -> None:
    """The entry point: errors become one sentence on stderr and a documented exit code."""
    sys.exit(report_errors(app))


if __name__ == "__main__":
    main()
