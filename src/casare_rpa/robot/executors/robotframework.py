"""Runs a folder as a Robot Framework suite, in a child process that reports through a listener."""

from casare_rpa.robot.executors.base import Emit, Outcome, Stop, Task
from casare_rpa.robot.executors.child_run import OurSpeech, our_command, run_child

CHILD = "casare_rpa.robot.executors.robotframework_child"


class RobotFrameworkExecutor:
    """Keywords become `node_id`s, ended tests progress, log messages log lines. Source: listener interface v3."""

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Run a suite, see `Executor.run`; when `emit` raises, everything is killed and that error raised."""
        return await run_child(our_command(CHILD), OurSpeech(task.output_dir), task, emit, stop)
