"""A child process in its own process group, stopped with all of its descendants: asked, terminated, killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.robot.executors import process_tree
from casare_rpa.robot.executors.line_assembler import MAX_LINE_BYTES
from casare_rpa.robot.executors.output_pipes import OutputPipes, PosixPipes, StreamPipes
from casare_rpa.robot.file_mode_mask import FILE_MODE_MASK
from casare_rpa.robot.job_users import JobUser

GRACE_SECONDS = 30.0
TERMINATE_SECONDS = 5.0
DRAIN_SECONDS = 2.0
POLL_SECONDS = 0.02
CANCEL_LINE = b"cancel\n"


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Bounds of one child process."""

    grace_seconds: float = GRACE_SECONDS
    """The time from a request to stop until SIGKILL, if the request has no grace period."""
    terminate_seconds: float = TERMINATE_SECONDS
    """How long before SIGKILL a child that was asked gets SIGTERM; at most half of the grace period."""
    drain_seconds: float = DRAIN_SECONDS
    """How long a pipe may be silent after the child has exited, and how long a stopped job may take to log."""
    max_line_bytes: int = MAX_LINE_BYTES
    """Length after which an unfinished line is passed on in pieces."""


DEFAULT_LIMITS = ProcessLimits()


def _identity(user: JobUser | None) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` that start a process as this user."""
    if user is None:
        return {}
    return {"user": user.user_id, "group": user.group_id, "extra_groups": user.group_ids}


class ProcessGroup:
    """A running child. Its stdin is the control pipe, whose end means that the robot has died.

    A child that `is_asked` gets the line `cancel` when it must stop; every other child gets SIGTERM at once.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: OutputPipes,
        mark: str,
        limits: ProcessLimits,
        *,
        is_asked: bool,
    ) -> None:
        self._process = process
        self._mark = mark
        self._limits = limits
        self._is_asked = is_asked
        self.pid = process.pid
        self.output = output

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        cwd: Path,
        environment: dict[str, str],
        *,
        mark: str,
        limits: ProcessLimits = DEFAULT_LIMITS,
        user: JobUser | None = None,
        is_asked: bool = True,
    ) -> "ProcessGroup":
        """Start a command with pipes on stdin, stdout and stderr, and a unique mark in its environment.

        Raises:
            OSError: the command cannot be started.
        """
        # Descendants inherit the mark. It finds descendants that left the process group and whose parent has exited.
        marked = {**environment, process_tree.MARK: mark}
        pipe = subprocess.PIPE
        if sys.platform == "win32":
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=marked,
                stdin=pipe if is_asked else subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
            assert process.stdout is not None
            assert process.stderr is not None
            return cls(process, StreamPipes(process.stdout, process.stderr), mark, limits, is_asked=is_asked)
        output = PosixPipes()
        try:
            with output.child_ends() as (stdout, stderr):
                process = await asyncio.create_subprocess_exec(
                    *command,
                    cwd=cwd,
                    env=marked,
                    stdin=pipe,
                    stdout=stdout,
                    stderr=stderr,
                    process_group=0,
                    umask=FILE_MODE_MASK.given,
                    **_identity(user),
                )
        except BaseException:
            output.close_pipes()
            raise
        return cls(process, output, mark, limits, is_asked=is_asked)

    async def wait(self) -> int:
        """The exit code; a negative one is the signal that killed the child.

        `asyncio.subprocess.Process.wait` is not used: it also waits for the pipes to close, and a descendant that
        survives the child holds them open.
        """
        while (code := self._process.returncode) is None:  # noqa: ASYNC110 - asyncio offers no event for it
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def stop(self, deadline_at: Callable[[], float]) -> None:
        """Ask or terminate the child, and kill it with its descendants at a time of the monotonic clock.

        `deadline_at` is called repeatedly, because a later request can move the time. Returns after the child's exit.
        """
        left = deadline_at() - time.monotonic()
        if left > 0:
            self._ask_or_terminate()
        # In a short grace period, SIGTERM comes in its middle.
        terminate_seconds = min(self._limits.terminate_seconds, left / 2)
        terminated = not self._is_asked
        while self._process.returncode is None and (left := deadline_at() - time.monotonic()) > 0:
            if not terminated and left <= terminate_seconds:
                self._signal(signal.SIGTERM)
                terminated = True
            await asyncio.sleep(min(POLL_SECONDS, left))
        self.kill_tree()
        await self.wait()

    def kill_tree(self) -> None:
        """Kill the child, its group, its descendants, and every process with its mark. Idempotent."""
        # Descendants come first: once the child has exited, they are re-parented and no longer found through it.
        process_tree.kill_descendants(self.pid)
        if self._process.returncode is None and sys.platform == "win32":
            self._process.kill()
        process_tree.kill_group(self.pid)
        process_tree.kill_marked(self._mark)

    def close_pipes(self) -> None:
        """Close the pipes, even when a process that was not found still holds them open."""
        self.output.close_pipes()
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way

    def _ask_or_terminate(self) -> None:
        stdin = self._process.stdin
        if not self._is_asked:
            self._signal(signal.SIGTERM)
        elif stdin is not None and not stdin.is_closing():
            try:
                stdin.write(CANCEL_LINE)
            except (BrokenPipeError, ConnectionResetError):
                return  # the child is exiting

    def _signal(self, number: int) -> None:
        try:
            if sys.platform == "win32":
                self._process.terminate()
            else:
                os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # the group has exited
