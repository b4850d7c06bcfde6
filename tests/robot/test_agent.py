"""The agent on a fake orchestrator: attempts are distinguished, slots are respected, folders stay inside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.protocol import JobError
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from casare_rpa.robot.agent import RobotAgent, RobotOptions
from casare_rpa.robot.executors.base import Emit, Executor, Outcome, ProgressUpdate, StopRequest, Task
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_thread import JournalThread
from fakes import Document, FakeOrchestrator, FakeSession, fake_orchestrator


class Patient:
    """An executor whose tasks end when the test releases them."""

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


async def connected_agent(
    orchestrator: FakeOrchestrator, folder: Path, executor: Executor, **more: Any
) -> tuple[RobotAgent, FakeSession]:
    (folder / "workflows" / "w").mkdir(parents=True)
    options = RobotOptions(
        url=orchestrator.url, robot_id="robot-1", api_key="k", workflows=folder / "workflows", data_dir=folder / "data"
    )
    client = OrchestratorWebSocketClient("robot-1", "k", orchestrator.url, slow_reconnect_seconds=0.01)
    agent = RobotAgent(
        client, options, executor, JournalThread(Journal(folder / "journal.db")), **{"watch_seconds": 0.01} | more
    )
    await client.connect()
    return agent, await orchestrator.session()


async def acknowledge(session: FakeSession, message: Document) -> None:
    if "id" in message:
        await session.ack(message)


async def test_cancel_of_an_old_attempt_leaves_the_new_one_alone(
    orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    orchestrator.answer = acknowledge
    executor = Patient()
    agent, session = await connected_agent(orchestrator, tmp_path, executor)
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


async def test_robot_that_another_process_replaced_stops_its_jobs(
    orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    orchestrator.answer = acknowledge
    executor = Patient()
    agent, session = await connected_agent(orchestrator, tmp_path, executor, stop_seconds=0.05)
    async with asyncio.timeout(10):
        await session.assign("job-1", 1)
        _, stop = await executor.started.get()
        orchestrator.answer = None
        await session.close(4009)
        await stop.wanted.wait()
        assert stop.reason == "another process connected as this robot"
        await stop.forced.wait()
        executor.release.set()
        again = await orchestrator.session()
        report = await again.report("completed")
        assert report["payload"]["job_id"] == "job-1", "its end is reported later"
        await again.ack(report)
        await agent.shut_down()


async def test_lost_connection_stops_no_job(orchestrator: FakeOrchestrator, tmp_path: Path) -> None:
    orchestrator.answer = acknowledge
    executor = Patient()
    agent, session = await connected_agent(orchestrator, tmp_path, executor)
    async with asyncio.timeout(10):
        await session.assign("job-1", 1)
        _, stop = await executor.started.get()
        await session.close(1012)
        await orchestrator.session()
        assert not stop.wanted.is_set()
        executor.release.set()
        await agent.shut_down()


async def test_slot_is_free_again_after_each_job(orchestrator: FakeOrchestrator, tmp_path: Path) -> None:
    ends: asyncio.Queue[Document] = asyncio.Queue()

    async def acknowledge_and_record(session: FakeSession, message: Document) -> None:
        await acknowledge(session, message)
        if message["payload"].get("status") in ("completed", "failed"):
            ends.put_nowait(message["payload"])

    orchestrator.answer = acknowledge_and_record
    executor = Patient()
    executor.release.set()
    agent, session = await connected_agent(orchestrator, tmp_path, executor)
    async with asyncio.timeout(10):
        for number in range(3):
            await session.assign(f"job-{number}", 1)
            task, _ = await executor.started.get()
            assert (task.job_id, (await ends.get())["job_id"]) == (f"job-{number}", f"job-{number}")
        await agent.shut_down()
    assert executor.started.empty()


async def test_change_of_the_folder_is_sent_in_a_new_hello(orchestrator: FakeOrchestrator, tmp_path: Path) -> None:
    agent, session = await connected_agent(orchestrator, tmp_path, Patient())
    first = await session.next("hello")
    watching = asyncio.create_task(agent.watch_workflows(["w"]))
    (tmp_path / "workflows" / "letters").mkdir()
    second = await session.next("hello")
    assert second["payload"]["workflows"] == ["letters", "w"]
    assert second["payload"]["instance_id"] == first["payload"]["instance_id"]
    (tmp_path / "workflows" / "letters").rmdir()
    assert (await session.next("hello"))["payload"]["workflows"] == ["w"]
    watching.cancel()
    await agent.shut_down()


async def test_job_of_a_workflow_that_vanished_is_rejected_after_the_new_list(
    orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    executor = Patient()
    agent, session = await connected_agent(orchestrator, tmp_path, executor, watch_seconds=60)
    async with asyncio.timeout(10):
        await session.next("hello")
        watching = asyncio.create_task(agent.watch_workflows(["w"]))
        (tmp_path / "workflows" / "w").rmdir()
        await session.assign("job-1", 1)
        rejection = await session.next("job_reject")
        assert rejection["payload"]["job_id"] == "job-1"
        assert "no workflow 'w'" in rejection["payload"]["reason"]
        sent = [message for message in session.seen if message["type"] in ("hello", "job_status", "job_reject")]
        assert [message["type"] for message in sent] == ["hello", "hello", "job_reject"]
        assert sent[1]["payload"]["workflows"] == []
        assert sent[1]["payload"]["active_jobs"] == []
        watching.cancel()
        await agent.shut_down()
    assert executor.started.empty()


class FailsAfterProgress:
    """An executor that reports progress faster than it is sent, and fails."""

    async def run(self, task: Task, emit: Emit, stop: StopRequest) -> Outcome:
        for percent in (20, 60, 80):
            await emit(ProgressUpdate(percent))
        return Outcome(error=JobError(type="error", message="no"))


async def test_failure_has_the_last_progress(orchestrator: FakeOrchestrator, tmp_path: Path) -> None:
    ends: asyncio.Queue[Document] = asyncio.Queue()

    async def acknowledge_and_record(session: FakeSession, message: Document) -> None:
        await acknowledge(session, message)
        if message["payload"].get("status") == "failed":
            ends.put_nowait(message["payload"])

    orchestrator.answer = acknowledge_and_record
    agent, session = await connected_agent(orchestrator, tmp_path, FailsAfterProgress())
    async with asyncio.timeout(10):
        await session.assign("job-1", 1)
        assert (await ends.get())["progress"] == 80
        await agent.shut_down()
