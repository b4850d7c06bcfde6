"""Limits on the work for one robot: bytes and lines a second, and the memory of its lines."""

import asyncio
import json
from pathlib import Path

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.limits import RateLimit, WorkLimits
from casare_rpa.domain.logs import LogFilter
from casare_rpa.domain.protocol import RobotLog
from casare_rpa.infrastructure.orchestrator.endpoints import read
from casare_rpa.infrastructure.orchestrator.observability import Metrics
from casare_rpa.infrastructure.orchestrator.robots.work_budgets import COUNTED_BYTES, WorkBudgets
from casare_rpa.infrastructure.orchestrator.views.log_stream import BATCH_CHARACTERS, LogStream
from contract.server_process import serving
from contract.stranger import stranger
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, seen
from orchestrator.slices import instance

LARGE = 4 * COUNTED_BYTES


def message(size: int, kind: str = "pong") -> str:
    head, tail = f'{{"type":"{kind}","payload":{{"x":"', '"}}'
    return head + "x" * (size - len(head) - len(tail)) + tail


class Reading:
    """A session that is read with a budget. `handled` counts the messages that were handled."""

    def __init__(self, clock: FakeClock, budgets: WorkBudgets) -> None:
        self.clock = clock
        self.peer = FakePeer(clock, max_message_bytes=10 * LARGE)
        self.handled = 0
        budget = budgets.budget_of("robot-1")
        self.task = asyncio.create_task(
            read(Metrics(), self.peer.session, "/ws/robot", codec.FROM_ROBOT, self._handle, budget=budget)
        )

    def _handle(self, _received: object) -> None:
        self.handled += 1

    async def after(self, seconds: float = 0) -> int:
        await self.peer.settle()
        self.clock.advance(seconds)
        await self.peer.settle()
        return self.handled

    async def end(self) -> None:
        self.peer.leaves()
        self.clock.advance(60)
        await self.task


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_bytes_beyond_the_limit_stop_the_reading_and_lose_nothing(clock: FakeClock) -> None:
    budgets = WorkBudgets(clock, WorkLimits(RateLimit(LARGE, 2 * LARGE), None))
    reading = Reading(clock, budgets)
    await reading.peer.session.accept()
    for _ in range(5):
        reading.peer.says(message(LARGE))
    assert await reading.after() == 3, "the third one is over the burst: it is handled, and nothing is read after it"
    assert await reading.after(0.5) == 3
    assert await reading.after(0.5) == 4
    assert await reading.after(1) == 5
    assert budgets.paused == {"bytes": 3, "log lines": 0}
    (notice, *_) = await seen(reading.peer, "error")
    assert notice["code"] == "RATE_LIMITED"
    assert notice["message"] == f"too many bytes: {LARGE} a second, {2 * LARGE} at once; slow down"
    assert notice["retry_after_ms"] == 1000
    await reading.end()
    assert reading.peer.close_codes == []


async def test_invalid_messages_cost_as_much_as_valid_ones(clock: FakeClock) -> None:
    reading = Reading(clock, WorkBudgets(clock, WorkLimits(RateLimit(LARGE, LARGE), None)))
    await reading.peer.session.accept()
    for _ in range(2):
        reading.peer.says(message(LARGE, "no such type"))
    reading.peer.says(message(100))
    assert await reading.after() == 0
    assert await reading.after(1) == 1
    await reading.end()


async def test_small_messages_are_not_counted(clock: FakeClock) -> None:
    reading = Reading(clock, WorkBudgets(clock, WorkLimits(RateLimit(1, 1), None)))
    await reading.peer.session.accept()
    for _ in range(50):
        reading.peer.says(message(500))
    assert await reading.after() == 50
    await reading.end()


def test_a_reconnect_does_not_renew_the_budget(clock: FakeClock) -> None:
    budgets = WorkBudgets(clock, WorkLimits(None, RateLimit(10, 100)))
    assert budgets.budget_of("robot-1").spend_lines(100) is None
    pause = budgets.budget_of("robot-1").spend_lines(5)
    assert pause is not None
    assert (pause.seconds, pause.sentence) == (0.5, "too many log lines: 10 a second, 100 at once; slow down")
    assert budgets.budget_of("robot-2").spend_lines(100) is None
    assert budgets.budget_of("robot-1").spend_bytes(10**9) is None, "off"


# The memory of lines, and the size of one write


def entries(robot_id: str, number: int, size: int) -> list[RobotLog]:
    text = json.dumps(
        {"robot_id": robot_id, "level": "INFO", "message": "x" * size, "timestamp": "2026-03-02T12:00:00Z"}
    )
    return [codec.msgspec.json.decode(text, type=RobotLog) for _ in range(number)]


async def test_lines_that_wait_are_bounded_in_memory_and_written_in_pieces(tmp_path: Path) -> None:
    async with instance(tmp_path) as plane:
        _, connection = await plane.robot()
        stream = LogStream(plane.store, plane.bus, plane.hub, plane.clock, buffer_characters=3 * BATCH_CHARACTERS)
        waiting: list[asyncio.Task[None]] = []
        lines = 0
        while not waiting:
            lines += 20
            unfinished = stream.ingest(connection, entries("robot-1", 20, 60_000), None)
            if unfinished is not None:
                waiting.append(asyncio.ensure_future(unfinished))  # type: ignore[arg-type]
        assert lines * 60_000 <= 3 * BATCH_CHARACTERS + 2 * 20 * 60_000
        await asyncio.sleep(0)
        assert not waiting[0].done()
        written = 0
        while written < lines:
            before = written
            await stream.write()
            await asyncio.sleep(0)
            written = len(await plane.store.recent_logs(LogFilter(), 10_000, 0))
            assert (written - before) * 60_000 <= BATCH_CHARACTERS + 20 * 60_000
        assert waiting[0].done()
        assert written == lines


@pytest.mark.slow
async def test_lines_beyond_the_limit_are_stored_later_and_all_of_them(tmp_path: Path, wire: str) -> None:
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_RATE_LIMIT_ROBOT_LINES="100:100") as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            for number in range(3):
                lines = [{"level": "INFO", "message": f"{number} {line}"} for line in range(100)]
                await robot.send("log_batch", {"entries": lines}, id=f"batch {number}")
            await robot.answer("batch 2")
            assert "error" in robot.kinds()
        assert len(server.get("/logs?limit=500")["items"]) == 300
