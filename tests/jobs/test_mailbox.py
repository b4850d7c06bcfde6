"""Orders that one instance accepts take effect at the instance that has the connection, once, without any hint."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import LoginSession, Principal, RobotKey, Role
from casare_rpa.domain.job import Job
from casare_rpa.domain.robot_records import RobotAction
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.bus.events import OrdersGiven
from casare_rpa.infrastructure.orchestrator.jobs.mailbox import ACTS_AT_ONCE, GAP_SECONDS
from casare_rpa.infrastructure.orchestrator.maintenance.loops import Loops
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from hub.fake_peer import FakePeer, seen
from orchestrator.slices import ADMIN, ROBOT, Instance, hello, instance

Pair = tuple[Instance, Instance]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two instances on one store, `here` and `there`, without a bus between them."""
    async with instance(tmp_path) as here:
        there = Instance(here.store, name="there", clock=here.clock)
        for one in (here, there):
            await one.instances.hear()
            await one.mailbox.load()
            await one.presence.load()
        yield here, there


async def working(plane: Instance) -> tuple[FakePeer, RobotConnection, Job]:
    peer, link = await plane.robot()
    await plane.presence.introduce(link, hello("process-1"))
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, job


async def polls(*planes: Instance) -> None:
    """Several rounds of all of them: an order that takes effect twice would do it here."""
    for _ in range(3):
        for plane in planes:
            await plane.mailbox.carry_out()
            await plane.mailbox.send_unsent()


async def test_cancel_is_sent_by_the_instance_with_the_robot(pair: Pair) -> None:
    here, there = pair
    peer, _, job = await working(here)
    await there.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await polls(here, there)
    await here.dispatcher.keep_receipts()
    await polls(here, there)
    assert [order["job_id"] for order in await seen(peer, "job_cancel")] == [job.job_id]
    assert (await here.stored(job)).cancel_sent_at is not None


async def test_own_cancel_is_not_sent_again(pair: Pair) -> None:
    here, _ = pair
    peer, _, job = await working(here)
    await here.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await polls(here)
    await here.dispatcher.keep_receipts()
    await polls(here)
    assert len(await seen(peer, "job_cancel")) == 1


async def test_restart_is_sent_once(pair: Pair) -> None:
    here, there = pair
    peer, _ = await here.robot()
    await there.commands.robots.order(ADMIN, RobotAction.RESTART, ROBOT)
    await polls(here, there)
    assert [order["action"] for order in await seen(peer, "command")] == ["restart"]


async def test_own_restart_is_not_sent_again(pair: Pair) -> None:
    here, _ = pair
    peer, _ = await here.robot()
    await here.commands.robots.order(ADMIN, RobotAction.RESTART, ROBOT)
    await polls(here)
    assert len(await seen(peer, "command")) == 1


