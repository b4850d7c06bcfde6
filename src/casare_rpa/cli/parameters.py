"""Parameters of a job from the command line."""

import json
import math
from typing import Any, NoReturn

import typer

from casare_rpa.cli.input_file import read_input


def read_parameters(pairs: list[str], text: str | None) -> dict[str, Any]:
    """Parameters from `-p` and from `--parameters`; `-p` replaces the same name.

    `NAME=VALUE` is text, `NAME:=VALUE` is JSON. `--parameters` is a JSON object, `@FILE` or `-` (stdin).

    Raises:
        typer.BadParameter: a value is not valid.
    """
    found = _object(text) if text is not None else {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        as_json = name.endswith(":")
        name = name.removesuffix(":")
        if not separator or not name:
            raise typer.BadParameter(
                f"{pair!r} is neither NAME=TEXT nor NAME:=JSON, such as count:=3", param_hint="--param"
            )
        found[name] = read_json(value, "--param", f"the value of {name}") if as_json else value
    return found


def read_json(text: str, hint: str, subject: str) -> Any:  # noqa: ANN401 - JSON
    """The value of a JSON text. NaN, Infinity and numbers that are too large are refused, as JSON has none.

    Raises:
        typer.BadParameter: the text is not JSON; `subject` begins the sentence.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise typer.BadParameter(f"{subject} is not JSON: {error.msg} ({place})", param_hint=hint) from None
    except (ValueError, RecursionError) as error:
        sentence = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise typer.BadParameter(f"{subject} is not JSON: {sentence}", param_hint=hint) from None


def _object(text: str) -> dict[str, Any]:
    hint = "--parameters"
    if text == "-" or text.startswith("@"):
        text = read_input(text.removeprefix("@"), hint)
    found = read_json(text, hint, "the text")
    if not isinstance(found, dict):
        raise typer.BadParameter(
            'expected a JSON object such as {"count": 3}, @FILE with one, or - for stdin', param_hint=hint
        )
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large")
    return number
