"""Runs one attempt in a child process and reads its output to the end. Shared by all kinds of workflows."""

import asyncio
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from casare_rpa.domain.job_errors import ErrorType
from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot.executors.base import Emit, Log, Outcome, ProgressUpdate, StepUpdate, StopRequest, Task
from casare_rpa.robot.executors.child_events import (
    BarEvent,
    LogEvent,
    ProgressEvent,
    RunEnd,
    StepEvent,
    decode,
    failure,
    take_end_file,
)
from casare_rpa.robot.executors.output_events import OutputEvents, OutputParser, Parsed, ProgressBar
from casare_rpa.robot.executors.output_pipes import finish_reading
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessGroup, ProcessLimits
from casare_rpa.robot.executors.slot_folders import SlotFolder

CANCELLED = "cancelled"
TIMEOUT = "timeout"
KILLED_IN_A_SHELL = 128 + 9
FULL_DISK_BYTES = 64 * 1024
"""A disk with less free space counts as full."""
DISK_FULL = "; the disk of the job's output folder is full"


@dataclass(frozen=True, slots=True)
class PreparedAttempt:
    """A task with its private folder. `workflow` is the copy to run, in which the child starts."""

    task: Task
    workflow: Path
    slot: SlotFolder


class EventOutputParser:
    """Parser for children that are our own code: events on stdout, the end in a file."""

    def __init__(self, output_dir: Path, *, encoding: str = "utf-8") -> None:
        self._output_dir = output_dir
        self.encoding = encoding

    def on_stdout(self, line: bytes) -> Parsed:
        match decode(line):
            case LogEvent(level, message, node_id, at):
                return Log(level, message, at, node_id)
            case ProgressEvent(percent, message):
                return ProgressUpdate(percent, message)
            case BarEvent(text):
                return ProgressBar(text)
            case StepEvent(step):
                return StepUpdate(step)
            case None:
                return plain_line(line, Level.INFO, self.encoding)

    def on_stderr(self, line: bytes) -> Log | None:
        """Output of programs that the workflow starts: its own streams are redirected to events."""
        return plain_line(line, Level.INFO, self.encoding)

    def end(self, code: int, *, stopped: bool) -> RunEnd:  # noqa: ARG002 - the end file decides
        missing = f"the workflow's process ended without reporting a result: {exit_reason(code)}"
        return take_end_file(self._output_dir) or RunEnd(completed=False, error=failure(missing))


def plain_line(line: bytes, level: Level, encoding: str) -> Log | None:
    """A line of plain text as a log line, with invalid bytes replaced; `None` for a blank line."""
    text = line.decode(encoding, errors="replace")
    return Log(level, text, datetime.now(UTC)) if text.strip() else None


