"""Runs any program, which speaks in lines. Source: docs/reference/workflows.md."""

import os
import shutil
import sys
from pathlib import Path

from casare_rpa.robot.executors.base import Emit, Outcome, Stop, Task
from casare_rpa.robot.executors.child_run import our_command, run_child
from casare_rpa.robot.executors.command_lines import CommandSpeech
from casare_rpa.robot.workflow_kind import MANIFEST, BadWorkflow, CommandWorkflow

LAUNCHER = "casare_rpa.robot.executors.command_child"


class CommandExecutor:
    """The program decides what it tells; its exit code says whether it did its work."""

    def __init__(self, workflow: CommandWorkflow) -> None:
        self._workflow = workflow

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Run the program in its folder, see `Executor.run`; when `emit` raises, everything is killed.

        Raises:
            BadWorkflow: there is no such program.
        """
        name, *arguments = self._workflow.command
        command = [find_program(task.workflow, name), *arguments]
        if sys.platform != "win32":  # there a process cannot become another one, and nothing guards it
            command = our_command(LAUNCHER, *command)
        return await run_child(command, CommandSpeech(), task, emit, stop)


def find_program(folder: Path, name: str) -> str:
    """The path of a program: a file of the folder, or else, when it is a bare name, one on the PATH.

    Raises:
        BadWorkflow: there is none, it lies outside of the folder, or it may not be run.
    """
    bare = "/" not in name and os.sep not in name
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadWorkflow(
            f"{MANIFEST}: command: {name!r} lies outside of the workflow's folder; name a file in it, "
            "or a program on the PATH by its name alone"
        )
    if path.is_file():
        if not os.access(path, os.X_OK):
            raise BadWorkflow(f"{MANIFEST}: command: {name!r} may not be executed; chmod +x, or name its interpreter")
        return str(path)
    found = shutil.which(name) if bare else None
    if found is None:
        where = "neither in the workflow's folder nor on the PATH" if bare else "not in the workflow's folder"
        raise BadWorkflow(f"{MANIFEST}: command: {name!r} is {where}")
    return found
