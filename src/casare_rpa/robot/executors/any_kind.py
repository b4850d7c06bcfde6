"""Runs a workflow of any kind in a private copy of its folder. The folder decides which executor is used."""

import asyncio
import importlib.util
import logging
import threading
import time
from functools import partial

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest, Task
from casare_rpa.robot.executors.child_events import failure
from casare_rpa.robot.executors.child_run import PreparedAttempt, stopped_outcome
from casare_rpa.robot.executors.command import CommandExecutor
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.executors.python_task import PythonExecutor
from casare_rpa.robot.executors.robotframework import RobotFrameworkExecutor
from casare_rpa.robot.executors.slot_folders import SlotFolder, SlotFolders
from casare_rpa.robot.executors.working_copy import MAX_FOLDER_BYTES, CopyStopped, copy_folder
from casare_rpa.robot.workflow_kind import (
    BadWorkflow,
    CommandWorkflow,
    PythonWorkflow,
    RobotFrameworkWorkflow,
    read_workflow,
)

logger = logging.getLogger(__name__)


def capabilities() -> tuple[str, ...]:
    """The kinds of workflows that this installation can run."""
    installed = importlib.util.find_spec("robot") is not None
    return ("robotframework", "python", "command") if installed else ("python", "command")


class WorkflowExecutor:
    """Runs each task in a private copy of its workflow, with the executor for its kind."""

    def __init__(
        self, slots: SlotFolders, limits: ProcessLimits = DEFAULT_LIMITS, *, max_folder_bytes: int = MAX_FOLDER_BYTES
    ) -> None:
        self._slots = slots
        self._limits = limits
        self._max_folder_bytes = max_folder_bytes

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        """Run one task, see `Executor.run`. A folder that cannot be run gives an error with the code `bad_workflow`.

        The private copy and the parameters are removed before the return.
        """
        try:
            slot = await asyncio.to_thread(self._slots.acquire)
        except OSError as error:
            return Outcome(error=failure(f"the robot cannot prepare the job: {error}"))
        try:
            prepared = await self._prepare(slot, task, stop)
            if isinstance(prepared, Outcome):
                return prepared
            return await self._run_prepared(prepared, emit, stop)
        except BadWorkflow as error:
            return Outcome(error=failure(str(error), code=FailureCode.BAD_WORKFLOW))
        finally:
            await asyncio.to_thread(self._clean_up, slot, task)

    def _clean_up(self, slot: SlotFolder, task: Task) -> None:
        """Remove the private folder. A disk that fails must not change the outcome of the job."""
        for step in (partial(slot.take_from_user, task.output_dir), partial(self._slots.release, slot)):
            try:
                step()
            except OSError as error:
                logger.warning("job %s: its folders cannot be closed or removed: %s", task.job_id, error)

    async def _prepare(self, slot: SlotFolder, task: Task, stop: StopRequest) -> PreparedAttempt | Outcome:
        """Copy the workflow and write the parameters, in a thread.

        Raises:
            BadWorkflow: the folder cannot be copied.
        """
        deadline_at = time.monotonic() + task.timeout_seconds
        cancelled = threading.Event()

        def given_up() -> bool:
            return cancelled.is_set() or stop.wanted.is_set() or time.monotonic() >= deadline_at

        def prepare() -> None:
            with slot.writing:
                copy_folder(task.workflow, slot.copy_of(task.workflow), given_up, max_bytes=self._max_folder_bytes)
                task.output_dir.mkdir(parents=True, exist_ok=True)
                slot.write_parameters(task.parameters)
                slot.give_to_user(task.output_dir)

        try:
            await asyncio.to_thread(prepare)
        except CopyStopped:
            return stopped_outcome(task, stop, timed_out=not stop.wanted.is_set())
        except OSError as error:
            return Outcome(error=failure(f"the robot cannot prepare the job: {error}"))
        finally:
            cancelled.set()
        return PreparedAttempt(task, slot.copy_of(task.workflow), slot)

    async def _run_prepared(self, attempt: PreparedAttempt, emit: Emit, stop: StopRequest) -> Outcome:
        match await asyncio.to_thread(read_workflow, attempt.workflow):
            case RobotFrameworkWorkflow() as workflow:
                return await RobotFrameworkExecutor(workflow, self._limits).run(attempt, emit, stop)
            case PythonWorkflow() as workflow:
                return await PythonExecutor(workflow, self._limits).run(attempt, emit, stop)
            case CommandWorkflow() as workflow:
                return await CommandExecutor(workflow, self._limits).run(attempt, emit, stop)
