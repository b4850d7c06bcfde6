"""The robot: takes jobs over the contract, runs each in a child process, and says how it went."""

import asyncio
import contextlib
import logging
import os
import random
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from casare_rpa.domain.errors import CasareError, ConnectFailed, ProtocolError
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.protocol import JobAssign, JobCancel, JobError, ReportStatus, RobotCommand, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.executors.any_kind import WorkflowExecutor, capabilities
from casare_rpa.robot.executors.base import Executor, Log, Outcome, ProgressUpdate, Stop, Task
from casare_rpa.robot.executors.child_events import FailureCode
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.workflows import UnknownWorkflow, find_workflow

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
STOP_SECONDS = 20.0
STOPPED = "the robot was stopped"
CANCELLED = "cancelled"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotOptions:
    """How to run a robot. `workflows` is the folder of workflows, `data_dir` takes what jobs leave behind."""

    url: str
    robot_id: str
    api_key: str
    workflows: Path
    data_dir: Path
    max_concurrent_jobs: int = 1
    tags: tuple[str, ...] = ()
    name: str = ""
    log_level: str = "INFO"

    def __repr__(self) -> str:
        return f"RobotOptions(url={self.url!r}, robot_id={self.robot_id!r}, api_key=***)"


class RobotAgent:
    """One robot. A `(job_id, attempt)` runs once: the client hands it over once, and it starts only when claimed."""

    def __init__(
        self, client: OrchestratorWebSocketClient, options: RobotOptions, executor: Executor, journal: Journal
    ) -> None:
        self._client = client
        self._journal = journal
        self._options = options
        self._executor = executor
        self._running: dict[tuple[str, int], Stop] = {}
        self._slots = asyncio.Semaphore(options.max_concurrent_jobs)
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaving = asyncio.Event()
        self.restart_wanted = asyncio.Event()
        client.on_job(self._work)
        client.on_cancel(self._cancel)
        client.on_command(self._command)

    # Jobs

    async def _work(self, assign: JobAssign) -> None:
        """One assignment, from claim to end."""
        if self._leaving.is_set():
            return
        key = assign.job_id, assign.attempt or 1
        stop = self._running[key] = Stop()  # before the claim: a cancel may come right behind its answer
        self._idle.clear()
        outcome: Outcome | None = None
        try:
            async with self._slots:  # an attempt that the orchestrator gave up may still be stopping here
                if not self._leaving.is_set() and await self._client.claim(*key):
                    outcome = await self._run(assign, key[1], stop)
        except Exception as error:  # the edge of a job: whatever went wrong is its end
            logger.exception("job %s failed inside the robot", assign.job_id)
            outcome = Outcome(
                error=JobError(type="error", message=f"the robot failed: {type(error).__name__}: {error}")
            )
        finally:
            del self._running[key]
            if not self._running:
                self._idle.set()
        if outcome is not None:
            await self._end(*key, outcome)

    async def _run(self, assign: JobAssign, attempt: int, stop: Stop) -> Outcome:
        try:
            workflow = find_workflow(self._options.workflows, assign.workflow_id)
        except UnknownWorkflow as error:
            return Outcome(error=JobError(type="error", code=FailureCode.UNKNOWN_WORKFLOW, message=str(error)))
        task = Task(
            job_id=assign.job_id,
            attempt=attempt,
            workflow_id=assign.workflow_id,
            workflow=workflow,
            parameters=msgspec.json.decode(assign.parameters, type=dict[str, object]),
            timeout_seconds=assign.timeout_seconds,
            output_dir=self._options.data_dir / "jobs" / _folder_name(assign.job_id, attempt),
        )
        if not self._journal.record_start(assign.job_id, attempt):
            # Its process ended in the middle: what it has done already cannot be known, so it is not done again.
            message = "this attempt was started before the robot was restarted; it is not started twice"
            return Outcome(error=JobError(type="error", code=FailureCode.STARTED_BEFORE, message=message))
        if stop.wanted.is_set():
            return Outcome(error=JobError(type=CANCELLED, message=stop.reason or CANCELLED))
        logger.info("job %s: running %s", assign.job_id, assign.workflow_id)
        await self._client.send_job_status(assign.job_id, ReportStatus.RUNNING, attempt=attempt, progress=0)
        return await self._executor.run(task, self._emitter(assign.job_id, attempt), stop)

    def _emitter(self, job_id: str, attempt: int) -> Callable[[Log | ProgressUpdate], Awaitable[None]]:
        async def emit(event: Log | ProgressUpdate) -> None:
            match event:
                case Log():
                    await self._client.send_log(
                        event.message, event.level, job_id=job_id, node_id=event.node_id, logged_at=event.logged_at
                    )
                case ProgressUpdate():
                    await self._client.send_job_status(
                        job_id, ReportStatus.RUNNING, attempt=attempt, progress=event.percent, message=event.message
                    )

        return emit

    async def _end(self, job_id: str, attempt: int, outcome: Outcome) -> None:
        if outcome.error is None:
            logger.info("job %s: completed", job_id)
            try:
                await self._client.send_job_status(
                    job_id, ReportStatus.COMPLETED, attempt=attempt, progress=100, result=outcome.result
                )
            except ProtocolError as error:  # it did its work, but what it answers cannot be sent
                message = f"the workflow completed, but its result cannot be taken: {error}"
                outcome = Outcome(error=JobError(type="error", code=FailureCode.BAD_RESULT, message=message))
        if outcome.error is not None:
            logger.warning("job %s: failed (%s): %s", job_id, outcome.error.type, outcome.error.message)
            await self._client.send_job_status(
                job_id, ReportStatus.FAILED, attempt=attempt, message=outcome.error.message, error=outcome.error
            )

    # Orders

    async def _cancel(self, cancel: JobCancel) -> None:
        stops = [
            stop
            for (job_id, attempt), stop in self._running.items()
            if job_id == cancel.job_id and cancel.attempt in (None, attempt)
        ]
        for stop in stops:
            logger.info("job %s: asked to stop: %s", cancel.job_id, cancel.reason)
            stop.ask(cancel.reason, force=cancel.force)
        if not stops and (cancel.grace_seconds is not None or cancel.force):
            # The server waits for an answer: nothing of this job runs here.
            await self._client.send_job_status(
                cancel.job_id,
                ReportStatus.FAILED,
                attempt=cancel.attempt,
                message=cancel.reason,
                error=JobError(type=CANCELLED, message=cancel.reason),
            )

    async def _command(self, command: RobotCommand) -> None:
        if command.action != "restart":
            logger.warning("unknown command %r: ignored", command.action)
            return
        logger.info("asked to restart: no new jobs, up to %d s for those that run", command.deadline_seconds)
        self._leaving.set()
        await self._client.send_heartbeat(RobotStatus.OFFLINE)  # no new jobs, please
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(command.deadline_seconds):
                await self._idle.wait()
        self.restart_wanted.set()

    # Life

    async def leave(self) -> None:
        """Stop what runs, report it, and hand in what is not answered yet."""
        self._leaving.set()
        for stop in self._running.values():
            stop.ask(STOPPED)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("leaving with jobs that did not stop, or whose claim was never answered")
        if not await self._client.drain(DRAIN_SECONDS):
            logger.warning("leaving with reports that were not answered")
        await self._client.close()


