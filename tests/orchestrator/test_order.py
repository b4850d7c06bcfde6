"""Messages of one robot take effect, and are answered, in the order in which it sent them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Job
from casare_rpa.domain.limits import WorkLimits
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.observability import Metrics
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot
from casare_rpa.infrastructure.orchestrator.robots.work_budgets import WorkBudgets
from casare_rpa.infrastructure.orchestrator.websocket_handlers import RobotEndpoint
from hub.fake_peer import FakePeer, documents, seen
from orchestrator.slices import ROBOT, Instance, instance


class Conversation:
    """A robot on the real endpoint. The test runs the rounds that write reports and log lines."""

    def __init__(self, plane: Instance, peer: FakePeer) -> None:
        self.plane = plane
        self.peer = peer

    @property
    def live(self) -> LiveRobot:
        live = self.plane.fleet.get(ROBOT)
        assert live is not None
        return live

    async def says(self, kind: str, message_id: int | None = None, **payload: Any) -> None:
        beside = {} if message_id is None else {"id": message_id}
        self.peer.says(json.dumps({"type": kind, **beside, "payload": payload}))
        await self.peer.settle()

    async def reports(self, job: Job, status: str, message_id: int | None = None, **more: Any) -> None:
        await self.says("job_status", message_id, job_id=job.job_id, status=status, **more)

    async def answers(self) -> list[Any]:
        """The ids of the answers, in order."""
        found = [d for d in await documents(self.peer) if d["type"] in ("ack", "error")]
        return [d["payload"]["id"] if d["type"] == "ack" else d.get("id") for d in found]

    async def has_answered(self, expected: list[Any]) -> None:
        """Wait until these ids, and no others, were answered."""
        async with asyncio.timeout(5):
            while len(await self.answers()) < len(expected):
                await asyncio.sleep(0)
        assert await self.answers() == expected

    async def write(self, *rounds: Callable[[], Awaitable[None]]) -> None:
        for one in rounds:
            async with asyncio.timeout(5):
                await one()
        await self.peer.settle()

    async def has_a_job(self, **wishes: Any) -> Job:
        job = await self.plane.job(**wishes)
        await self.plane.dispatch()
        await self.reports(job, "running")
        await self.write(self.plane.reports.write)
        return job


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


@pytest.fixture
async def robot(plane: Instance) -> AsyncIterator[Conversation]:
    await plane.robot()  # known to the store; its connection is replaced
    peer = FakePeer(plane.clock, robot_id=ROBOT)
    parts = SimpleNamespace(
        store=plane.store,
        presence=plane.presence,
        reports=plane.reports,
        log_stream=plane.log_stream,
        hub=plane.hub,
        metrics=Metrics(),
        work_budgets=WorkBudgets(plane.clock, WorkLimits(None, None)),
    )
    plane.hub.attach(peer.session)
    serving = asyncio.create_task(RobotEndpoint().serve(parts, peer.session, {"robot_id": ROBOT}, {}))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while not await seen(peer, "connected"):
            await asyncio.sleep(0)
    plane.clock.advance(1)
    yield Conversation(plane, peer)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_busy_after_an_end_is_not_reset_by_it(plane: Instance, robot: Conversation) -> None:
    job = await robot.has_a_job()
    await robot.says("heartbeat", status="busy")
    await robot.reports(job, "completed")
    await robot.says("heartbeat", status="busy")
    await robot.write(plane.reports.write)
    assert robot.live.reported_status is RobotStatus.BUSY
    await plane.job()
    await plane.dispatch()
    assert len(await seen(robot.peer, "job_assign")) == 1


async def test_busy_before_an_end_is_reset_by_it(plane: Instance, robot: Conversation) -> None:
    job = await robot.has_a_job()
    await robot.says("heartbeat", status="busy")
    await robot.reports(job, "completed")
    await robot.write(plane.reports.write)
    assert robot.live.status is RobotStatus.IDLE


@pytest.mark.parametrize("status", ["busy", "offline"])
async def test_robot_gets_no_jobs_while_its_busy_or_offline_waits_for_its_turn(
    plane: Instance, robot: Conversation, status: str
) -> None:
    await plane.store.change_robot(ROBOT, None, None, 3, audit=AN_ENTRY)
    await plane.resync.compare()
    job = await robot.has_a_job()
    await robot.reports(job, "completed")
    await robot.says("heartbeat", status=status)
    assert robot.live.reported_status is None, "the report comes first"
    await plane.job()
    await plane.dispatch()
    assert len(await seen(robot.peer, "job_assign")) == 1
    await robot.write(plane.reports.write)
    assert robot.live.reported_status == status
    await robot.says("heartbeat", status="idle")
    await plane.dispatch()
    assert len(await seen(robot.peer, "job_assign")) == 2


LATER = [
    ("heartbeat", {"status": "offline"}),
    ("heartbeat", {"status": "idle", "robot_id": "another"}),
    ("hello", {"instance_id": "i1"}),
    ("pong", {}),
    ("log", {"level": "strange", "message": "x"}),
    ("job_status", {"job_id": "j"}),
    ("nonsense", {}),
]


@pytest.mark.parametrize(("kind", "payload"), LATER)
async def test_answers_are_in_the_order_of_the_messages(
    plane: Instance, robot: Conversation, kind: str, payload: dict[str, Any]
) -> None:
    job = await robot.has_a_job()
    await robot.reports(job, "running", 1, progress=10)
    await robot.says("log", 2, level="INFO", message="line")
    await robot.reports(job, "completed", 3)
    await robot.says(kind, 4, **payload)
    await robot.says("pong", 5)
    assert await robot.answers() == []
    await robot.write(plane.reports.write)
    assert await robot.answers() == [1], "the third is written and waits for the second"
    await robot.write(plane.log_stream.write)
    await robot.has_answered([1, 2, 3, 4, 5])


async def test_busy_heartbeat_takes_effect_while_lines_and_progress_are_written(
    plane: Instance, robot: Conversation
) -> None:
    """Its effect does not depend on them, so the robot's next messages are read. Its answer waits for its turn."""
    job = await robot.has_a_job()
    await robot.reports(job, "running", 1, progress=10)
    await robot.says("log", 2, level="INFO", message="line")
    await robot.says("heartbeat", 3, status="busy", cpu_percent=12.5)
    await robot.reports(job, "running", 4, progress=20)
    assert (robot.live.reported_status, robot.live.cpu_percent) == (RobotStatus.BUSY, 12.5)
    assert await robot.answers() == []
    await robot.write(plane.reports.write)
    assert await robot.answers() == [1]
    await robot.write(plane.log_stream.write)
    assert await robot.answers() == [1, 2, 3, 4]
    assert (await plane.stored(job)).progress == 20


