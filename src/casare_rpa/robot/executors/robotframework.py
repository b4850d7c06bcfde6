"""Runs a folder as a Robot Framework suite, in a child process that reports through a listener."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from casare_rpa.domain.logs import Level, truncate
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot.executors.base import Emit, Log, Outcome, Progress, Stop, Task
from casare_rpa.robot.executors.process_group import DRAIN_SECONDS, ProcessGroup

CHILD = "casare_rpa.robot.executors.robotframework_child"
PARAMETERS_FILE = "parameters.json"
CANCELLED = "cancelled"
TIMEOUT = "timeout"
ERROR = "error"


class RobotFrameworkExecutor:
    """Keywords become `node_id`s, ended tests progress, log messages log lines. Source: listener interface v3."""

    async def run(self, task: Task, emit: Emit, stop: Stop) -> Outcome:
        task.output_dir.mkdir(parents=True, exist_ok=True)
        parameters = task.output_dir / PARAMETERS_FILE
        parameters.touch(mode=0o600)
        parameters.write_text(json.dumps(task.parameters))
        command = [sys.executable, "-X", "utf8", "-m", CHILD, str(task.workflow), str(task.output_dir), str(parameters)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
        environment |= {"CASARE_JOB_ID": task.job_id, "CASARE_WORKFLOW_ID": task.workflow_id, "PYTHONUNBUFFERED": "1"}
        try:
            group = await ProcessGroup.start(command, task.workflow, environment)
        except OSError as error:
            return Outcome(error=JobError(type=ERROR, message=f"the workflow cannot be started: {error}"))
        try:
            return await self._attend(group, task, emit, stop)
        finally:
            group.kill_family()
            parameters.unlink(missing_ok=True)

    async def _attend(self, group: ProcessGroup, task: Task, emit: Emit, stop: Stop) -> Outcome:
        """Follow the child to its end, whoever brings it about."""
        end: dict[str, Any] = {}
        readers = [
            asyncio.create_task(_take_events(group.stdout(), emit, end), name="events"),
            asyncio.create_task(_take_output(group.stderr(), emit), name="output"),
        ]
        watch = asyncio.create_task(_watch(group, task.timeout_seconds, stop, end), name="watch")
        try:
            code = await group.wait()
            group.kill_family()  # what it left behind would hold the pipes open, and do harm
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await asyncio.wait(readers)
        finally:
            for task_ in (*readers, watch):
                task_.cancel()
            results = await asyncio.gather(*readers, watch, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return _outcome(end, code, task, stop)


async def _watch(group: ProcessGroup, timeout_seconds: float, stop: Stop, end: dict[str, Any]) -> None:
    """Stop the child when that is wanted or its time is over; `timed_out` in `end` tells which it was."""
    try:
        async with asyncio.timeout(timeout_seconds):
            await stop.wanted.wait()
    except TimeoutError:
        end["timed_out"] = True
    stopping = asyncio.create_task(group.stop(now=stop.force), name="stop")
    forced = asyncio.create_task(stop.forced.wait(), name="forced")
    try:
        await asyncio.wait({stopping, forced}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            group.kill_family()
        await stopping
    finally:
        forced.cancel()
        stopping.cancel()


async def _take_events(lines: AsyncIterator[bytes], emit: Emit, end: dict[str, Any]) -> None:
    """What the listener tells: one JSON object a line."""
    async for line in lines:
        event = json.loads(line)
        match event["type"]:
            case "log":
                at = datetime.fromisoformat(event["at"])
                await emit(Log(Level(event["level"]), event["message"], at, event["node_id"]))
            case "progress":
                await emit(Progress(event["percent"], event["message"]))
            case "end":
                end.update(event)


async def _take_output(lines: AsyncIterator[bytes], emit: Emit) -> None:
    """What the workflow prints past Robot Framework: log lines too, whatever their bytes."""
    async for line in lines:
        text, _ = truncate(line.decode(errors="replace").rstrip("\r"))
        if text.strip():
            await emit(Log(Level.INFO, text, datetime.now(UTC)))


def _outcome(end: dict[str, Any], code: int, task: Task, stop: Stop) -> Outcome:
    if end.get("completed"):
        return Outcome(result=end["result"])  # it was done before it could be stopped
    if end.get("timed_out"):
        return Outcome(error=JobError(type=TIMEOUT, message=f"timeout: stopped after {task.timeout_seconds:g} s"))
    if stop.wanted.is_set():
        return Outcome(error=JobError(type=CANCELLED, message=stop.reason or "cancelled"))
    if "error" in end:
        return Outcome(error=JobError(**end["error"]))
    return Outcome(error=JobError(type=ERROR, message=f"the workflow's process ended without a word: {_death(code)}"))


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
