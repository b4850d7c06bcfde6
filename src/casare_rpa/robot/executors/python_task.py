"""Runs a Python function with the job's parameters, in a child process."""

from casare_rpa.robot.executors.base import Emit, Outcome, Stop, Task
from casare_rpa.robot.executors.child_run import OurSpeech, our_command, run_child
from casare_rpa.robot.workflow_kind import PythonWorkflow

CHILD = "casare_rpa.robot.executors.python_child"


class PythonExecutor:
    """`node_id`s are lines of code, what is printed is logged, what is returned is the result."""

    def __init__(self, workflow: PythonWorkflow) -> None:
        self._workflow = workflow

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Call the function, see `Executor.run`; when `emit` raises, everything is killed and that error raised."""
        command = our_command(CHILD, self._workflow.module, *filter(None, [self._workflow.function]))
        return await run_child(command, OurSpeech(task.output_dir), task, emit, stop)
