"""Typer command groups whose commands all have the flag `--json`."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from casare_rpa.cli.output import enable_json

Run = TypeVar("Run", bound=Callable[..., Any])
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class CommandGroup(typer.Typer):
    """A group of commands. Every added command gets the flag `--json`."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Run], Run]:  # noqa: ANN401 - passed on to Typer
        """As `Typer.command`. The decorated function itself is not changed."""
        register = super().command(name, **settings)

        def add(run: Run) -> Run:
            register(_with_json(run))
            return run

        return add


def _with_json(run: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the additional parameter `as_json`, also in its signature, which Typer reads."""

    @functools.wraps(run)
    def command(*arguments: object, as_json: bool = False, **named: object) -> object:
        if as_json:
            enable_json()
        return run(*arguments, **named)

    signature = inspect.signature(run)
    flag = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    command.__annotations__ = {**run.__annotations__, "as_json": Json}
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), flag]
    )
    return command