def _folder_name(job_id: str, attempt: int) -> str:
    """One folder name, whatever the id: it comes from outside."""
    return f"{_NOT_IN_A_NAME.sub('_', job_id)[:128]}-{attempt}"


async def _connect(client: OrchestratorWebSocketClient) -> None:
    """Connect for the first time, however long it takes for the orchestrator to be there."""
    backoff, attempt = Backoff(), 0
    while True:
        try:
            return await client.connect()
        except ConnectFailed as error:
            if not error.retryable:
                raise
            delay = backoff.delay(attempt, random.random())  # noqa: S311 - jitter
            attempt += 1
            logger.warning("%s; trying again in %.1f s", error, delay)
            await asyncio.sleep(delay)


async def _live(options: RobotOptions, stop_wanted: asyncio.Event) -> bool:
    """Run until told to stop; answers whether a restart is wanted."""
    journal = Journal(options.data_dir / "journal.db")
    client = OrchestratorWebSocketClient(
        robot_id=options.robot_id,
        api_key=options.api_key,
        orchestrator_url=options.url,
        name=options.name,
        tags=options.tags,
        max_concurrent_jobs=options.max_concurrent_jobs,
        capabilities=capabilities(),
        spool=journal,
    )
    agent = RobotAgent(client, options, WorkflowExecutor(), journal)
    running = asyncio.create_task(_connect_and_run(client, options), name="client")
    wishes = [
        asyncio.create_task(stop_wanted.wait(), name="stop"),
        asyncio.create_task(agent.restart_wanted.wait(), name="restart"),
    ]
    try:
        await asyncio.wait({running, *wishes}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()  # raises why the connection ended for good
        await agent.leave()
    finally:
        for task in (running, *wishes):
            task.cancel()
        await asyncio.gather(running, *wishes, return_exceptions=True)
        journal.close()
    return agent.restart_wanted.is_set()


async def _connect_and_run(client: OrchestratorWebSocketClient, options: RobotOptions) -> None:
    await _connect(client)
    logger.info("connected to %s as %s", options.url, options.robot_id)
    await client.run()


def run_robot(options: RobotOptions) -> int:
    """Run a robot until SIGTERM or Ctrl-C; answers the exit code. A restart replaces this process by a new one."""
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)-7s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)

    async def live() -> bool:
        stop_wanted = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop_wanted.set))
        return await _live(options, stop_wanted)

    try:
        restart = asyncio.run(live())
    except CasareError as error:
        logger.error("%s", error)
        raise
    if restart:
        environment = {**os.environ, "CASARE_API_KEY": options.api_key}
        command = [sys.executable, "-m", "casare_rpa.cli.main", *sys.argv[1:]]
        os.execve(sys.executable, command, environment)  # noqa: S606 - ourselves
    return 0
