"""Runs any program that reports through lines on stdout. Source: docs/reference/workflows.md."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest
from casare_rpa.robot.executors.child_run import PreparedAttempt, python_command, run_child
from casare_rpa.robot.executors.command_lines import CommandOutputParser
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.workflow_kind import MANIFEST, BadWorkflow, CommandWorkflow

LAUNCHER = "casare_rpa.robot.executors.command_child"


class CommandExecutor:
    """Runs a program. Its exit code decides between success and failure."""

    def __init__(self, workflow: CommandWorkflow, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self._workflow = workflow
        self._limits = limits

    async def run(self, attempt: PreparedAttempt, emit: Emit, stop: StopRequest) -> Outcome:
        """Run the program in its folder, see `run_child`.

        Raises:
            BadWorkflow: the program does not exist or cannot be executed.
        """
        name, *arguments = self._workflow.command
        command = [await asyncio.to_thread(find_program, attempt.workflow, name), *arguments]
        if sys.platform != "win32":  # Windows has no exec; the program runs without an orphan guard there
            command = python_command(LAUNCHER, self._workflow.stdin, *command)
        parser = CommandOutputParser(max_line_bytes=self._limits.max_line_bytes, encoding=self._workflow.encoding)
        is_asked = self._workflow.stdin == "control"
        return await run_child(command, parser, attempt, emit, stop, self._limits, is_asked=is_asked)


def find_program(folder: Path, name: str) -> str:
    """The path of a program: a file in the folder, or, for a bare name, also a program on the PATH.

    Raises:
        BadWorkflow: it does not exist, lies outside of the folder, or is not executable.
    """
    bare = "/" not in name and os.sep not in name
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadWorkflow(
            f"{MANIFEST}: command: {name!r} lies outside of the workflow's folder; name a file in it, "
            "or a program on the PATH without a path"
        )
    if path.is_file():
        if not os.access(path, os.X_OK):
            raise BadWorkflow(f"{MANIFEST}: command: {name!r} is not executable; run chmod +x, or name its interpreter")
        return str(path)
    found = shutil.which(name) if bare else None
    if found is None:
        where = "neither in the workflow's folder nor on the PATH" if bare else "not in the workflow's folder"
        raise BadWorkflow(f"{MANIFEST}: command: {name!r} is {where}")
    return found
