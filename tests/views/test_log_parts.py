"""A message of many lines is written in parts, so that other writes do not wait for all of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.line_order import GIVEN_UP_SECONDS
from casare_rpa.domain.logs import LogFilter, LogLine, StoredLine
from casare_rpa.domain.protocol import LogBatch, RobotLog
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from casare_rpa.infrastructure.orchestrator.views.log_stream import LogStream
from hub.fake_peer import FakePeer, documents
from orchestrator.slices import Instance, instance

LINES = 10


class Store:
    """The store of an instance, whose `append_logs` fails at some calls."""

    def __init__(self, plane: Instance, *failing: int) -> None:
        self._plane = plane
        self._failing = failing
        self.sizes: list[int] = []

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        self.sizes.append(len(lines))
        if len(self.sizes) in self._failing:
            raise StoreUnavailable("the store could not commit; nothing was written, try again")
        return await self._plane.store.append_logs(lines)

    def __getattr__(self, name: str) -> object:
        return getattr(self._plane.store, name)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


async def answers(peer: FakePeer) -> list[tuple[str, str]]:
    found = [one for one in await documents(peer) if one["type"] in ("ack", "error")]
    return [(one["type"], one.get("id") or one["payload"]["id"]) for one in found]


def entries(number: int, first: int = 0, *, numbered: bool = False) -> list[RobotLog]:
    return [
        RobotLog(robot_id="robot-1", level="INFO", message=f"line {n}", seq=n + 1 if numbered else None)
        for n in range(first, first + number)
    ]


async def stored(plane: Instance) -> list[str]:
    ids = await plane.store.recent_logs(LogFilter(), 1_000, 0)
    return [one.line.message for one in await plane.store.log_lines(ids)]


def stream_of(plane: Instance, store: Store, lines: int) -> LogStream:
    return LogStream(store, plane.bus, plane.hub, plane.clock, batch_lines=lines)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "sizes"), [(4, [4, 4, 2]), (5, [5, 5]), (9, [9, 1]), (10, [10]), (11, [10])])
async def test_large_message_is_written_in_parts_and_acknowledged_after_the_last(
    plane: Instance, size: int, sizes: list[int]
) -> None:
    peer, connection = await plane.robot()
    store = Store(plane)
    stream = stream_of(plane, store, size)
    unfinished = stream.ingest(connection, entries(LINES), "m-1", LogBatch.TYPE)
    if unfinished is not None:
        await unfinished
    for written in range(len(sizes)):
        assert await answers(peer) == [], f"acknowledged after {written} of {len(sizes)} parts"
        await stream.write()
    assert store.sizes == sizes
    assert await answers(peer) == [("ack", "m-1")]
    assert await stored(plane) == [f"line {n}" for n in range(LINES)]


@pytest.mark.parametrize(("failing", "other"), [(1, "ack"), (2, "ack"), (3, "error")])
async def test_rest_of_a_message_is_not_written_after_a_part_that_failed(
    plane: Instance, failing: int, other: str
) -> None:
    """The robot sends the whole message again; a part behind the gap would make its journal skip the lines before.

    The third write has the last part of the first message and the first part of the second one.
    """
    peer, connection = await plane.robot()
    stream = stream_of(plane, Store(plane, failing), 4)
    for number, message_id in enumerate(("m-1", "m-2")):
        unfinished = stream.ingest(connection, entries(LINES, number * LINES), message_id, LogBatch.TYPE)
        if unfinished is not None:
            await unfinished
    while stream.unwritten:
        await stream.write()
    assert await answers(peer) == [("error", "m-1"), (other, "m-2")]
    first = 4 * (failing - 1)
    assert await stored(plane) == [
        f"line {n}" for n in (*range(first), *range(LINES, 2 * LINES if other == "ack" else LINES))
    ]


async def test_lines_of_other_robots_are_written_between_the_parts(plane: Instance) -> None:
    _, connection = await plane.robot()
    other_peer, other = await plane.robot("robot-2")
    stream = stream_of(plane, Store(plane), 2)
    large = asyncio.ensure_future(stream.ingest(connection, entries(LINES), None, LogBatch.TYPE))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    line = RobotLog(robot_id="robot-2", level="INFO", message="of another")
    assert stream.ingest(other, [line], "m-1") is None
    while not await answers(other_peer):
        await stream.write()
    await large
    assert "of another" in await stored(plane)


async def send(stream: LogStream, connection: RobotConnection, message_id: str, lines: list[RobotLog]) -> None:
    unfinished = stream.ingest(connection, lines, message_id, LogBatch.TYPE)
    if unfinished is not None:
        await unfinished


@pytest.mark.parametrize("size", [4, LINES])
@pytest.mark.parametrize("repeated", [("m-1", "m-2"), ("m-2", "m-1", "m-2")], ids=["in order", "the later one first"])
async def test_numbered_lines_behind_a_refused_message_are_stored_after_it(
    plane: Instance, size: int, repeated: tuple[str, ...]
) -> None:
    """A robot sends several messages before the first is answered. Its journal would skip the lines of the first."""
    await plane.store.open_journal("robot-1", "journal-1")
    peer, connection = await plane.robot()
    stream = stream_of(plane, Store(plane, 1), size)
    lines = {f"m-{n + 1}": entries(LINES, n * LINES, numbered=True) for n in range(2)}
    for message_id in (*lines, *repeated):
        await send(stream, connection, message_id, lines[message_id])
    while stream.unwritten:
        await stream.write()
    refused = ["m-1", "m-2", *(["m-2"] if len(repeated) > 2 else [])]
    assert await answers(peer) == [*(("error", one) for one in refused), ("ack", "m-1"), ("ack", "m-2")]
    assert await stored(plane) == [f"line {n}" for n in range(2 * LINES)]


async def test_later_lines_are_stored_when_refused_ones_do_not_come_again(plane: Instance) -> None:
    await plane.store.open_journal("robot-1", "journal-1")
    peer, connection = await plane.robot()
    stream = stream_of(plane, Store(plane, 1), LINES)
    for message_id, first in (("m-1", 0), ("m-2", LINES)):
        await send(stream, connection, message_id, entries(LINES, first, numbered=True))
        await stream.write()
    plane.clock.advance(GIVEN_UP_SECONDS)
    await send(stream, connection, "m-3", entries(LINES, 2 * LINES, numbered=True))
    await stream.write()
    assert await answers(peer) == [("error", "m-1"), ("error", "m-2"), ("ack", "m-3")]
    assert await stored(plane) == [f"line {n}" for n in range(2 * LINES, 3 * LINES)]


async def test_message_without_lines_is_acknowledged(plane: Instance) -> None:
    peer, connection = await plane.robot()
    stream = stream_of(plane, Store(plane), LINES)
    await send(stream, connection, "m-1", [])
    await stream.write()
    assert await answers(peer) == [("ack", "m-1")]
