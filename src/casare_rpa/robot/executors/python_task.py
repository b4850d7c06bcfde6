"""Runs a Python function with the job's parameters, in a child process."""

from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest, Task
from casare_rpa.robot.executors.child_run import EventOutputParser, python_command, run_child
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.workflow_kind import PythonWorkflow

CHILD = "casare_rpa.robot.executors.python_child"


class PythonExecutor:
    """Calls a Python function. Its return value is the result, its output is logged, a `node_id` is a line of code."""

    def __init__(self, workflow: PythonWorkflow, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self._workflow = workflow
        self._limits = limits

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        """Call the function, see `Executor.run`."""
        command = python_command(CHILD, self._workflow.module, *filter(None, [self._workflow.function]))
        return await run_child(command, EventOutputParser(task.output_dir), task, emit, stop, self._limits)
