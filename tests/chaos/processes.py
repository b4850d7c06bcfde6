"""The processes of a run: started, killed, stopped, continued, and restarted when they end."""

import asyncio
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

RESTART_SECONDS = 0.3
PR_SET_PDEATHSIG = 1


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to its maximum; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def die_with_parent() -> None:
    """End the process when the run itself is killed (only on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process that is restarted whenever it ends, until it is retired."""

    def __init__(self, name: str, module: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.starts = 0
        self.codes: list[int] = []
        self._module = module
        self.environment = dict(environment)
        self._extra: dict[str, str] = {}
        self._log = log
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._retired = False
        self._process: asyncio.subprocess.Process | None = None
        self.ended = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def _keep(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CASARE_", "CHAOS_"))}
        while not self._retired:
            await self._wanted.wait()
            if self._retired:
                return
            extra, self._extra = self._extra, {}
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *[sys.executable, "-m", self._module],
                    env={**inherited, **self.environment, **extra},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            self.starts += 1
            self.ended.clear()
            self.codes.append(await self._process.wait())
            self.ended.set()
            if not self._retired:
                await asyncio.sleep(RESTART_SECONDS)

    def next_time(self, **environment: str) -> None:
        """Variables for the next start only."""
        self._extra = environment

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it has not ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """`kill -9`; returns after it has ended."""
        if self.alive:
            self.send(signal.SIGKILL)
            await self.ended.wait()

    def hold(self) -> None:
        """Do not start it again until `release`."""
        self._wanted.clear()

    def release(self) -> None:
        self._wanted.set()

    async def retire(self, number: signal.Signals = signal.SIGKILL, within_seconds: float = 20.0) -> None:
        """End it without a restart: with this signal, and with SIGKILL if that takes too long."""
        self._retired = True
        self._wanted.set()
        if self._keeper is None:
            return
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            async with asyncio.timeout(within_seconds):
                await asyncio.shield(self._keeper)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self._keeper


def tag_of(robot_id: str) -> str:
    """The tag of a robot, by the last digit of its id. It reports the tag, and the admin allows it."""
    return "odd" if int(robot_id[-1]) % 2 else "even"
