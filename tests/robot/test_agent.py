"""The agent on a fake orchestrator: attempts are told apart, slots are kept, folders stay inside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.base import Emit, Outcome, StopRequest, Task
from casare_rpa.robot.journal import Journal
from fakes import FakeOrchestrator, FakeSession, fake_orchestrator


class Patient:
    """An executor whose tasks end when the test lets them, or when they are stopped."""

    def __init__(self) -> None:
        self.started: asyncio.Queue[tuple[Task, StopRequest]] = asyncio.Queue()
        self.release = asyncio.Event()

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        self.started.put_nowait((task, stop))
        await self.release.wait()
        return Outcome(result=task.attempt)


@pytest.fixture
async def orchestrator() -> AsyncIterator[FakeOrchestrator]:
    async with fake_orchestrator() as fake:
        yield fake


async def meet(orchestrator: FakeOrchestrator, folder: Path, executor: Patient) -> tuple[RobotAgent, FakeSession]:
    (folder / "workflows" / "w").mkdir(parents=True)
    options = RobotOptions(
        url=orchestrator.url, robot_id="robot-1", api_key="k", workflows=folder / "workflows", data_dir=folder / "data"
    )
    client = OrchestratorWebSocketClient("robot-1", "k", orchestrator.url)
    agent = RobotAgent(client, options, executor, Journal(folder / "journal.db"))
    await client.connect()
    return agent, await orchestrator.session()


async def answer_everything(session: FakeSession) -> None:
    seen = 0
    while True:
        for message in session.seen[seen:]:
            seen += 1
            if "id" in message:
                await session.ack(message)
        await asyncio.sleep(0.01)


async def test_cancel_of_an_old_attempt_leaves_the_new_one_alone(
    orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    executor = Patient()
    agent, session = await meet(orchestrator, tmp_path, executor)
    answers = asyncio.create_task(answer_everything(session))
    try:
        async with asyncio.timeout(10):
            await session.assign("../job", 1)
            task, stop = await executor.started.get()
            assert task.output_dir == tmp_path / "data" / "jobs" / ".._job-1"
            await session.assign("../job", 2)
            await session.cancel("../job", "superseded", attempt=1, grace_seconds=30)
            await stop.wanted.wait()
            assert executor.started.empty(), "one slot: the second attempt waits"
            executor.release.set()
            second, its_stop = await executor.started.get()
            assert (second.attempt, its_stop.wanted.is_set()) == (2, False)
            await agent.shut_down()
    finally:
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)
