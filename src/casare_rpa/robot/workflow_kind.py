"""The kind of a workflow folder, from its `workflow.toml` or else from its files."""

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.domain.text_files import decode_text

MANIFEST = "workflow.toml"
TASKS_MODULE = "tasks"
TASKS_FILE = f"{TASKS_MODULE}.py"
DEFAULT_ENCODING = "utf-8"
_REQUIRED_FILES = f"a {MANIFEST}, a Robot Framework suite (*.robot), or a {TASKS_FILE} with one @task function"


class BadWorkflow(ValueError):
    """The folder cannot be run. The message names the file and the necessary change."""


@dataclass(frozen=True, slots=True)
class RobotFrameworkWorkflow:
    """A folder with Robot Framework suites. Messages below `log_level` are neither logged nor in output.xml."""

    log_level: str = "INFO"
    encoding: str = DEFAULT_ENCODING


@dataclass(frozen=True, slots=True)
class PythonWorkflow:
    """A function of a module in the folder. Without a name, the only one marked with `@task`."""

    module: str = TASKS_MODULE
    function: str | None = None
    encoding: str = DEFAULT_ENCODING


@dataclass(frozen=True, slots=True)
class CommandWorkflow:
    """A program with its arguments. `stdin` is `control` for a program that reads requests to stop from stdin."""

    command: tuple[str, ...]
    stdin: str = "none"
    encoding: str = DEFAULT_ENCODING


Workflow = RobotFrameworkWorkflow | PythonWorkflow | CommandWorkflow
_KEYS = {
    "robotframework": {"kind", "log_level", "encoding"},
    "python": {"kind", "task", "encoding"},
    "command": {"kind", "command", "stdin", "encoding"},
}
_LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN")
_STDIN = ("none", "control")


def read_workflow(folder: Path) -> Workflow:
    """The kind of the workflow. No code of the folder is executed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     _ = Path(name, "workflow.toml").write_text('kind = "python"\\ntask = "orders:main"')
    ...     read_workflow(Path(name))
    PythonWorkflow(module='orders', function='main', encoding='utf-8')

    Raises:
        BadWorkflow: the folder contains nothing to run, or its manifest is invalid.
    """
    if (folder / MANIFEST).exists():
        return _from_manifest(_load(folder / MANIFEST))
    has_task, has_suite = (folder / TASKS_FILE).is_file(), any(folder.glob("*.robot"))
    if has_task and has_suite:
        raise BadWorkflow(
            f"the folder of workflow {folder.name!r} contains both a {TASKS_FILE} and *.robot files; choose one with a "
            f'{MANIFEST}: kind = "python" or kind = "robotframework"'
        )
    if has_task:
        return PythonWorkflow()
    if has_suite or _has_suite_below(folder):
        return RobotFrameworkWorkflow()
    raise BadWorkflow(
        f"the folder of workflow {folder.name!r} contains nothing to run; it must contain {_REQUIRED_FILES}"
    )


def _has_suite_below(folder: Path) -> bool:
    """Whether a folder below contains a suite. Robot Framework itself skips folders that begin with `.` or `_`."""
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        if any(name.endswith(".robot") for name in files):
            return True
    return False


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(decode_text(path.read_bytes()))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadWorkflow(f"{MANIFEST} cannot be read: {error}") from error
    except ValueError as error:
        raise BadWorkflow(f"{MANIFEST} {error}") from error


def _from_manifest(manifest: dict[str, Any]) -> Workflow:
    kind = manifest.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise BadWorkflow(f"{MANIFEST}: kind must be one of {_quoted(_KEYS)}, not {kind!r}")
    if unknown := sorted(manifest.keys() - _KEYS[kind]):
        raise BadWorkflow(
            f"{MANIFEST}: unknown key {unknown[0]!r}; "
            f"a workflow of kind {kind!r} has the keys {_quoted(sorted(_KEYS[kind]))}"
        )
    encoding = _encoding(manifest.get("encoding", DEFAULT_ENCODING))
    match kind:
        case "python":
            return PythonWorkflow(*_task(manifest.get("task")), encoding=encoding)
        case "command":
            stdin = _one_of("stdin", _STDIN, manifest.get("stdin", "none"))
            return CommandWorkflow(_command(manifest.get("command")), stdin, encoding)
        case _:
            log_level = _one_of("log_level", _LOG_LEVELS, manifest.get("log_level", "INFO"))
            return RobotFrameworkWorkflow(log_level, encoding)


def _one_of(key: str, allowed: tuple[str, ...], value: object) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise BadWorkflow(f"{MANIFEST}: {key} must be one of {_quoted(allowed)}, not {value!r}")
    return value


def _encoding(value: object) -> str:
    """The name of an encoding in which a line end is the byte 10."""
    try:
        if isinstance(value, str) and "\n".encode(value) == b"\n":
            return value
    except (LookupError, ValueError):
        pass
    raise BadWorkflow(
        f'{MANIFEST}: encoding must be a text encoding of single bytes or like UTF-8, such as "utf-8", "cp1252" or '
        f'"shift_jis", not {value!r}'
    )


def _task(task: object) -> tuple[str, str | None]:
    if task is None:
        return TASKS_MODULE, None
    module, colon, function = task.partition(":") if isinstance(task, str) else ("", "", "")
    if not colon or not all(part.isidentifier() for part in [*module.split("."), function]):
        raise BadWorkflow(f'{MANIFEST}: task must be a text like "module:function", not {task!r}')
    return module, function


def _command(command: object) -> tuple[str, ...]:
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise BadWorkflow(f'{MANIFEST}: command must be a list of texts like ["./run.sh", "--all"], not {command!r}')
    if not command[0] or any("\0" in word for word in command):
        raise BadWorkflow(f"{MANIFEST}: command names no program, or contains a NUL character: {command!r}")
    return tuple(command)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
