"""Reads the settings in a TOML file and checks names and types. Reports all problems."""

import difflib
import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.domain.text_files import decode_text

FILE_NAME = "casare.toml"
"""The file in the data directory that is read if no other file is named."""

READABLE_BY_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Known:
    """The settings that a file may contain: their types, and the names of the secret ones."""

    types: Mapping[str, object]
    secrets: Collection[str]
    urls: Mapping[str, Callable[[str], object]]
    """For each URL: whether a value of it is a secret."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """The contents of a file: the valid values, and a sentence for each invalid one."""

    path: Path
    values: Mapping[str, Any]
    problems: tuple[str, ...] = ()


def read_settings_file(path: Path, known: Known, not_here: Collection[str] = ()) -> FileSettings:
    """The settings in a file. Names in `not_here` are not allowed in it."""
    try:
        mode = path.stat().st_mode
        document = tomllib.loads(decode_text(path.read_bytes()))
    except tomllib.TOMLDecodeError as error:
        return FileSettings(path, {}, (f"{path}: not TOML: {error}",))
    except ValueError as error:
        return FileSettings(path, {}, (f"{path} {error}",))
    except OSError as error:
        return FileSettings(path, {}, (f"{path}: cannot be read: {error.strerror}",))
    exposed = os.name == "posix" and bool(mode & READABLE_BY_OTHERS)
    found = {name: _problem(name, value, known, not_here, exposed=exposed) for name, value in document.items()}
    values = {name: value for name, value in document.items() if found[name] is None}
    return FileSettings(path, values, tuple(f"{path}: {name}: {why}" for name, why in found.items() if why is not None))


def _problem(name: str, value: object, known: Known, not_here: Collection[str], *, exposed: bool) -> str | None:
    """Why a setting of the file is invalid; `None` if it is valid. Never contains the value, which may be a secret."""
    if name not in known.types:
        if isinstance(value, dict):
            return "no such setting; write settings at the top level, not in a [table]"
        close = difflib.get_close_matches(name.lower(), known.types, n=1)
        return f"no such setting; did you mean {close[0]}?" if close else "no such setting"
    if name in not_here:
        return "not allowed in a file in the data directory; use --data-dir, CASARE_DATA_DIR or --config"
    if (wanted := _mismatch(known.types[name], value)) is not None:
        return f"must be {wanted}"
    secret = name in known.secrets or (name in known.urls and known.urls[name](str(value)))
    if secret and value and exposed:
        return "other users may read this secret; use chmod 600, or set it in the environment"
    return None


def _mismatch(wanted: object, value: object) -> str | None:
    """The expected type of the value, in words; `None` if the value has it."""
    if wanted is int:
        return None if type(value) is int else "a whole number, without quotes"
    if wanted is bool:
        return None if isinstance(value, bool | str) else "true or false"
    if wanted is float:
        return None if type(value) in (int, float) else "a number, without quotes"
    if wanted == tuple[str, ...]:
        many = isinstance(value, list) and all(isinstance(part, str) for part in value)
        return None if many or isinstance(value, str) else "a list of strings"
    return None if isinstance(value, str) else "a string in quotes"
