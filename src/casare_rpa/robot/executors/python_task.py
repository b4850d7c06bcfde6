"""Runs a Python function with the job's parameters, in a child process."""

from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest
from casare_rpa.robot.executors.child_run import EventOutputParser, PreparedAttempt, python_command, run_child
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.workflow_kind import PythonWorkflow

CHILD = "casare_rpa.robot.executors.python_child"


class PythonExecutor:
    """Calls a Python function. Its return value is the result, its output is logged, a `node_id` is a line of code."""

    def __init__(self, workflow: PythonWorkflow, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self._workflow = workflow
        self._limits = limits

    async def run(self, attempt: PreparedAttempt, emit: Emit, stop: StopRequest) -> Outcome:
        """Call the function, see `run_child`."""
        command = python_command(CHILD, self._workflow.module, *filter(None, [self._workflow.function]))
        parser = EventOutputParser(attempt.task.output_dir, encoding=self._workflow.encoding)
        return await run_child(command, parser, attempt, emit, stop, self._limits)