@pytest.mark.parametrize(
    ("waiting", "beat"),
    [
        ("claimed", {"status": "busy"}),
        ("completed", {"status": "busy"}),
        ("running", {"status": "idle"}),
        ("running", {"status": "offline"}),
        ("running", {"status": "busy", "active_jobs": []}),
    ],
)
async def test_heartbeat_whose_effect_depends_on_a_report_waits_for_it(
    plane: Instance, robot: Conversation, waiting: str, beat: dict[str, Any]
) -> None:
    job = await robot.has_a_job()
    await robot.reports(job, waiting, 1, progress=10)
    await robot.says("heartbeat", 2, **beat, cpu_percent=12.5)
    assert robot.live.cpu_percent != 12.5
    await robot.write(plane.reports.write)
    await robot.has_answered([1, 2])
    assert robot.live.cpu_percent == 12.5


async def test_heartbeat_waits_for_the_report_that_starts_the_job(plane: Instance, robot: Conversation) -> None:
    job = await plane.job()
    await plane.dispatch()
    await robot.reports(job, "running", 1, progress=10)
    await robot.says("heartbeat", 2, status="busy", cpu_percent=12.5)
    assert robot.live.cpu_percent != 12.5
    await robot.write(plane.reports.write)
    await robot.has_answered([1, 2])


