"""Small workflows written to a folder, and a recorder of their events."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil

from casare_rpa.domain.steps import JobStep
from casare_rpa.robot.executors.any_kind import WorkflowExecutor
from casare_rpa.robot.executors.base import Log, Outcome, ProgressUpdate, RunEvent, StepUpdate, StopRequest, Task
from casare_rpa.robot.executors.process_group import DEFAULT_LIMITS, ProcessLimits
from casare_rpa.robot.executors.slot_folders import SlotFolders

WITHIN_SECONDS = 30.0


# A robot in a process of its own, to be killed: it runs the workflow in $1 with the output folder $2.
PARENT = """
import asyncio, sys
from pathlib import Path
from casare_rpa.robot.executors.any_kind import WorkflowExecutor
from casare_rpa.robot.executors.base import Log, StopRequest, Task
from casare_rpa.robot.executors.slot_folders import SlotFolders
async def emit(event):
    if isinstance(event, Log):
        print(event.message, flush=True)
path, output = Path(sys.argv[1]), Path(sys.argv[2])
executor = WorkflowExecutor(SlotFolders(output.parent / "work"))
asyncio.run(executor.run(Task("j", 1, "demo", path, {"password": "hidden"}, 60, output), emit, StopRequest()))
"""


def workflow(folder: Path, suite: str, library: str | None = None, name: str = "demo") -> Path:
    """A Robot Framework workflow with one suite, and a Python library `Helper` beside it if given."""
    files = {"suite.robot": suite} | ({} if library is None else {"Helper.py": library})
    return workflow_of(folder, files, name)


def workflow_of(folder: Path, files: dict[str, str], name: str = "demo") -> Path:
    """A workflow folder with these files."""
    path = folder / name
    path.mkdir(parents=True)
    for file, text in files.items():
        (path / file).write_text(text)
    return path


def task(path: Path, output: Path, timeout_seconds: float = WITHIN_SECONDS, **parameters: object) -> Task:
    return Task("job-1", 1, path.name, path, parameters, timeout_seconds, output)


class Recorder:
    """Runs a task and records its events."""

    def __init__(self, limits: ProcessLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.logs: list[Log] = []
        self.progress: list[ProgressUpdate] = []
        self.steps: list[JobStep] = []
        self.stop = StopRequest()
        self._came = asyncio.Event()

    async def __call__(self, event: RunEvent) -> None:
        match event:
            case Log():
                self.logs.append(event)
            case ProgressUpdate():
                self.progress.append(event)
            case StepUpdate(step):
                self.steps.append(step)
        self._came.set()

    async def run(self, wanted: Task) -> Outcome:
        async with asyncio.timeout(WITHIN_SECONDS * 2):
            slots = SlotFolders(wanted.output_dir.parent / "work")
            return await WorkflowExecutor(slots, self.limits).run(wanted, self, self.stop)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the recorded events satisfy a condition."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds():
                self._came.clear()
                await self._came.wait()

    def logged(self, text: str) -> list[Log]:
        return [log for log in self.logs if text in log.message]

    def pid_of(self, word: str) -> int:
        """The process id logged after this word."""
        return int(next(log.message for log in self.logs if log.message.startswith(f"{word} ")).split()[1])


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not _gone(pid):
            await asyncio.sleep(0.02)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