def exit_reason(code: int) -> str:
    """An exit code as text, with the name of a signal."""
    if code == KILLED_IN_A_SHELL:
        return f"exit code {code}; a process was killed by SIGKILL, for which the likely cause is a lack of memory"
    if code >= 0:
        return f"exit code {code}"
    if sys.platform != "win32" and code == -signal.SIGKILL:
        return "killed by SIGKILL; the likely cause is that the machine or the container ran out of memory"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules."""
    # -P: a file in the workflow's folder must not shadow one of our modules.
    return [sys.executable, "-P", "-X", "utf8", "-m", module, *arguments]


async def run_child(
    command: Sequence[str],
    parser: OutputParser,
    attempt: PreparedAttempt,
    emit: Emit,
    stop: StopRequest,
    limits: ProcessLimits = DEFAULT_LIMITS,
    *,
    is_asked: bool = True,
) -> Outcome:
    """Run a command for an attempt, see `Executor.run`. `is_asked`: the command reads requests to stop from stdin.

    When `emit` raises, all processes are killed and the error propagates.
    """
    try:
        group = await ProcessGroup.start(
            command,
            attempt.workflow,
            _environment(attempt),
            mark=attempt.slot.mark,
            limits=limits,
            user=attempt.slot.user,
            is_asked=is_asked,
        )
    except OSError as error:
        return Outcome(error=failure(f"the workflow cannot be started: {error}"))
    try:
        return await _ChildRun(group, parser, attempt.task, emit, stop, limits).wait()
    except BaseException:
        group.kill_tree()
        raise
    finally:
        group.close_pipes()


class _ChildRun:
    """One child, from its start to the end of its output."""

    def __init__(
        self,
        group: ProcessGroup,
        parser: OutputParser,
        task: Task,
        emit: Emit,
        stop: StopRequest,
        limits: ProcessLimits,
    ) -> None:
        self._group = group
        self._task = task
        self._stop = stop
        self._limits = limits
        self._parser = parser
        self._output = OutputEvents(parser, emit, max_line_bytes=limits.max_line_bytes)
        self._timed_out = False

    async def wait(self) -> Outcome:
        """Wait for the child and its output. All of its processes have ended on return."""
        group = self._group
        try:
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(self._output.read_all(group.output), name="output")
                watch = tasks.create_task(self._watch(), name="watch")
                code = await group.wait()
                # Read before the drain: a stop requested after the exit must not turn a success into a cancel.
                stopped = self._stop_requested
                watch.cancel()
                # Descendants that the child left behind would hold the pipes open.
                group.kill_tree()
                await finish_reading(
                    reader,
                    group.output,
                    silence_seconds=self._limits.drain_seconds,
                    is_stopped=lambda: self._stop_requested,
                )
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        outcome = self._outcome(self._parser.end(code, stopped=stopped))
        return await asyncio.to_thread(_naming_a_full_disk, outcome, self._task.output_dir)

    @property
    def _stop_requested(self) -> bool:
        return self._timed_out or self._stop.wanted.is_set()

    async def _watch(self) -> None:
        """Stop the child on request or at its timeout."""
        try:
            async with asyncio.timeout(self._task.timeout_seconds):
                await self._stop.wanted.wait()
        except TimeoutError:
            self._timed_out = True
        await self._group.stop(self._kill_deadline())

    def _kill_deadline(self) -> Callable[[], float]:
        """The time at which the child is killed. A later request can make it earlier."""
        stop, default = self._stop, time.monotonic() + self._limits.grace_seconds
        first = default if stop.kill_deadline_at is None else stop.kill_deadline_at
        return lambda: -math.inf if stop.force else min(first, stop.kill_deadline_at or math.inf)

    def _outcome(self, end: RunEnd) -> Outcome:
        """The outcome of the job. A run that completed before it could be stopped counts as completed."""
        if end.completed:
            return Outcome(result=end.result)
        if self._stop_requested:
            return stopped_outcome(self._task, self._stop, timed_out=self._timed_out)
        return Outcome(error=end.error or failure("the workflow stopped itself"))


def _naming_a_full_disk(outcome: Outcome, output_dir: Path) -> Outcome:
    """The outcome; a failure while the disk of the output is full says so, because it is the likely cause."""
    error = outcome.error
    if error is None or error.type in (CANCELLED, TIMEOUT, ErrorType.BUSINESS):
        return outcome
    try:
        free_bytes = shutil.disk_usage(output_dir).free
    except OSError:
        return outcome  # the job removed the folder, or the disk is gone
    if free_bytes >= FULL_DISK_BYTES:
        return outcome
    room = WORKFLOW_TEXTS.message - len(DISK_FULL)
    return Outcome(error=msgspec.structs.replace(error, message=error.message[:room] + DISK_FULL))


def stopped_outcome(task: Task, stop: StopRequest, *, timed_out: bool) -> Outcome:
    """The outcome of a task that a timeout or a request has stopped."""
    if timed_out:
        return Outcome(error=JobError(type=TIMEOUT, message=f"timeout: stopped after {task.timeout_seconds:g} s"))
    return Outcome(error=JobError(type=CANCELLED, message=stop.reason or CANCELLED))


def _environment(attempt: PreparedAttempt) -> dict[str, str]:
    """The robot's environment without its own CASARE_ variables, one of which is its key."""
    task = attempt.task
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    user = attempt.slot.user
    return (
        inherited
        | ({} if user is None else user.variables)
        | {
            "CASARE_JOB_ID": task.job_id,
            "CASARE_ATTEMPT": str(task.attempt),
            "CASARE_WORKFLOW_ID": task.workflow_id,
            "CASARE_OUTPUT_DIR": str(task.output_dir),
            "CASARE_PARAMETERS_FILE": str(attempt.slot.parameters_file),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
        }
    )
