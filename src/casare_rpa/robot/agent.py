"""The robot agent: claims jobs, runs each in a child process, and reports its outcome."""

import asyncio
import contextlib
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from casare_rpa.domain.errors import ConnectionLost, ProtocolError
from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.limits import MAX_REASON_LENGTH
from casare_rpa.domain.protocol import JobAssign, JobCancel, JobError, RobotCommand
from casare_rpa.domain.vocabulary import ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.executors.base import (
    Emit,
    Executor,
    Log,
    Outcome,
    ProgressUpdate,
    RunEvent,
    StepUpdate,
    StopRequest,
    Task,
)
from casare_rpa.robot.job_users import JobUser
from casare_rpa.robot.journal_thread import JournalThread
from casare_rpa.robot.output_folders import OutputLimits
from casare_rpa.robot.workflows import UnknownWorkflow, find_workflow, list_workflows, log_workflows

logger = logging.getLogger(__name__)

DEFAULT_DRAIN_SECONDS = 30.0
ANSWER_SECONDS = 10.0
STOP_SECONDS = 20.0
STOP_GRACE_SECONDS = 15.0
WATCH_SECONDS = 2.0
"""How often the folder of workflows is compared with the list that was sent."""
STOPPED = "the robot was stopped"
REPLACED = "another process connected as this robot"
CANCELLED = "cancelled"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotOptions:
    """Options of a robot. `workflows` is the folder of workflows, `data_dir` holds the journal and output files."""

    url: str
    robot_id: str
    api_key: str
    workflows: Path
    data_dir: Path
    max_concurrent_jobs: int = 1
    tags: tuple[str, ...] = ()
    name: str = ""
    log_level: str = "INFO"
    drain_seconds: float = DEFAULT_DRAIN_SECONDS
    """How long running jobs may take to finish after SIGTERM or SIGHUP."""
    output: OutputLimits = field(default_factory=OutputLimits)
    job_users: tuple[JobUser, ...] = ()
    """The user of each slot. If empty, jobs run as the robot's user."""
    stop_with_stdin: bool = False
    """Whether the end of stdin stops the robot."""

    @property
    def output_root(self) -> Path:
        """The folder with one folder for the output of each attempt."""
        return self.data_dir / "jobs"

    @property
    def slot_root(self) -> Path:
        """The folder with the private folders of running attempts."""
        return self.data_dir / "work"

    def __repr__(self) -> str:
        return f"RobotOptions(url={self.url!r}, robot_id={self.robot_id!r}, api_key=***)"


