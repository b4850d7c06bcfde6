"""Log viewers: lines of this instance and of others, each once and in the order of their ids."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.feed import PATIENCE_SECONDS
from casare_rpa.domain.logs import Level, LinesAfter, LogFilter, LogLine
from casare_rpa.domain.protocol import RobotLog
from casare_rpa.infrastructure.orchestrator.bus.events import LinesStored
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.views.log_stream import LOOK_SECONDS
from hub.fake_peer import FakePeer, documents
from orchestrator.slices import ROBOT, Instance, instance

ALL = LogFilter()


class Reads:
    """Counts the reads of lines after an id, and lets a test act before one is answered."""

    def __init__(self) -> None:
        self.number = 0
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def intercept(self, read: Callable[[], Awaitable[LinesAfter]], *_: int) -> LinesAfter:
        self.number += 1
        found = await read()
        act, self.before_answer = self.before_answer, None
        if act is not None:
            await act()
        return found


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


@pytest.fixture
def reads(plane: Instance) -> Reads:
    reads = Reads()
    plane.store.interceptors["lines_after"] = reads.intercept
    return reads


def line(text: str, robot_id: str = ROBOT) -> LogLine:
    return LogLine("default", robot_id, Level.INFO, text, 0, 0)  # type: ignore[arg-type]


async def joined(plane: Instance, tail: int = 0, since: int | None = None) -> FakePeer:
    peer = FakePeer(plane.clock)
    plane.hub.attach(peer.session)
    await plane.log_stream.join(peer.session, ALL, tail, since)
    return peer


async def texts(viewer: FakePeer) -> list[str]:
    return [d["payload"]["message"] for d in await documents(viewer) if d["type"] == "log"]


async def say(plane: Instance, link: Any, *messages: str) -> None:
    """A robot of this instance sends these lines."""
    lines = [RobotLog(robot_id=ROBOT, level="info", message=m, timestamp=datetime.now(UTC)) for m in messages]
    plane.log_stream.ingest(link, lines, None)
    await plane.log_stream.write()


async def elsewhere(plane: Instance, *messages: str) -> Hint:
    """Another instance stores these lines. Returns its hint."""
    stored = await plane.store.append_logs([line(message, "robot-2") for message in messages])
    assert stored[-1] is not None
    return Hint("there", logs=stored[-1].log_id)


async def later(plane: Instance, seconds: float = 1.1 * PATIENCE_SECONDS) -> None:
    plane.clock.advance(seconds)
    await plane.log_stream.show_missed()


async def test_hinted_lines_are_shown_in_order_with_those_of_this_instance(plane: Instance) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane)
    hint = await elsewhere(plane, "1", "2")
    await say(plane, link, "3")
    assert await texts(viewer) == [], "the lines before it may still arrive"
    plane.bus.publish(hint)
    await later(plane)
    assert await texts(viewer) == ["1", "2", "3"]
    await say(plane, link, "4")
    assert await texts(viewer) == ["1", "2", "3", "4"]
    plane.bus.publish(hint)
    await later(plane)
    assert await texts(viewer) == ["1", "2", "3", "4"], "a repeated hint"


async def test_lines_without_a_hint_are_shown_within_a_second(plane: Instance) -> None:
    viewer = await joined(plane)
    await plane.log_stream.show_missed()
    await elsewhere(plane, "lost")
    await later(plane, LOOK_SECONDS / 2)
    assert await texts(viewer) == []
    await later(plane, LOOK_SECONDS / 2)
    await later(plane)
    assert await texts(viewer) == ["lost"]


async def test_line_of_a_write_without_an_answer_is_shown(plane: Instance) -> None:
    """The answer of the store was lost after the commit; the robot sends the line again, which changes nothing."""
    _, link = await plane.robot()
    viewer = await joined(plane)
    await plane.store.append_logs([line("committed")])
    await say(plane, link, "next")
    await later(plane)
    assert await texts(viewer) == ["committed", "next"]


async def test_deleted_lines_and_skipped_ids_hold_up_nothing(plane: Instance) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane)
    hint = await elsewhere(plane, "deleted", "deleted")
    await say(plane, link, "stays")
    assert await plane.store.delete_oldest_lines("robot-2", 10) == 2
    plane.bus.publish(hint)
    await later(plane)
    assert await texts(viewer) == ["stays"]
    assert await plane.store.begin_epoch("restored", audit=AN_ENTRY)
    await say(plane, link, "of the next epoch")
    await later(plane)
    assert await texts(viewer) == ["stays", "of the next epoch"]
    await later(plane, LOOK_SECONDS)
    assert not plane.log_stream._feed.behind


async def test_newest_lines_that_were_deleted_are_given_up(plane: Instance) -> None:
    viewer = await joined(plane)
    plane.bus.publish(Hint("there", logs=(await elsewhere(plane, "a")).logs))
    assert await plane.store.begin_epoch("restored", audit=AN_ENTRY)
    await later(plane, LOOK_SECONDS)
    assert await texts(viewer) == ["a"]
    assert not plane.log_stream._feed.behind


async def test_hint_of_lines_that_do_not_exist_holds_up_nothing(plane: Instance, reads: Reads) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane)
    await plane.log_stream.show_missed()
    plane.bus.publish(Hint("there", logs=1_000))
    await later(plane)
    before = reads.number
    await say(plane, link, "new")
    await later(plane)
    assert await texts(viewer) == ["new"]
    assert reads.number == before


async def test_many_lines_are_read_in_pages(plane: Instance, reads: Reads) -> None:
    viewer = await joined(plane)
    many = [str(number) for number in range(1_250)]
    plane.bus.publish(await elsewhere(plane, *many))
    before = reads.number
    await later(plane)
    assert await texts(viewer) == many
    assert reads.number - before == 3


async def test_instance_without_viewers_reads_no_lines(plane: Instance, reads: Reads) -> None:
    _, link = await plane.robot()
    plane.bus.publish(await elsewhere(plane, "1"))
    await say(plane, link, "2")
    await elsewhere(plane, "3")
    await say(plane, link, "4")
    await later(plane, 10.0)
    assert reads.number == 0
    await elsewhere(plane, "5")
    viewer = await joined(plane, tail=2)
    await say(plane, link, "6")
    await later(plane)
    assert await texts(viewer) == ["4", "5", "6"], "no older line, and none twice"


async def test_viewers_of_one_instance_alone_cost_no_read_of_lines(plane: Instance, reads: Reads) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane)
    await plane.log_stream.show_missed()
    before = reads.number
    for number in range(5):
        await say(plane, link, str(number))
        await later(plane)
    assert await texts(viewer) == ["0", "1", "2", "3", "4"]
    assert reads.number == before


async def test_first_viewers_that_join_together_miss_nothing(plane: Instance, reads: Reads) -> None:
    _, link = await plane.robot()
    await elsewhere(plane, "old")
    first: list[FakePeer] = []

    async def another_joins() -> None:
        first.append(await joined(plane))
        await say(plane, link, "new")

    reads.before_answer = another_joins
    second = await joined(plane)
    assert await texts(first[0]) == ["new"]
    await say(plane, link, "newer")
    assert await texts(first[0]) == ["new", "newer"]
    assert await texts(second) == ["newer"]


async def test_line_that_is_stored_while_a_viewer_joins_comes_once(plane: Instance) -> None:
    """The read of the viewer is ahead of the instance that shows the line to the others."""
    await joined(plane)
    hint = await elsewhere(plane, "1", "2")
    viewer = await joined(plane, tail=1)
    plane.bus.publish(hint)
    await later(plane)
    assert await texts(viewer) == ["2"]


async def test_each_commit_of_lines_is_an_event(plane: Instance) -> None:
    stored: list[int] = []

    def note(event: LinesStored) -> None:
        stored.append(event.last)

    plane.bus.subscribe(note)
    _, link = await plane.robot()
    await say(plane, link, "1", "2")
    await say(plane, link, "3")
    assert stored == [2, 3]


@pytest.mark.parametrize("seed", range(20))
async def test_two_instances_show_every_line_once_in_order(plane: Instance, seed: int) -> None:
    """Two instances on one store; any hint may be lost, late or repeated, and the rounds run in any order."""
    chance = random.Random(seed)
    planes = (plane, Instance(plane.store, clock=plane.clock))
    links = [(await one.robot(f"robot-{number}"))[1] for number, one in enumerate(planes)]
    viewers: list[FakePeer] = []
    hints: list[Hint] = []
    stored = 0
    for _ in range(60):
        here = chance.randrange(2)
        match chance.randrange(6):
            case 0 | 1:
                entries = [
                    RobotLog(robot_id=f"robot-{here}", level="info", message=f"{n}", timestamp=datetime.now(UTC))
                    for n in range(chance.randrange(1, 5))
                ]
                planes[here].log_stream.ingest(links[here], entries, None)
                await planes[here].log_stream.write()
                stored += len(entries)
                hints.append(Hint("there", logs=stored))
            case 2 if hints:
                planes[here].bus.publish(chance.choice(hints))
            case 3 if len(viewers) < 4:
                viewers.append(await joined(planes[here], since=0))
            case _:
                await later(planes[here], chance.choice((0.01, 0.06, 1.0)))
    for one in planes:
        await later(one, 1.1 * LOOK_SECONDS)
        await later(one)
    for viewer in viewers:
        ids = [d["log_id"] for d in await documents(viewer) if d["type"] == "log"]
        assert ids == list(range(1, stored + 1))
