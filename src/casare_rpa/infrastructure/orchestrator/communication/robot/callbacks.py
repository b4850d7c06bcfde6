"""Runs the callbacks that a robot's code registered: each call is a task, kept until it ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from casare_rpa.domain.protocol import JobAssign, JobCancel, RobotCommand

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0

M = TypeVar("M", JobAssign, JobCancel, RobotCommand)
OnJob = Callable[[JobAssign], Awaitable[None]]
OnCancel = Callable[[JobCancel], Awaitable[None]]
OnCommand = Callable[[RobotCommand], Awaitable[None]]
OnReplaced = Callable[[], Awaitable[None]]


def _log_job_failure(assign: JobAssign, error: Exception) -> None:
    logger.debug("job %s: %s: no failure handler", assign.job_id, error)


class Callbacks:
    """At most one callback per kind of message. An exception in a callback is logged and does not propagate."""

    def __init__(self) -> None:
        self.on_job: OnJob | None = None
        self.on_cancel: OnCancel | None = None
        self.on_command: OnCommand | None = None
        self.on_replaced: OnReplaced | None = None
        self.job_failed: Callable[[JobAssign, Exception], None] = _log_job_failure
        self._tasks: set[asyncio.Task[None]] = set()

    def start_job(self, assign: JobAssign) -> None:
        """Start `on_job`. When it raises, `job_failed` is called."""
        self._start(self.on_job, assign, lambda error: self.job_failed(assign, error))

    def start_cancel(self, cancel: JobCancel) -> None:
        self._start(self.on_cancel, cancel)

    def start_command(self, command: RobotCommand) -> None:
        self._start(self.on_command, command)

    def start_replaced(self) -> None:
        if self.on_replaced is not None:
            self._keep(_run_replaced(self.on_replaced), "replaced")

    async def stop(self) -> None:
        """Cancel running callbacks, except the calling one, and wait up to 5 s for them to end."""
        running = self._tasks - {asyncio.current_task()}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_SECONDS)

    def _start(
        self,
        callback: Callable[[M], Awaitable[None]] | None,
        message: M,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        if callback is None:
            logger.debug("no callback for %s", message.TYPE)
            return
        self._keep(_run(callback, message, failed), message.TYPE)

    def _keep(self, running: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(running, name=name)
        # The event loop holds tasks weakly; without this reference a callback could be collected while it runs.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _run_replaced(callback: OnReplaced) -> None:
    try:
        await callback()
    except Exception as error:  # the robot's own code
        logger.error("the callback for a replaced connection failed", exc_info=error)


async def _run(
    callback: Callable[[M], Awaitable[None]], message: M, failed: Callable[[Exception], None] | None
) -> None:
    try:
        await callback(message)
    except Exception as error:  # the robot's own code
        logger.error("the callback for %s failed", message.TYPE, exc_info=error)
        if failed is not None:
            failed(error)
