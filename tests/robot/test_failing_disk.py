"""With a full, read-only or missing data directory a robot reports the end, frees the slot, and continues to log."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casare_rpa.domain.logs import Level
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.base import Emit, Log, Outcome, StopRequest, Task
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_thread import JournalThread
from fakes import Document, FakeOrchestrator, FakeSession, fake_orchestrator
from small_disk import CAN_MOUNT, small_disk

LINES = 300


def fill(folder: Path) -> None:
    """Write until the disk is full, then until not even a byte fits."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def make_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def remove(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


FAULTS: dict[str, Callable[[Path], None]] = {"missing": remove}
if CAN_MOUNT:  # test_journal_failures.py injects these faults without a file system of its own
    FAULTS |= {"full": fill, "read-only": make_read_only}
# The kernel refuses to make a file system read-only while a file on it is open for writing.
CASES = [(fault, at_start) for fault in FAULTS for at_start in (True, False) if at_start or fault != "read-only"]


class Talkative:
    """An executor whose tasks break the disk, log, and end."""

    def __init__(self, break_disk: Callable[[], None]) -> None:
        self._break_disk = break_disk

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        await emit(Log(Level.INFO, f"{task.job_id} begins", datetime.now(UTC)))
        if task.job_id == "job-1":
            self._break_disk()
        for number in range(LINES):
            await emit(Log(Level.INFO, f"{task.job_id} {number}", datetime.now(UTC)))
        return Outcome(result=task.job_id)


@pytest.fixture
async def orchestrator() -> AsyncIterator[FakeOrchestrator]:
    async with fake_orchestrator() as fake:
        yield fake


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system, where the user may mount one."""
    with small_disk(tmp_path / "disk", "1m") as folder:
        yield folder


@pytest.mark.parametrize(("fault", "at_start"), CASES)
async def test_failing_disk_does_not_block_the_protocol(
    orchestrator: FakeOrchestrator, tmp_path: Path, disk: Path, fault: str, *, at_start: bool
) -> None:
    ends: asyncio.Queue[Document] = asyncio.Queue()
    lines: list[str] = []
    idle = asyncio.Event()

    async def answer(session: FakeSession, message: Document) -> None:
        payload = message["payload"]
        lines.extend(entry["message"] for entry in payload.get("entries", [payload]) if "level" in entry)
        if message["type"] == "heartbeat" and payload["status"] == "idle" and payload["active_jobs"] == []:
            idle.set()
        if "id" in message:
            await session.ack(message)
        if payload.get("status") in ("completed", "failed"):
            idle.clear()
            ends.put_nowait(payload)

    orchestrator.answer = answer
    (tmp_path / "workflows" / "w").mkdir(parents=True)
    options = RobotOptions(
        url=orchestrator.url, robot_id="robot-1", api_key="k", workflows=tmp_path / "workflows", data_dir=disk
    )
    if at_start:
        FAULTS[fault](disk)
    journal = JournalThread(Journal(disk / "data" / "journal.db"))
    client = OrchestratorWebSocketClient("robot-1", "k", orchestrator.url, spool=journal)
    agent = RobotAgent(client, options, Talkative(lambda: None if at_start else FAULTS[fault](disk)), journal)
    try:
        async with asyncio.timeout(20):
            await client.connect()
            session = await orchestrator.session()
            for number in (1, 2):
                await session.assign(f"job-{number}", 1)
                end = await ends.get()
                assert (end["job_id"], end["status"], end["result"]) == (f"job-{number}", "completed", f"job-{number}")
                assert await client.drain(5), "every line and end is acknowledged"
                await client.send_heartbeat()
                await idle.wait()
            await agent.shut_down()
    finally:
        journal.close()
    expected = [[f"job-{n} begins", *(f"job-{n} {line}" for line in range(LINES))] for n in (1, 2)]
    assert lines == expected[0] + expected[1]
