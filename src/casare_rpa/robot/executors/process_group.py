"""A child process in its own process group, stopped with all of its descendants: asked, terminated, killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casare_rpa.robot.executors import process_tree
from casare_rpa.robot.job_users import JobUser

ASK_SECONDS = 10.0
TERMINATE_SECONDS = 5.0
DRAIN_SECONDS = 2.0
POLL_SECONDS = 0.02
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024
CANCEL_LINE = b"cancel\n"


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Bounds of one child process."""

    ask_seconds: float = ASK_SECONDS
    """From the request to stop until SIGTERM."""
    terminate_seconds: float = TERMINATE_SECONDS
    """From SIGTERM until SIGKILL."""
    drain_seconds: float = DRAIN_SECONDS
    """How long a pipe may be silent after the child has exited, and how long a stopped job may take to log."""
    max_line_bytes: int = MAX_LINE_BYTES
    """Length after which an unfinished line is passed on in pieces."""


DEFAULT_LIMITS = ProcessLimits()


class Lines:
    """The lines of a pipe, without line ends. Memory is bounded: a long line is split into pieces."""

    def __init__(self, reader: asyncio.StreamReader, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._reader = reader
        self._max_line_bytes = max_line_bytes
        self.waiting = False
        """Whether a read is waiting for data."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        while chunk := await self._read_chunk():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > self._max_line_bytes:
                yield rest
                rest = b""
        if rest:
            yield rest

    async def _read_chunk(self) -> bytes:
        self.waiting = True
        try:
            return await self._reader.read(CHUNK_BYTES)
        finally:
            self.waiting = False


def _identity(user: JobUser | None) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` that start a process as this user."""
    if user is None:
        return {}
    return {"user": user.user_id, "group": user.group_id, "extra_groups": user.group_ids}


class ProcessGroup:
    """A running child. Its stdin is the control pipe: the line `cancel` asks it to stop; end of file means that the
    robot has died."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str, limits: ProcessLimits) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._mark = mark
        self._limits = limits
        self.pid = process.pid
        self.stdout = Lines(process.stdout, max_line_bytes=limits.max_line_bytes)
        self.stderr = Lines(process.stderr, max_line_bytes=limits.max_line_bytes)

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
    ) -> "ProcessGroup":
        """Start a command with pipes on stdin, stdout and stderr, and a unique mark in its environment.

        Raises:
            OSError: the command cannot be started.
        """
        # Descendants inherit the mark. It finds those that left the process group and whose parent has exited.
        marked = {**environment, process_tree.MARK: mark}
        pipe = subprocess.PIPE
        if sys.platform == "win32":
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=marked,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
        else:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=cwd, env=marked, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0, **_identity(user)
            )
        return cls(process, mark, limits)

    async def wait(self) -> int:
        """The exit code; a negative one is the signal that killed the child.

        `asyncio.subprocess.Process.wait` is not used: it also waits for the pipes to close, and a descendant that
        survives the child holds them open.
        """
        while (code := self._process.returncode) is None:  # noqa: ASYNC110 - asyncio offers no event for it
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def stop(self, *, now: bool = False) -> None:
        """Ask, then terminate, then kill, with a wait after each step; `now` kills at once.

        Returns when the child has exited.
        """
        if not now:
            self._ask()
            if await self._exited_within(self._limits.ask_seconds):
                return
            self._signal(signal.SIGTERM)
            if await self._exited_within(self._limits.terminate_seconds):
                return
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
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way

    def _ask(self) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
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

    async def _exited_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True