class RobotAgent:
    """One robot. An attempt of a job runs at most once: the client delivers it once, the journal records its start."""

    def __init__(
        self,
        client: OrchestratorWebSocketClient,
        options: RobotOptions,
        executor: Executor,
        journal: JournalThread,
        *,
        watch_seconds: float = WATCH_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._client = client
        self._journal = journal
        self._options = options
        self._executor = executor
        self._watch_seconds = watch_seconds
        self._stop_seconds = stop_seconds
        self._running: dict[tuple[str, int], StopRequest] = {}
        self._progress: dict[tuple[str, int], float] = {}
        """The last progress of each running attempt. The report of a failure contains it, because progress reports that
        are still waiting are then dropped."""
        self._listed: list[str] | None = None
        """The workflows that the orchestrator knows from the newest `hello`; `None` if they are not listed."""
        self._slots = asyncio.Semaphore(options.max_concurrent_jobs)
        self._idle = asyncio.Event()
        self._idle.set()
        self._shutting_down = asyncio.Event()
        self.restart_wanted = asyncio.Event()
        client.on_job(self._on_job)
        client.on_cancel(self._on_cancel)
        client.on_command(self._on_command)
        client.on_replaced(self._on_replaced)

    # Jobs

    def running_folders(self) -> set[str]:
        """Names of the output folders that are in use."""
        return {_folder_name(*key) for key in list(self._running)}

    async def _on_job(self, assign: JobAssign) -> None:
        """Handle one assignment, from claim to end."""
        if self._shutting_down.is_set():
            return
        key = assign.job_id, assign.attempt or 1
        stop = self._running[key] = StopRequest()  # before the claim: a cancel can follow the ack at once
        self._idle.clear()
        outcome: Outcome | None = None
        try:
            async with self._slots:  # waits: an attempt that the orchestrator ended may still be stopping here
                if self._shutting_down.is_set() or self._reject_vanished(assign):
                    return
                if await self._client.claim(*key):
                    outcome = await self._run(assign, key[1], stop)
        except Exception as error:  # an error of the robot ends this job only
            logger.exception("job %s failed inside the robot", assign.job_id)
            outcome = Outcome(
                error=JobError(type="error", message=f"the robot failed: {type(error).__name__}: {error}")
            )
        finally:
            del self._running[key]
            if not self._running:
                self._idle.set()
        if outcome is not None:
            await self._report_outcome(*key, outcome)

    def _reject_vanished(self, assign: JobAssign) -> bool:
        """Reject a job whose workflow was removed since the last `hello`; returns whether it did.

        Nothing has run, so that another robot can still run the job. The new list is sent first: the job is not offered
        to this robot again.
        """
        if self._listed is None or assign.attempt is None:  # contract 1.0 has no rejection
            return False
        try:
            find_workflow(self._options.workflows, assign.workflow_id)
        except UnknownWorkflow as error:
            self._list_workflows(list_workflows(self._options.workflows))
            if self._listed is None:
                return False
            logger.warning("job %s: rejected: %s", assign.job_id, error)
            self._client.reject(assign.job_id, assign.attempt, str(error)[:MAX_REASON_LENGTH])
            return True
        return False

    async def _run(self, assign: JobAssign, attempt: int, stop: StopRequest) -> Outcome:
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
            output_dir=self._options.output_root / _folder_name(assign.job_id, attempt),
        )
        if not await self._journal.record_start(assign.job_id, attempt):
            # An earlier process ended during this attempt. Its effects are unknown, so it is not repeated.
            message = "this attempt was started before the robot was restarted; an attempt is started once"
            return Outcome(error=JobError(type="error", code=FailureCode.STARTED_BEFORE, message=message))
        if stop.wanted.is_set():
            return Outcome(error=JobError(type=CANCELLED, message=stop.reason or CANCELLED))
        logger.info("job %s: running %s", assign.job_id, assign.workflow_id)
        await self._client.send_job_status(assign.job_id, ReportStatus.RUNNING, attempt=attempt, progress=0)
        return await self._executor.run(task, self._emitter(assign.job_id, attempt), stop)

    def _emitter(self, job_id: str, attempt: int) -> Emit:
        async def emit(event: RunEvent) -> None:
            match event:
                case Log():
                    await self._client.send_log(
                        event.message, event.level, job_id=job_id, node_id=event.node_id, logged_at=event.logged_at
                    )
                case StepUpdate(step):
                    self._client.send_job_step(job_id, step, attempt=attempt)
                case ProgressUpdate():
                    self._progress[job_id, attempt] = event.percent
                    await self._client.send_job_status(
                        job_id, ReportStatus.RUNNING, attempt=attempt, progress=event.percent, message=event.message
                    )

        return emit

    async def _report_outcome(self, job_id: str, attempt: int, outcome: Outcome) -> None:
        progress = self._progress.pop((job_id, attempt), None)
        if outcome.error is None:
            logger.info("job %s: completed", job_id)
            try:
                await self._client.send_job_status(
                    job_id, ReportStatus.COMPLETED, attempt=attempt, progress=100, result=outcome.result
                )
            except ProtocolError as error:  # the job completed, but its result cannot be sent
                message = f"the workflow completed, but its result is not valid: {error}"
                outcome = Outcome(error=JobError(type="error", code=FailureCode.BAD_RESULT, message=message))
        if outcome.error is not None:
            logger.warning("job %s: failed (%s): %s", job_id, outcome.error.type, outcome.error.message)
            await self._client.send_job_status(
                job_id,
                ReportStatus.FAILED,
                attempt=attempt,
                progress=progress,
                message=outcome.error.message,
                error=outcome.error,
            )

    # Cancels and commands

    async def _on_cancel(self, cancel: JobCancel) -> None:
        stops = [
            stop
            for (job_id, attempt), stop in self._running.items()
            if job_id == cancel.job_id and cancel.attempt in (None, attempt)
        ]
        for stop in stops:
            logger.info("job %s: stop requested: %s", cancel.job_id, cancel.reason)
            stop.request(cancel.reason, force=cancel.force, grace_seconds=cancel.grace_seconds)
        if not stops and (cancel.grace_seconds is not None or cancel.force):
            # The orchestrator waits for the end of a job that does not run here: confirm the cancel.
            await self._client.send_job_status(
                cancel.job_id,
                ReportStatus.FAILED,
                attempt=cancel.attempt,
                message=cancel.reason,
                error=JobError(type=CANCELLED, message=cancel.reason),
            )

    async def _on_command(self, command: RobotCommand) -> None:
        if command.action != "restart":
            logger.warning("ignored the unknown command %r", command.action)
            return
        logger.info("restart requested")
        await self.drain(command.deadline_seconds)
        self.restart_wanted.set()

    async def _on_replaced(self) -> None:
        """Stop all jobs: another process has the identity of this robot, and gets its jobs when their leases end."""
        stops = list(self._running.values())
        logger.error("another process connected as robot %s: %d jobs are stopped", self._options.robot_id, len(stops))
        for stop in stops:
            stop.request(REPLACED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._stop_seconds):
                await self._idle.wait()
        for stop in stops:
            stop.request(REPLACED, force=True)

    # Workflows

    async def watch_workflows(self, sent: list[str] | None) -> None:
        """Send the list of workflows again whenever it differs from the last one. Runs until cancelled.

        `sent` is the list in the first `hello`."""
        self._listed = sent
        while True:
            await asyncio.sleep(self._watch_seconds)
            self._list_workflows(await asyncio.to_thread(list_workflows, self._options.workflows))

    def _list_workflows(self, listed: list[str] | None) -> None:
        if listed != self._listed:
            log_workflows(self._options.workflows, listed)
            self._client.set_workflows(listed)
            self._listed = listed

    # Shutdown

    async def drain(self, seconds: float) -> None:
        """Start no more jobs, and wait up to `seconds` until the running ones have ended."""
        self._shutting_down.set()
        if self._running:
            logger.info("draining: no new jobs; %d running jobs have up to %g s", len(self._running), seconds)
        with contextlib.suppress(TimeoutError, ConnectionLost):
            async with asyncio.timeout(seconds):
                await self._client.send_heartbeat(RobotStatus.OFFLINE)  # assign no new jobs
                await self._idle.wait()

    async def shut_down(self) -> None:
        """Stop running jobs, report them, wait for unanswered messages, and close the connection."""
        self._shutting_down.set()
        for stop in self._running.values():
            stop.request(STOPPED, grace_seconds=STOP_GRACE_SECONDS)
        try:
            async with asyncio.timeout(self._stop_seconds):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("shutting down although jobs did not stop, or claims were not answered")
        if not await self._client.drain(ANSWER_SECONDS):
            logger.warning("shutting down although reports were not answered")
        await self._client.close()


def _folder_name(job_id: str, attempt: int) -> str:
    """A safe folder name for any job id: ids come from the network."""
    return f"{_NOT_IN_A_NAME.sub('_', job_id)[:128]}-{attempt}"
