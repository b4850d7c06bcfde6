"""A child process in a group of its own, stopped with its whole family: asked, terminated, killed."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil

logger = logging.getLogger(__name__)

ASK_SECONDS = 10.0
TERMINATE_SECONDS = 5.0
DRAIN_SECONDS = 2.0
POLL_SECONDS = 0.02
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024
CANCEL_LINE = b"cancel\n"


class ProcessGroup:
    """A running child. Its stdin is our control line: `cancel` asks it to stop, and our death closes it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, command: Sequence[str], cwd: Path, environment: dict[str, str]) -> "ProcessGroup":
        """Start it, with pipes on stdin, stdout and stderr.

        Raises:
            OSError: it cannot be started.
        """
        if sys.platform == "win32":
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
        else:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        return cls(process)

    def stdout(self) -> AsyncIterator[bytes]:
        assert self._process.stdout is not None
        return _lines(self._process.stdout)

    def stderr(self) -> AsyncIterator[bytes]:
        assert self._process.stderr is not None
        return _lines(self._process.stderr)

    async def wait(self) -> int:
        """The exit code; negative: the signal that killed it.

        Not the library's own wait: that one returns only when the pipes are closed too, and a grandchild that
        lingers holds them open.
        """
        while (code := self._process.returncode) is None:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def stop(self, *, now: bool = False) -> None:
        """Ask, then terminate, then kill, each after its time; `now` kills at once. Returns when the child is gone."""
        if not now:
            self._ask()
            if await self._gone_within(ASK_SECONDS):
                return
            self._signal(signal.SIGTERM)
            if await self._gone_within(TERMINATE_SECONDS):
                return
        self.kill_family()
        await self.wait()

    def kill_family(self) -> None:
        """Kill the whole group, and descendants that left it."""
        family = _descendants(self.pid)
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
            except psutil.Error as error:
                logger.warning("process %d cannot be killed: %s", member.pid, error)

    def _ask(self) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            try:
                stdin.write(CANCEL_LINE)
            except (BrokenPipeError, ConnectionResetError):
                return  # it is ending by itself

    def _signal(self, number: int) -> None:
        try:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # the group is gone

    async def _gone_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines without their ends; one that is too long comes in pieces, so that no flood fills the memory."""
    rest = b""
    while chunk := await reader.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > MAX_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest
