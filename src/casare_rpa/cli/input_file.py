"""Reads the files that are named on the command line."""

import sys
from pathlib import Path

import typer

from casare_rpa.domain.text_files import decode_text


def read_input(file: str, hint: str) -> str:
    """The text of a file, or of stdin for `-`. `hint` names the argument in errors.

    Raises:
        typer.BadParameter: the file cannot be read or is not UTF-8 text.
    """
    try:
        return decode_text(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint=hint) from None
    except ValueError as error:
        raise typer.BadParameter(f"{file} {error}", param_hint=hint) from None