async def test_drained_robot_gets_no_job_from_the_instance_that_has_it(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    await there.commands.robots.order(ADMIN, RobotAction.DRAIN, ROBOT)
    await polls(here)
    job = await here.job()
    await here.dispatch()
    assert (await here.stored(job)).robot_id is None
    await there.commands.robots.order(ADMIN, RobotAction.RESUME, ROBOT)
    await polls(here)
    await here.dispatch()
    assert (await here.stored(job)).robot_id == ROBOT


async def test_resumed_robot_is_not_skipped(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    live = here.fleet.get(ROBOT)
    assert live is not None
    live.skip_until = here.clock.monotonic() + 60
    await there.commands.robots.order(ADMIN, RobotAction.DRAIN, ROBOT)
    await there.commands.robots.order(ADMIN, RobotAction.RESUME, ROBOT)
    await polls(here)
    assert live.skip_until == 0


async def test_changed_robot_has_its_new_tags_at_every_instance(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    await there.commands.robots.change(ADMIN, ROBOT, tags=("sap",))
    await polls(here)
    live = here.fleet.get(ROBOT)
    assert live is not None
    assert live.tags == ("sap",)


async def test_robot_that_was_created_elsewhere_is_known(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    stored = await here.store.robot(ROBOT)
    assert stored is not None
    await there.mailbox.carry_out()
    assert there.fleet.get(ROBOT) is None, "its entry names another act"
    await there.commands.robots.change(ADMIN, ROBOT, name="First")
    await here.commands.robots.change(ADMIN, ROBOT, name="Second")
    await polls(there)
    live = there.fleet.get(ROBOT)
    assert live is not None
    assert live.robot.name == "Second"


async def test_revoked_key_closes_its_connections_everywhere(pair: Pair) -> None:
    here, there = pair
    _, link = await here.robot()
    link.session.principal = Principal(Role.ROBOT, ROBOT, "default", robot_id=ROBOT, key_id="key-1")
    await here.store.add_key(RobotKey("key-1", ROBOT, "default", "digest", here.clock.now()), audit=AN_ENTRY)
    await there.commands.robots.revoke_key(ADMIN, ROBOT, "key-1")
    await polls(here)
    assert link.session.close_code is CloseCode.AUTH_FAILED


async def test_removed_robot_is_disconnected_everywhere(pair: Pair) -> None:
    here, there = pair
    _, link = await here.robot()
    await there.commands.robots.remove(ADMIN, ROBOT)
    await polls(here)
    assert link.session.close_code is CloseCode.AUTH_FAILED


@pytest.mark.parametrize("action", ["sign_out", "end_session", "revoke_view_link"])
async def test_ended_session_of_a_user_is_closed_everywhere(pair: Pair, action: str) -> None:
    here, there = pair
    peer = await here.viewer()
    peer.session.principal = Principal(Role.ADMIN, "ana", login_id="lgn-1")
    now = here.clock.now()
    await there.store.add_login(LoginSession("lgn-1", "ana", None, "192.0.2.1", now, now, "digest"), audit=AN_ENTRY)
    await polls(here)
    assert peer.session.close_code is None
    entry = there.commands.queues._entry(ADMIN, action, "lgn-1")
    await there.store.end_login("lgn-1", now, audit=entry)
    await polls(here)
    assert peer.session.close_code is CloseCode.AUTH_FAILED


async def test_session_that_moved_elsewhere_is_closed(pair: Pair) -> None:
    here, there = pair
    _, old = await here.robot()
    _, new = await there.robot()
    await polls(here, there)
    assert (old.session.close_code, new.session.close_code) == (CloseCode.REPLACED, None)


async def test_session_that_moved_elsewhere_is_closed_while_cancels_wait_for_writes(pair: Pair) -> None:
    here, there = pair
    peer, link, job = await working(here)
    _, old = await here.robot("robot-2")
    await there.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    reached = asyncio.Event()

    async def wait(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    here.store.interceptors["check"] = wait
    async with Loops(here.clock) as loops, asyncio.timeout(5):
        loops.forever("orders", here.mailbox.carry_out)
        loops.forever("unsent cancels", here.mailbox.repeat_cancels)
        await reached.wait()
        await there.robot("robot-2")
        while old.session.close_code is None:
            await asyncio.sleep(0.001)
    assert (old.session.close_code, link.session.close_code) == (CloseCode.REPLACED, None)
    del here.store.interceptors["check"]
    await polls(here)
    assert [order["job_id"] for order in await seen(peer, "job_cancel")] == [job.job_id]


async def test_robot_that_moves_gives_an_order_to_the_other_instance(pair: Pair) -> None:
    """It becomes a hint, so that the other instance does not wait for its next poll."""
    here, there = pair
    given: list[tuple[str, OrdersGiven]] = []

    def note_here(event: OrdersGiven) -> None:
        given.append(("here", event))

    def note_there(event: OrdersGiven) -> None:
        given.append(("there", event))

    here.bus.subscribe(note_here)
    there.bus.subscribe(note_there)
    await here.robot()
    await here.robot()
    assert given == []
    await there.robot()
    assert given == [("there", OrdersGiven())]
    await there.robot()
    assert len(given) == 1


async def test_session_that_moved_back_stays(pair: Pair) -> None:
    """The order to close the first session is read when the third one is connected already."""
    here, there = pair
    await here.robot()
    await there.robot()
    _, newest = await here.robot()
    await polls(here, there)
    assert newest.session.close_code is None


async def test_more_acts_than_one_read_returns_take_effect(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    entries = [AN_ENTRY] * (ACTS_AT_ONCE + 1)
    await there.store.add_audit_entries(entries)
    await there.commands.robots.change(ADMIN, ROBOT, tags=("sap",))
    await here.mailbox.carry_out()
    live = here.fleet.get(ROBOT)
    assert live is not None
    assert live.tags == ("sap",)


async def test_hint_about_orders_ends_the_wait(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    await there.commands.robots.change(ADMIN, ROBOT, tags=("sap",))
    here.bus.publish(Hint("there", orders=True))
    reading = asyncio.create_task(here.mailbox.read())
    async with asyncio.timeout(10):
        while not here.clock.sleeping:
            await asyncio.sleep(0.001)  # the store answers in a thread of its own
    here.clock.advance(GAP_SECONDS)
    await reading
    live = here.fleet.get(ROBOT)
    assert live is not None
    assert live.tags == ("sap",)
