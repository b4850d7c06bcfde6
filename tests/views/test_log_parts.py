"""A message of many lines is written in parts, so that other writes do not wait for all of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.logs import LogFilter, LogLine, StoredLine
from casare_rpa.domain.protocol import LogBatch, RobotLog
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


def entries(number: int, first: int = 0) -> list[RobotLog]:
    return [RobotLog(robot_id="robot-1", level="INFO", message=f"line {first + n}") for n in range(number)]


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
