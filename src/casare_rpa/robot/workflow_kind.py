"""The kind of a workflow folder, from its `workflow.toml` or else from its files."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "workflow.toml"
TASKS_MODULE = "tasks"
TASKS_FILE = f"{TASKS_MODULE}.py"
_REQUIRED_FILES = f"a {MANIFEST}, a Robot Framework suite (*.robot), or a {TASKS_FILE} with one @task function"


class BadWorkflow(ValueError):
    """The folder cannot be run. The message says what to change in which file."""


@dataclass(frozen=True, slots=True)
class RobotFrameworkWorkflow:
    """A folder with Robot Framework suites."""


@dataclass(frozen=True, slots=True)
class PythonWorkflow:
    """A function of a module in the folder. Without a name, the only one marked with `@task`."""

    module: str = TASKS_MODULE
    function: str | None = None


@dataclass(frozen=True, slots=True)
class CommandWorkflow:
    """A program with its arguments."""

    command: tuple[str, ...]


Workflow = RobotFrameworkWorkflow | PythonWorkflow | CommandWorkflow
_KEYS = {"robotframework": {"kind"}, "python": {"kind", "task"}, "command": {"kind", "command"}}


def read_workflow(folder: Path) -> Workflow:
    """The kind of the workflow. No code of the folder is executed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     _ = Path(name, "workflow.toml").write_text('kind = "python"\\ntask = "orders:main"')
    ...     read_workflow(Path(name))
    PythonWorkflow(module='orders', function='main')

    Raises:
        BadWorkflow: the folder contains nothing to run, or its manifest is invalid.
    """
    if (folder / MANIFEST).exists():
        return _from_manifest(_load(folder / MANIFEST))
    if any(folder.rglob("*.robot")):
        return RobotFrameworkWorkflow()
    if (folder / TASKS_FILE).is_file():
        return PythonWorkflow()
    raise BadWorkflow(
        f"the folder of workflow {folder.name!r} contains nothing to run; it must contain {_REQUIRED_FILES}"
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadWorkflow(f"{MANIFEST} cannot be read: {error}") from error


def _from_manifest(manifest: dict[str, Any]) -> Workflow:
    kind = manifest.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise BadWorkflow(f"{MANIFEST}: kind must be one of {_quoted(_KEYS)}, not {kind!r}")
    if unknown := sorted(manifest.keys() - _KEYS[kind]):
        raise BadWorkflow(
            f"{MANIFEST}: unknown key {unknown[0]!r}; "
            f"a workflow of kind {kind!r} has the keys {_quoted(sorted(_KEYS[kind]))}"
        )
    match kind:
        case "python":
            return _python(manifest.get("task"))
        case "command":
            return _command(manifest.get("command"))
        case _:
            return RobotFrameworkWorkflow()


def _python(task: object) -> PythonWorkflow:
    if task is None:
        return PythonWorkflow()
    module, colon, function = task.partition(":") if isinstance(task, str) else ("", "", "")
    if not colon or not all(part.isidentifier() for part in [*module.split("."), function]):
        raise BadWorkflow(f'{MANIFEST}: task must be a text like "module:function", not {task!r}')
    return PythonWorkflow(module, function)


def _command(command: object) -> CommandWorkflow:
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise BadWorkflow(f'{MANIFEST}: command must be a list of texts like ["./run.sh", "--all"], not {command!r}')
    if not command[0] or any("\0" in word for word in command):
        raise BadWorkflow(f"{MANIFEST}: command names no program, or contains a NUL character: {command!r}")
    return CommandWorkflow(tuple(command))


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
