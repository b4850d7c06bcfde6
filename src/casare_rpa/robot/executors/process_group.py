"""A child process in a group of its own, stopped with its whole family: asked, terminated, killed."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from casare_rpa.robot.executors import process_tree

ASK_SECONDS = 10.0
TERMINATE_SECONDS = 5.0
POLL_SECONDS = 0.02
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024
CANCEL_LINE = b"cancel\n"


class Lines:
    """The lines of a pipe, without their ends; one that is too long comes in pieces, so that none fills the memory."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.waiting = False
        """Whether there is nothing to read now, but somebody could still write."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        while chunk := await self._chunk():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > MAX_LINE_BYTES:
                yield rest
                rest = b""
        if rest:
            yield rest

    async def _chunk(self) -> bytes:
        self.waiting = True
        try:
            return await self._reader.read(CHUNK_BYTES)
        finally:
            self.waiting = False


class ProcessGroup:
    """A running child. Its stdin is our control line: `cancel` asks it to stop, and our death closes it."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._mark = mark
        self.pid = process.pid
        self.stdout = Lines(process.stdout)
        self.stderr = Lines(process.stderr)

    @classmethod
    async def start(cls, command: Sequence[str], cwd: Path, environment: dict[str, str]) -> "ProcessGroup":
        """Start it, with pipes on stdin, stdout and stderr, and a mark in its environment.

        Raises:
            OSError: it cannot be started.
        """
        mark = uuid.uuid4().hex
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
                *command, cwd=cwd, env=marked, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0
            )
        return cls(process, mark)

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
        """Kill the child, its group, its descendants, and what left both but carries the mark."""
        process_tree.kill_descendants(self.pid)  # first: once the child is gone, nobody knows whose they were
        if self._process.returncode is None and sys.platform == "win32":
            self._process.kill()
        process_tree.kill_group(self.pid)
        process_tree.kill_marked(self._mark)

    def close(self) -> None:
        """Let go of the pipes, also of those that a stranger holds open."""
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way

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
                self._process.terminate()
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
