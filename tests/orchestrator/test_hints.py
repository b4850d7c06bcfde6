"""Hints between instances: which commits they name, how often they are sent, and what an instance does with one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.robot_records import RobotAction
from casare_rpa.infrastructure.orchestrator.bus.alone import Alone
from casare_rpa.infrastructure.orchestrator.bus.events import (
    Event,
    EventBus,
    LinesStored,
    QueueChanged,
    RobotChanged,
    RobotStored,
)
from casare_rpa.infrastructure.orchestrator.bus.ringer import GAP_SECONDS, Ringer
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.ports.bus import LOOK, MAX_IDS, Hint
from casare_rpa.infrastructure.orchestrator.robots.resync import ALL_HINTED_GAP_SECONDS, HINTED_GAP_SECONDS
from casare_rpa.infrastructure.orchestrator.settings import Settings
from hub.fake_peer import FakePeer
from orchestrator.doorbells import Doorbell, Doorbells
from orchestrator.slices import ADMIN, ROBOT, Instance, instance

HERE, THERE = "here", "there"


class Ringing:
    """An instance whose ringer runs, and the hints that it sent."""

    def __init__(self, plane: Instance) -> None:
        self.plane = plane
        self.bells = Doorbells()
        self.bell: Doorbell = self.bells.end()
        self.ringer = Ringer(plane.bus, self.bell, plane.clock, HERE, plane.hub.robot)

    async def hint(self, act: Callable[[], Any]) -> Hint:
        """The one hint about everything that `act` commits."""
        await self.settle()
        self.bell.rung.clear()
        outcome = act()
        if asyncio.iscoroutine(outcome):
            await outcome
        await self.settle()
        self.plane.clock.advance(GAP_SECONDS)
        await self.settle()
        (hint,) = self.bell.rung
        return hint

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


async def _forever(act: Callable[[], Any]) -> None:
    while True:
        await act()


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ringing(plane: Instance) -> AsyncIterator[Ringing]:
    ringing = Ringing(plane)
    loop = asyncio.create_task(_forever(ringing.ringer.ring))
    yield ringing
    loop.cancel()


# What a hint says


async def test_new_job_is_a_change_and_work(ringing: Ringing) -> None:
    hint = await ringing.hint(ringing.plane.job)
    last = (await ringing.plane.store.stream()).last
    assert hint == Hint(HERE, jobs=last, work=True)


async def test_change_of_a_held_job_names_its_robot(ringing: Ringing) -> None:
    plane = ringing.plane
    _, link = await plane.robot()
    job = await plane.job()
    await ringing.settle()
    plane.clock.advance(GAP_SECONDS)
    offered = await ringing.hint(plane.dispatch)
    assert offered == Hint(HERE, robots=(ROBOT,)), "viewers do not see an offer"
    claimed = await ringing.hint(lambda: plane.report(link, job, "claimed"))
    assert claimed == Hint(HERE, jobs=2, robots=(ROBOT,))
    progress = await ringing.hint(lambda: plane.report(link, job, "running", progress=10))
    assert (progress.jobs, progress.robots) == (3, (ROBOT,))
    assert await ringing.hint(lambda: plane.report(link, job, "running", progress=20)) == Hint(
        HERE, progress=(job.job_id,)
    )


async def test_order_to_a_robot_elsewhere_is_an_order(ringing: Ringing) -> None:
    plane = ringing.plane
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    await ringing.settle()
    plane.clock.advance(GAP_SECONDS)
    here = await ringing.hint(lambda: plane.commands.jobs.cancel(ADMIN, job.job_id, "stop"))
    assert not here.orders, "this instance sends it"
    assert here.progress == (job.job_id,)
    _, other = await plane.robot("robot-2")
    job = await plane.job()
    await plane.dispatch()
    await plane.report(other, job, "running")
    plane.hub.detach(other.session)
    await ringing.settle()
    plane.clock.advance(GAP_SECONDS)
    elsewhere = await ringing.hint(lambda: plane.commands.jobs.cancel(ADMIN, job.job_id, "stop"))
    assert elsewhere.orders


async def test_orders_to_robots_and_changed_rows(ringing: Ringing) -> None:
    plane = ringing.plane
    await plane.robot()
    robots = plane.commands.robots
    assert await ringing.hint(lambda: robots.order(ADMIN, RobotAction.DRAIN, ROBOT)) == Hint(
        HERE, robots=(ROBOT,), orders=True
    )
    assert await ringing.hint(lambda: robots.change(ADMIN, ROBOT, name="A")) == Hint(HERE, robots=(ROBOT,))
    key, _ = await robots.create_key(ADMIN, ROBOT)
    assert await ringing.hint(lambda: robots.revoke_key(ADMIN, ROBOT, key.key_id)) == Hint(HERE, orders=True)
    assert await ringing.hint(lambda: robots.remove(ADMIN, ROBOT)) == Hint(HERE, robots=(ROBOT,), orders=True)


async def test_figures_of_a_robot_are_in_no_hint(ringing: Ringing) -> None:
    ringing.plane.bus.publish(RobotChanged(ROBOT))
    assert await ringing.hint(lambda: ringing.plane.bus.publish(QueueChanged())) == Hint(HERE, queues=True)


@pytest.mark.parametrize("more", [0, 1])
async def test_long_list_of_robots_says_all(ringing: Ringing, more: int) -> None:
    robots = tuple(f"robot-{number}" for number in range(MAX_IDS + more))

    def change() -> None:
        for robot_id in robots:
            ringing.plane.bus.publish(RobotStored(robot_id))

    hint = await ringing.hint(change)
    assert hint == (Hint(HERE, all_robots=True) if more else Hint(HERE, robots=robots))


def test_hint_is_small() -> None:
    ids = tuple("x" * 64 for _ in range(MAX_IDS))
    hint = Hint("0" * 16, 2**53, 2**53, progress=ids, robots=ids, orders=True, queues=True, work=True)
    assert len(msgspec.json.encode(hint)) < 8_000
    assert msgspec.json.decode(b'{"instance": "a", "later": 1}', type=Hint) == Hint("a"), "of a newer version"


# How often


async def test_first_hint_is_immediate_and_later_ones_are_one(ringing: Ringing) -> None:
    plane = ringing.plane
    for last in range(1, 10):
        plane.bus.publish(LinesStored(last))
        await ringing.settle()
    assert ringing.bell.rung == [Hint(HERE, logs=1)]
    plane.clock.advance(GAP_SECONDS)
    await ringing.settle()
    assert ringing.bell.rung == [Hint(HERE, logs=1), Hint(HERE, logs=9)]
    plane.clock.advance(10.0)
    await ringing.settle()
    assert len(ringing.bell.rung) == 2, "no commit, no hint"


async def test_instance_alone_makes_no_hint(tmp_path: Path, plane: Instance) -> None:
    events = EventBus()
    bare = EventBus()
    alone = ControlPlane(Settings(data_dir=tmp_path), plane.store, plane.clock, events, Alone())
    shared = ControlPlane(Settings(data_dir=tmp_path), plane.store, plane.clock, bare, Doorbells().end())
    assert alone.ringer is None
    assert LinesStored not in events._receivers
    assert shared.ringer is not None
    assert LinesStored in bare._receivers
    assert alone.instance != shared.instance


# What a hint does


async def test_own_hint_is_ignored(ringing: Ringing) -> None:
    heard: list[Event] = []

    def note(event: Hint) -> None:
        heard.append(event)

    ringing.plane.bus.subscribe(note)
    for hint in (Hint(HERE, jobs=3), Hint(THERE, jobs=4), Hint(THERE, jobs=4), LOOK):
        ringing.bells.deliver(hint)
    assert heard == [Hint(THERE, jobs=4), Hint(THERE, jobs=4), LOOK]


@pytest.mark.parametrize("hint", [Hint(THERE, work=True), Hint(THERE, queues=True), LOOK])
async def test_hint_of_work_ends_the_rest_of_the_dispatcher(plane: Instance, hint: Hint) -> None:
    rounds = 0

    async def dispatch() -> None:
        nonlocal rounds
        await plane.dispatcher.dispatch()
        rounds += 1

    loop = asyncio.create_task(_forever(dispatch))
    await asyncio.sleep(0)
    plane.bus.publish(Hint(THERE, jobs=1))
    await FakePeer(plane.clock).settle()
    assert not plane.dispatcher._wanted.is_set()
    plane.bus.publish(hint)
    async with asyncio.timeout(5):
        while not rounds:
            await asyncio.sleep(0)
    loop.cancel()


async def test_hinted_robot_is_compared_at_once(plane: Instance) -> None:
    await plane.robot()
    await plane.robot("robot-2")
    loop = asyncio.create_task(_forever(plane.resync.compare_hinted))
    for robot_id in (ROBOT, "robot-2"):
        await plane.store.change_robot(robot_id, "changed elsewhere", None, None, audit=AN_ENTRY)
    plane.bus.publish(Hint(THERE, robots=(ROBOT, "unknown")))
    live, other = plane.fleet.get(ROBOT), plane.fleet.get("robot-2")
    assert live is not None
    assert other is not None
    async with asyncio.timeout(5):
        while HINTED_GAP_SECONDS not in plane.clock.sleeping:
            await asyncio.sleep(0.001)
    assert (live.robot.name, other.robot.name) == ("changed elsewhere", "")
    plane.bus.publish(Hint(THERE, all_robots=True))
    plane.clock.advance(HINTED_GAP_SECONDS)
    async with asyncio.timeout(5):
        while ALL_HINTED_GAP_SECONDS not in plane.clock.sleeping:
            await asyncio.sleep(0.001)
    assert other.robot.name == "changed elsewhere"
    loop.cancel()


async def test_workflows_that_another_instance_stored_are_read(plane: Instance) -> None:
    await plane.robot()
    await plane.store.list_workflows(ROBOT, ("invoices",))
    changed: list[str] = []

    def note(event: RobotChanged) -> None:
        changed.append(event.robot_id)

    plane.bus.subscribe(note)
    live = plane.fleet.get(ROBOT)
    assert live is not None
    for _ in range(2):
        plane.bus.publish(Hint(THERE, robots=(ROBOT,)))
        loop = asyncio.create_task(plane.resync.compare_hinted())
        async with asyncio.timeout(5):
            while HINTED_GAP_SECONDS not in plane.clock.sleeping:
                await asyncio.sleep(0.001)
        plane.clock.advance(HINTED_GAP_SECONDS)
        await loop
    assert live.robot.workflows == ("invoices",)
    assert changed == [ROBOT], "the second hint finds no difference"


async def test_robot_that_another_instance_removed_is_forgotten(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.robot("robot-2")
    await plane.presence.disconnect(link)
    await plane.store.remove_robot(ROBOT, audit=AN_ENTRY)
    plane.bus.publish(Hint(THERE, robots=(ROBOT,)))
    loop = asyncio.create_task(plane.resync.compare_hinted())
    async with asyncio.timeout(5):
        while plane.fleet.get(ROBOT) is not None:
            await asyncio.sleep(0.001)
    assert plane.fleet.get("robot-2") is not None
    loop.cancel()
