"""Questions that a command asks before it changes several objects."""

import sys
from typing import Annotated

import typer

from casare_rpa.domain.printable import one_line

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def confirm(question: str, *, ask: bool) -> None:
    """Ask on the terminal; any other answer than yes ends the command.

    Raises:
        typer.BadParameter: there is no terminal to ask on.
    """
    if not ask:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} There is no terminal to ask on; repeat the command with --yes")
    typer.confirm(one_line(question), abort=True, err=True)
