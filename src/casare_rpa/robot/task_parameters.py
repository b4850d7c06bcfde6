"""Matches the parameters of a job with those of a function, by name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class BadParameters(ValueError):
    """The parameters do not fit the function. The message names them."""


def arguments_for(function: Callable[..., Any], parameters: Mapping[str, object]) -> dict[str, object]:
    """The keyword arguments for the function. `**kwargs` receives parameters without a match.

    >>> arguments_for(lambda who, times=1: None, {"who": "Ada"})
    {'who': 'Ada'}
    >>> arguments_for(lambda who, times=1: None, {"times": 2})
    Traceback (most recent call last):
    casare_rpa.robot.task_parameters.BadParameters: the job lacks the parameter 'who' of <lambda>(who, times=1)

    Raises:
        BadParameters: a parameter is missing or unknown.
    """
    taken = inspect.signature(function).parameters.values()
    names = {parameter.name for parameter in taken if parameter.kind in _BY_NAME}
    required = [p.name for p in taken if p.default is p.empty and p.kind in (*_BY_NAME, p.POSITIONAL_ONLY)]
    head = f"{function.__name__}{inspect.signature(function)}"
    if missing := [name for name in required if name not in parameters or name not in names]:
        raise BadParameters(f"the job lacks the parameter{_listed(missing)} of {head}")
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken)
    if not takes_all and (unknown := [name for name in parameters if name not in names]):
        raise BadParameters(f"the job has the parameter{_listed(unknown)}, unknown to {head}")
    return dict(parameters)


def _listed(names: list[str]) -> str:
    return ("s " if len(names) > 1 else " ") + ", ".join(repr(name) for name in names)
