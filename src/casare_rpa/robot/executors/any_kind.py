"""Runs a workflow of whatever kind its folder holds."""

import importlib.util

from casare_rpa.robot.executors.base import Emit, Executor, Outcome, Stop, Task
from casare_rpa.robot.executors.child_events import FailureCode, failure
from casare_rpa.robot.executors.command import CommandExecutor
from casare_rpa.robot.executors.python_task import PythonExecutor
from casare_rpa.robot.executors.robotframework import RobotFrameworkExecutor
from casare_rpa.robot.workflow_kind import (
    BadWorkflow,
    CommandWorkflow,
    PythonWorkflow,
    RobotFrameworkWorkflow,
    read_workflow,
)


def capabilities() -> tuple[str, ...]:
    """The kinds that this installation runs."""
    installed = importlib.util.find_spec("robot") is not None
    return ("robotframework", "python", "command") if installed else ("python", "command")


class WorkflowExecutor:
    """Looks into the folder, and hands the task to the executor of its kind."""

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Run one task, see `Executor.run`; a folder that cannot be run is an error with the code `bad_workflow`."""
        try:
            return await _executor(task).run(task, emit, stop)
        except BadWorkflow as error:
            return Outcome(error=failure(str(error), code=FailureCode.BAD_WORKFLOW))


def _executor(task: Task) -> Executor:
    match read_workflow(task.workflow):
        case RobotFrameworkWorkflow():
            return RobotFrameworkExecutor()
        case PythonWorkflow() as workflow:
            return PythonExecutor(workflow)
        case CommandWorkflow() as workflow:
            return CommandExecutor(workflow)