async def test_progress_merged_across_another_message_is_answered_in_its_own_turn(
    plane: Instance, robot: Conversation
) -> None:
    first = await robot.has_a_job()
    await robot.reports(first, "running", 1, progress=10)
    await robot.says("log", 2, level="INFO", message="line")
    await robot.reports(first, "running", 3, progress=20)
    await robot.write(plane.reports.write)
    assert await robot.answers() == [1]
    await robot.write(plane.log_stream.write)
    assert await robot.answers() == [1, 2, 3]
    assert (await plane.stored(first)).progress == 20


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), RuntimeError("a bug")])
async def test_messages_after_a_failed_report_are_handled(
    plane: Instance, robot: Conversation, error: Exception
) -> None:
    job = await robot.has_a_job()

    async def fails(*_: object) -> None:
        raise error

    plane.store.interceptors["apply"] = fails
    await robot.reports(job, "completed", 1)
    await robot.says("heartbeat", 2, status="offline")
    with suppress(RuntimeError):
        await robot.write(plane.reports.write)
    del plane.store.interceptors["apply"]
    await robot.has_answered([1, 2])
    assert robot.live.reported_status is RobotStatus.OFFLINE
    assert [one["code"] for one in await seen(robot.peer, "error")] == ["INTERNAL_ERROR"]


async def test_idle_after_a_report_gives_up_no_reported_job(plane: Instance, robot: Conversation) -> None:
    job = await robot.has_a_job()
    await plane.presence.disconnect(robot.live.connection)  # type: ignore[arg-type]
    assert (await plane.stored(job)).contact_lost_at is not None
    _, link = await plane.robot()
    await plane.beat(link)
    plane.clock.advance(31)
    await plane.report(link, job, "completed")
    await plane.beat(link)
    assert (await plane.stored(job)).reason is None


@pytest.mark.parametrize(
    "text", ["nonsense", '{"type":"heartbeat","payload":{"cpu_percent":"x"}}', '{"type":"job_status","payload":{}}']
)
async def test_refused_text_renews_the_lease_and_counts_as_contact(
    plane: Instance, robot: Conversation, text: str
) -> None:
    job = await robot.has_a_job()
    await plane.presence.write_heartbeats()
    for _ in range(40):
        plane.clock.advance(5)
        robot.peer.says(text)
        await robot.peer.settle()
        await plane.presence.close_silent()
        await plane.presence.write_heartbeats()
        await plane.rescuer.rescue()
    assert robot.peer.session.close_code is None
    assert (await plane.stored(job)).finished_at is None


@pytest.mark.parametrize("beat", [{}, {"status": None, "cpu_percent": None, "memory_mb": None, "timestamp": None}])
async def test_heartbeat_needs_no_field_and_keeps_omitted_values(
    plane: Instance, robot: Conversation, beat: dict[str, Any]
) -> None:
    await robot.says("heartbeat", status="busy", cpu_percent=12.5, memory_mb=700, timestamp="2025-12-22T14:30:00Z")
    plane.clock.advance(60)
    await robot.says("heartbeat", 1, **beat)
    live = robot.live
    assert await robot.answers() == [1]
    assert (live.reported_status, live.cpu_percent, live.memory_mb) == (RobotStatus.BUSY, 12.5, 700)
    assert (live.last_heartbeat_at, live.clock_skew_seconds) == (plane.clock.now(), None)
    await plane.presence.write_heartbeats()
    (stored,) = [one for one in await plane.store.last_heartbeats() if one.robot_id == ROBOT]
    assert (stored.reported_status, stored.cpu_percent, stored.last_heartbeat_at) == (
        RobotStatus.BUSY,
        12.5,
        plane.clock.now(),
    )


async def test_report_log_and_pong_need_no_time_robot_or_payload(plane: Instance, robot: Conversation) -> None:
    job = await robot.has_a_job()
    await robot.says("log", 1, level="INFO", message="line", robot_id=None, timestamp=None, job_id=None)
    robot.peer.says('{"type":"pong","id":2}')
    await robot.reports(job, "completed", 3, timestamp=None, progress=None, message=None, attempt=None, error=None)
    await robot.write(plane.log_stream.write)
    await robot.write(plane.reports.write)
    assert await robot.answers() == [1, 2, 3]
    assert await seen(robot.peer, "error") == []
