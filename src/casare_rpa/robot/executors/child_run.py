"""Runs one attempt in a child process and follows it to its end: the same for every kind of workflow."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from casare_rpa.domain.logs import Level, truncate
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot.executors.base import Emit, Log, Outcome, ProgressUpdate, Stop, Task
from casare_rpa.robot.executors.child_events import (
    MAX_MESSAGE,
    MAX_NODE_ID,
    End,
    LogEvent,
    ProgressEvent,
    decode,
    failure,
    take_end,
)
from casare_rpa.robot.executors.process_group import Lines, ProcessGroup

PARAMETERS_FILE = "parameters.json"
CANCELLED = "cancelled"
TIMEOUT = "timeout"
DRAIN_SECONDS = 2.0
"""How long a pipe may stay silent once the child is gone, and how long the last lines of a stopped job may take."""


class Speech(Protocol):
    """What one child says: the meaning of its lines, and of its end."""

    def on_stdout(self, line: bytes) -> Log | ProgressUpdate | None:
        """What this line tells; `None`: nothing that goes on."""
        ...

    def on_stderr(self, line: bytes) -> Log | ProgressUpdate | None: ...

    def end(self, code: int, *, stopped: bool) -> End:
        """How it ended, once all is said. `stopped`: it was still running when somebody wanted it to stop."""
        ...


class OurSpeech:
    """Of a child process that is our own code: events on stdout, the end as a file."""

    def __init__(self, output_dir: Path) -> None:
        self._output_dir = output_dir

    def on_stdout(self, line: bytes) -> Log | ProgressUpdate | None:
        match decode(line):
            case LogEvent(level, message, node_id, at):
                return Log(level, message, at, node_id)
            case ProgressEvent(percent, message):
                return ProgressUpdate(percent, message)
            case None:
                return printed(line, Level.INFO)

    def on_stderr(self, line: bytes) -> Log | None:
        """What is written past the workflow's own streams: by the programs that it starts."""
        return printed(line, Level.INFO)

    def end(self, code: int, *, stopped: bool) -> End:  # noqa: ARG002 - its own word counts
        silent = f"the workflow's process ended without a word: {death(code)}"
        return take_end(self._output_dir) or End(completed=False, error=failure(silent))


def printed(line: bytes, level: Level) -> Log | None:
    """A line without a form of its own, whatever its bytes; `None` when there is nothing in it."""
    text = line.decode(errors="replace").rstrip("\r")
    return Log(level, text, datetime.now(UTC)) if text.strip() else None


def death(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def parameters_file(task: Task) -> Path:
    """Where the child finds the job's parameters, as JSON, until it ends."""
    return task.output_dir / PARAMETERS_FILE


def our_command(module: str, *arguments: str) -> list[str]:
    """A child process of ours; the folder that it works in cannot pose as one of our modules."""
    return [sys.executable, "-P", "-X", "utf8", "-m", module, *arguments]


async def run_child(command: Sequence[str], speech: Speech, task: Task, emit: Emit, stop: Stop) -> Outcome:
    """Run a command for a task, see `Executor.run`; when `emit` raises, everything is killed and that error raised."""
    parameters = parameters_file(task)
    try:
        task.output_dir.mkdir(parents=True, exist_ok=True)
        parameters.touch(mode=0o600)
        parameters.write_text(json.dumps(task.parameters))
        group = await ProcessGroup.start(command, task.workflow, _environment(task))
    except OSError as error:
        return Outcome(error=failure(f"the workflow cannot be started: {error}"))
    try:
        return await _Run(group, speech, task, emit, stop).attend()
    except BaseException:
        group.kill_family()
        raise
    finally:
        group.close()
        parameters.unlink(missing_ok=True)


class _Run:
    """One child, followed to its end, whoever brings it about."""

    def __init__(self, group: ProcessGroup, speech: Speech, task: Task, emit: Emit, stop: Stop) -> None:
        self._group = group
        self._speech = speech
        self._task = task
        self._emit = emit
        self._stop = stop
        self._timed_out = False

    async def attend(self) -> Outcome:
        """Wait for the end of the child and of what it said. Its family is dead then."""
        group, speech = self._group, self._speech
        try:
            async with asyncio.TaskGroup() as tasks:
                readers = {
                    tasks.create_task(self._read(group.stdout, speech.on_stdout), name="stdout"): group.stdout,
                    tasks.create_task(self._read(group.stderr, speech.on_stderr), name="stderr"): group.stderr,
                }
                watch = tasks.create_task(self._watch(), name="watch")
                code = await group.wait()
                stopped = self._stopped
                watch.cancel()
                group.kill_family()  # what it left behind would hold the pipes open, and do harm
                await self._drain(readers)
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        return self._outcome(speech.end(code, stopped=stopped))

    @property
    def _stopped(self) -> bool:
        return self._timed_out or self._stop.wanted.is_set()

    async def _drain(self, readers: dict[asyncio.Task[None], Lines]) -> None:
        """Hand on what the child said last, however slow the orchestrator is, unless somebody waits for the end."""
        while pending := [reader for reader in readers if not reader.done()]:
            await asyncio.wait(pending, timeout=DRAIN_SECONDS)
            for reader in pending:
                if readers[reader].waiting or self._stopped:
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

    async def _read(self, lines: Lines, meaning: Callable[[bytes], Log | ProgressUpdate | None]) -> None:
        """Hand on what the lines tell, in their order, as fast as it is taken."""
        async for line in lines:
            match meaning(line):
                case Log(level, message, at, node_id):
                    text, _ = truncate(message)
                    await self._emit(Log(level, text, at, node_id[:MAX_NODE_ID] if node_id else None))
                case ProgressUpdate(percent, message):
                    await self._emit(ProgressUpdate(percent, message[:MAX_MESSAGE] if message else None))

    def _outcome(self, end: End) -> Outcome:
        """What the job's end is. What was done before it could be stopped is done."""
        if end.completed:
            return Outcome(result=end.result)
        if self._timed_out:
            message = f"timeout: stopped after {self._task.timeout_seconds:g} s"
            return Outcome(error=JobError(type=TIMEOUT, message=message))
        if self._stop.wanted.is_set():
            return Outcome(error=JobError(type=CANCELLED, message=self._stop.reason or CANCELLED))
        return Outcome(error=end.error or failure("the workflow stopped itself"))


def _environment(task: Task) -> dict[str, str]:
    """The robot's own, without what is ours: a workflow must not see the robot's key."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    return inherited | {
        "CASARE_JOB_ID": task.job_id,
        "CASARE_ATTEMPT": str(task.attempt),
        "CASARE_WORKFLOW_ID": task.workflow_id,
        "CASARE_OUTPUT_DIR": str(task.output_dir),
        "CASARE_PARAMETERS_FILE": str(parameters_file(task)),
        "PYTHONUNBUFFERED": "1",
    }
