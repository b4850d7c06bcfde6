"""Runs a folder as a Robot Framework suite, in a child process that reports through a listener."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime

from casare_rpa.domain.logs import Level, truncate
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot.executors.base import Emit, Log, Outcome, Progress, Stop, Task
from casare_rpa.robot.executors.child_events import End, LogEvent, ProgressEvent, decode, take_end
from casare_rpa.robot.executors.process_group import Lines, ProcessGroup

CHILD = "casare_rpa.robot.executors.robotframework_child"
PARAMETERS_FILE = "parameters.json"
CANCELLED = "cancelled"
TIMEOUT = "timeout"
ERROR = "error"
DRAIN_SECONDS = 2.0
"""How long a pipe may stay silent once the child is gone, and how long the last lines of a stopped job may take."""


class RobotFrameworkExecutor:
    """Keywords become `node_id`s, ended tests progress, log messages log lines. Source: listener interface v3."""

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Run a suite, see `Executor.run`; when `emit` raises, everything is killed and that error raised."""
        parameters = task.output_dir / PARAMETERS_FILE
        command = [sys.executable, "-X", "utf8", "-m", CHILD]
        command += [str(task.workflow), str(task.output_dir), str(parameters)]
        try:
            task.output_dir.mkdir(parents=True, exist_ok=True)
            parameters.touch(mode=0o600)
            parameters.write_text(json.dumps(task.parameters))
            group = await ProcessGroup.start(command, task.workflow, _environment(task))
        except OSError as error:
            return Outcome(error=JobError(type=ERROR, message=f"the workflow cannot be started: {error}"))
        run = _Run(group, task, emit, stop)
        try:
            code = await run.attend()
        except BaseException:
            group.kill_family()
            raise
        finally:
            parameters.unlink(missing_ok=True)
        return run.outcome(take_end(task.output_dir), code)


class _Run:
    """One child, followed to its end, whoever brings it about."""

    def __init__(self, group: ProcessGroup, task: Task, emit: Emit, stop: Stop) -> None:
        self._group = group
        self._task = task
        self._emit = emit
        self._stop = stop
        self._timed_out = False

    async def attend(self) -> int:
        """Wait for the end of the child and of what it said; answers its exit code. Its family is dead then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                readers = {
                    tasks.create_task(self._take_events(), name="events"): self._group.stdout,
                    tasks.create_task(self._take_output(), name="output"): self._group.stderr,
                }
                watch = tasks.create_task(self._watch(), name="watch")
                code = await self._group.wait()
                watch.cancel()
                self._group.kill_family()  # what it left behind would hold the pipes open, and do harm
                await self._drain(readers)
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        return code

    async def _drain(self, readers: dict[asyncio.Task[None], Lines]) -> None:
        """Hand on what the child said last, however slow the orchestrator is, unless somebody waits for the end."""
        while pending := [reader for reader in readers if not reader.done()]:
            await asyncio.wait(pending, timeout=DRAIN_SECONDS)
            for reader in pending:
                if readers[reader].waiting or self._stop.wanted.is_set() or self._timed_out:
                    reader.cancel()  # a stranger holds the pipe open; or it was stopped, and has had its time

    async def _watch(self) -> None:
        """Stop the child when that is wanted or its time is over."""
        try:
            async with asyncio.timeout(self._task.timeout_seconds):
                await self._stop.wanted.wait()
        except TimeoutError:
            self._timed_out = True
        async with asyncio.TaskGroup() as tasks:
            force = tasks.create_task(self._force(), name="force")
            await self._group.stop(now=self._stop.force)
            force.cancel()

    async def _force(self) -> None:
        await self._stop.forced.wait()
        self._group.kill_family()

    async def _take_events(self) -> None:
        """What the listener tells."""
        async for line in self._group.stdout:
            match decode(line):
                case LogEvent() as log:
                    await self._emit(Log(log.level, log.message, datetime.fromisoformat(log.at), log.node_id))
                case ProgressEvent() as progress:
                    await self._emit(Progress(progress.percent, progress.message))
                case None:
                    await self._print(line)

    async def _take_output(self) -> None:
        async for line in self._group.stderr:
            await self._print(line)

    async def _print(self, line: bytes) -> None:
        """What the workflow prints past Robot Framework: log lines too, whatever their bytes."""
        text, _ = truncate(line.decode(errors="replace").rstrip("\r"))
        if text.strip():
            await self._emit(Log(Level.INFO, text, datetime.now(UTC)))

    def outcome(self, end: End | None, code: int) -> Outcome:
        """How it ended. What was done before it could be stopped is done."""
        if end is not None and end.completed:
            return Outcome(result=end.result)
        if self._timed_out:
            message = f"timeout: stopped after {self._task.timeout_seconds:g} s"
            return Outcome(error=JobError(type=TIMEOUT, message=message))
        if self._stop.wanted.is_set():
            return Outcome(error=JobError(type=CANCELLED, message=self._stop.reason or CANCELLED))
        if end is not None and end.error is not None:
            return Outcome(error=end.error)
        message = f"the workflow's process ended without a word: {_death(code)}"
        return Outcome(error=JobError(type=ERROR, message=message))


def _environment(task: Task) -> dict[str, str]:
    """The robot's own, without what is ours: a workflow must not see the robot's key."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    return inherited | {
        "CASARE_JOB_ID": task.job_id,
        "CASARE_WORKFLOW_ID": task.workflow_id,
        "PYTHONUNBUFFERED": "1",
    }


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
