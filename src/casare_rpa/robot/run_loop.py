"""The process of a robot: connects, runs until a signal or a command ends it, drains, and shuts down."""

import asyncio
import logging
import os
import random
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff
from casare_rpa.domain.vocabulary import Reconnect
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.any_kind import WorkflowExecutor, capabilities
from casare_rpa.robot.executors.slot_folders import SlotFolders
from casare_rpa.robot.job_users import prepare_data_dir
from casare_rpa.robot.journal import RETRY_SECONDS, Journal
from casare_rpa.robot.journal_thread import JournalThread
from casare_rpa.robot.log_format import configure_robot_log
from casare_rpa.robot.output_folders import OutputFolders
from casare_rpa.robot.workflows import list_workflows, log_workflows

logger = logging.getLogger(__name__)

STDIN = 0


class StopSignals:
    """Requests to end the process. `drain` lets running jobs finish for a while, `stop` stops them.

    SIGTERM and SIGHUP drain; SIGINT, a second signal, or the end of stdin (if it is watched) stops.
    """

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def install(self) -> None:
        """Handle the signals. A SIGHUP that is ignored stays ignored, as `nohup` expects."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and (name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN):
                signal.signal(number, self._on_os_signal)

    def _on_os_signal(self, number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self.on_signal, number)

    def on_signal(self, number: int) -> None:
        if number == signal.SIGINT or self.drain.is_set():
            self.stop.set()
        self.drain.set()

    def watch_stdin(self) -> None:
        """Stop at the end of stdin: the program that started this robot has ended, also by a kill."""
        # A thread works on every system, and `os.read` holds no lock that the interpreter needs when it exits.
        threading.Thread(target=self._read_stdin, name="watch stdin", daemon=True).start()

    def _read_stdin(self) -> None:
        try:
            while os.read(STDIN, 4096):
                continue
        except OSError as error:
            logger.warning("stdin cannot be read: %s", error)
        self._loop.call_soon_threadsafe(self._on_stdin_closed)

    def _on_stdin_closed(self) -> None:
        logger.warning("the program that started this robot has ended: stopping")
        self.on_signal(signal.SIGINT)


async def connect_until_accepted(
    client: OrchestratorWebSocketClient,
    backoff: Backoff | None = None,
    slow_reconnect_seconds: float = SLOW_RECONNECT_SECONDS,
) -> None:
    """Make the first connection. Like later ones, it is repeated after every temporary failure.

    A proxy whose backend is not up yet answers with 404 or 403, which looks like a wrong address. A wrong address
    therefore does not end the attempts.

    Raises:
        AuthError: the key was refused.
    """
    waits, attempt = backoff or Backoff(), 0
    while True:
        failure: CasareError
        delay = waits.delay(attempt, random.random())  # noqa: S311 - jitter
        try:
            return await client.connect()
        except AuthError as error:
            if error.close_code.reconnect is Reconnect.NO:
                raise
            if error.close_code.reconnect is Reconnect.SLOWLY:
                delay = slow_reconnect_seconds
            failure = error
        except ConnectFailed as error:
            failure = error
        attempt += 1
        logger.warning("not connected yet: %s; next attempt in %.1f s", failure, delay)
        await asyncio.sleep(delay)


async def _sync_regularly(journal: JournalThread) -> None:
    """Store the entries that a failing disk kept in memory, also while no job runs. Runs until cancelled."""
    while True:
        await asyncio.sleep(RETRY_SECONDS)
        journal.sync()


async def _connect_and_run(client: OrchestratorWebSocketClient, options: RobotOptions) -> None:
    await connect_until_accepted(client)
    logger.info("connected to %s as %s", options.url, options.robot_id)
    await client.run()


async def _run_agent(options: RobotOptions, signals: StopSignals) -> bool:
    """Run until a stop or restart is requested; returns True for a restart."""
    journal = JournalThread(Journal(options.data_dir / "journal.db"))
    workflows = list_workflows(options.workflows)
    if not workflows:
        log_workflows(options.workflows, workflows)
    client = OrchestratorWebSocketClient(
        robot_id=options.robot_id,
        api_key=options.api_key,
        orchestrator_url=options.url,
        name=options.name,
        tags=options.tags,
        max_concurrent_jobs=options.max_concurrent_jobs,
        capabilities=capabilities(),
        workflows=workflows,
        spool=journal,
    )
    slots = SlotFolders(options.slot_root, users=options.job_users)
    agent = RobotAgent(client, options, WorkflowExecutor(slots), journal)
    cleanup = asyncio.create_task(slots.remove_left_over(), name="cleanup")
    output = OutputFolders(options.output_root, agent.running_folders, options.output)
    working = [
        asyncio.create_task(_connect_and_run(client, options), name="client"),
        asyncio.create_task(agent.watch_workflows(workflows), name="workflows"),
        asyncio.create_task(output.remove_regularly(), name="output"),
        asyncio.create_task(_sync_regularly(journal), name="journal"),
    ]
    draining = asyncio.create_task(signals.drain.wait(), name="drain")
    restarting = asyncio.create_task(agent.restart_wanted.wait(), name="restart")
    try:
        await asyncio.wait({*working, draining, restarting}, return_when=asyncio.FIRST_COMPLETED)
        for ended in (task for task in working if task.done()):
            ended.result()  # raises the error that ended the connection
        if signals.drain.is_set():
            await _unless(signals.stop, agent.drain(options.drain_seconds))
        await agent.shut_down()
    finally:
        tasks = (*working, cleanup, draining, restarting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        journal.close()  # last: the cancelled tasks can still write to it
    return agent.restart_wanted.is_set() and not signals.drain.is_set()


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Run the work until it ends or the event is set."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.wait({working, waiting})


def run_robot(options: RobotOptions) -> bool:
    """Run a robot until a signal or a command ends it. Returns True when the process should be started again.

    Raises:
        CasareError: the address is not valid, a job user cannot run jobs, the key was refused, or the close code
            forbids a reconnect.
    """
    configure_robot_log(options.log_level)
    parse_address(options.url)
    prepare_data_dir(options.job_users, options.data_dir, options.slot_root, options.output_root)

    async def run() -> bool:
        signals = StopSignals()
        signals.install()
        if options.stop_with_stdin:
            signals.watch_stdin()
        return await _run_agent(options, signals)

    try:
        return asyncio.run(run())
    except CasareError as error:
        logger.error("%s", error)
        raise
