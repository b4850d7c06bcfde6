"""Runs a folder as a Robot Framework suite, in a child process that reports through a listener."""

from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest
from casare_rpa.robot.executors.child_run import EventOutputParser, PreparedAttempt, python_command, run_child
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.workflow_kind import RobotFrameworkWorkflow

CHILD = "casare_rpa.robot.executors.robotframework_child"


class RobotFrameworkExecutor:
    """Runs a suite. Keywords become `node_id`s, ended tests progress, log messages log lines.

    Source: https://robotframework.org/robotframework/latest/RobotFrameworkUserGuide.html, listener interface 3.
    """

    def __init__(self, workflow: RobotFrameworkWorkflow, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self._workflow = workflow
        self._limits = limits

    async def run(self, attempt: PreparedAttempt, emit: Emit, stop: StopRequest) -> Outcome:
        """Run a suite, see `run_child`."""
        command = python_command(CHILD, self._workflow.log_level)
        parser = EventOutputParser(attempt.task.output_dir, encoding=self._workflow.encoding)
        return await run_child(command, parser, attempt, emit, stop, self._limits)
