"""The code of a robot that a client calls: each call is a task of its own, kept until it is done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from casare_rpa.domain.protocol import JobAssign, JobCancel, RobotCommand

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0

M = TypeVar("M", JobAssign, JobCancel, RobotCommand)
OnJob = Callable[[JobAssign], Awaitable[None]]
OnCancel = Callable[[JobCancel], Awaitable[None]]
OnCommand = Callable[[RobotCommand], Awaitable[None]]


def _nobody_told(assign: JobAssign, error: Exception) -> None:
    logger.debug("job %s: %s: nobody to tell", assign.job_id, error)


class Callbacks:
    """At most one callback for each kind of order. One that raises is logged and hurts nobody else."""

    def __init__(self) -> None:
        self.on_job: OnJob | None = None
        self.on_cancel: OnCancel | None = None
        self.on_command: OnCommand | None = None
        self.job_failed: Callable[[JobAssign, Exception], None] = _nobody_told
        self._tasks: set[asyncio.Task[None]] = set()

    def job(self, assign: JobAssign) -> None:
        """Call `on_job`; when it raises, `job_failed` is told."""
        self._start(self.on_job, assign, lambda error: self.job_failed(assign, error))

    def cancel(self, cancel: JobCancel) -> None:
        """Call `on_cancel`."""
        self._start(self.on_cancel, cancel)

    def command(self, command: RobotCommand) -> None:
        """Call `on_command`."""
        self._start(self.on_command, command)

    async def stop(self) -> None:
        """Cancel what still runs, except the caller, and give it some seconds to end."""
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
            logger.debug("nobody takes a %s", message.TYPE)
            return
        task = asyncio.create_task(_run(callback, message, failed), name=message.TYPE)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _run(
    callback: Callable[[M], Awaitable[None]], message: M, failed: Callable[[Exception], None] | None
) -> None:
    try:
        await callback(message)
    except Exception as error:  # the robot's own code
        logger.error("the robot's code for %s failed", message.TYPE, exc_info=error)
        if failed is not None:
            failed(error)
