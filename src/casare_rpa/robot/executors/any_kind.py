"""Runs a workflow of any kind: the folder decides which executor is used."""

import importlib.util

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.robot.executors.base import Emit, Executor, Outcome, StopRequest, Task
from casare_rpa.robot.executors.child_events import failure
from casare_rpa.robot.executors.command import CommandExecutor
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
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
    """The kinds of workflows that this installation can run."""
    installed = importlib.util.find_spec("robot") is not None
    return ("robotframework", "python", "command") if installed else ("python", "command")


class WorkflowExecutor:
    """Delegates a task to the executor for the kind of its folder."""

    def __init__(self, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        """Run one task, see `Executor.run`. A folder that cannot be run gives an error with the code `bad_workflow`."""
        try:
            return await _executor(task, self._limits).run(task, emit, stop)
        except BadWorkflow as error:
            return Outcome(error=failure(str(error), code=FailureCode.BAD_WORKFLOW))


def _executor(task: Task, limits: ProcessLimits) -> Executor:
    match read_workflow(task.workflow):
        case RobotFrameworkWorkflow():
            return RobotFrameworkExecutor(limits)
        case PythonWorkflow() as workflow:
            return PythonExecutor(workflow, limits)
        case CommandWorkflow() as workflow:
            return CommandExecutor(workflow, limits)
