"""Row 3: one instance alone has lost PostgreSQL. Its robots move to the others, and keep their jobs."""

import asyncio
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from bus.servers import postgres_server
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_sessions import INSTANCE_SECONDS
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.hub.waves import WAVE_SECONDS
from casare_rpa.infrastructure.orchestrator.robots.cut_off import (
    AGREED_SECONDS,
    CUT_OFF_SECONDS,
    NOT_READY,
    CutOffInstance,
)
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from chaos.proxy import Proxy
from contract.stranger import stranger
from contract.test_robot_life import robot_address
from failures.outage import STEP_SECONDS, Outage, working
from failures.processes import (
    begin_job,
    instance,
    is_ready,
    job_of,
    ready,
    shown_as,
    statuses,
    until,
)
from orchestrator.slices import hello

pytestmark = pytest.mark.slow


def cut_off(pair: Outage, *, shared: bool = True, reachable: bool = True) -> CutOffInstance:
    """`reachable`: whether the other instance can be asked."""

    async def ask_instance(_: str) -> bool:
        return reachable and not pair.of_there.away

    pair.of_here.shared = shared
    return CutOffInstance(cast(Any, pair.of_here), pair.here.instances, pair.here.hub, pair.clock, ask_instance)


async def run(pair: Outage, moves: CutOffInstance, seconds: float, *links: RobotConnection) -> None:
    for _ in range(0, round(seconds), STEP_SECONDS):
        await pair.run(STEP_SECONDS, *links)
        await moves.move_robots()


async def test_instance_that_is_cut_off_sends_its_robots_to_the_others(pair: Outage) -> None:
    peer, link, job = await working(pair.here)
    viewer = await pair.here.viewer()
    moves = cut_off(pair)
    pair.away(here=True, there=False)
    await run(pair, moves, CUT_OFF_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None
    await run(pair, moves, STEP_SECONDS, link)
    pair.clock.advance(WAVE_SECONDS)
    assert link.session.close_code is CloseCode.OVERLOADED
    assert moves.problem == NOT_READY
    assert not viewer.session.closing
    await peer.settle()
    assert peer.close_codes == [1013]
    with pytest.raises(StoreUnavailable):
        await pair.here.presence.disconnect(link)
    _, moved = await pair.there.robot(link.robot_id)
    await pair.there.presence.introduce(moved, hello("process-1", job))
    for _ in range(40):
        pair.there.hears(moved)
        await pair.run(STEP_SECONDS)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.starts) == (JobStatus.RUNNING, 1)


@pytest.mark.parametrize("reason", ["the store is not shared", "no other instance runs"])
async def test_instance_without_another_place_keeps_its_robots(pair: Outage, reason: str) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair, shared=reason != "the store is not shared")
    if reason == "no other instance runs":
        await pair.there.instances.depart()
        await pair.here.instances.hear()
    pair.away(here=True, there=reason != "the store is not shared")
    await run(pair, moves, 2 * CUT_OFF_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None


@pytest.mark.parametrize("others", ["are away too", "do not answer"])
async def test_instance_keeps_its_robots_unless_another_one_reaches_the_store(pair: Outage, others: str) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair, reachable=others != "do not answer")
    pair.away(here=True, there=others == "are away too")
    await run(pair, moves, 300, link)
    assert not link.session.closing
    assert moves.problem is None


async def test_store_that_returns_to_another_instance_first_moves_no_robot(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away()
    await run(pair, moves, 300, link)
    pair.away(here=True, there=False)
    await run(pair, moves, AGREED_SECONDS - STEP_SECONDS, link)
    pair.away(here=False, there=False)
    await run(pair, moves, 2 * LEASE_SECONDS, link)
    assert not link.session.closing
    assert moves.problem is None


async def test_robots_move_when_the_store_returns_to_all_others_only(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away()
    await run(pair, moves, 300, link)
    pair.away(here=True, there=False)
    await run(pair, moves, AGREED_SECONDS + STEP_SECONDS, link)
    assert link.session.close_code is CloseCode.OVERLOADED


async def test_instance_is_ready_again_with_the_first_answer_of_the_store(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    pair.away(here=True, there=False)
    await run(pair, moves, 2 * CUT_OFF_SECONDS, link)
    assert moves.problem == NOT_READY
    pair.away(here=False, there=False)
    await pair.here.instances.hear()
    assert moves.problem is None
    pair.away(here=True, there=False)
    await run(pair, moves, CUT_OFF_SECONDS)
    assert moves.problem is None, "the time of the outage before does not count"


async def test_answer_of_the_store_ends_the_count(pair: Outage) -> None:
    _, link, _ = await working(pair.here)
    moves = cut_off(pair)
    for _ in range(3):
        pair.away(here=True, there=False)
        await run(pair, moves, CUT_OFF_SECONDS - STEP_SECONDS, link)
        pair.away(here=False, there=False)
        await run(pair, moves, STEP_SECONDS, link)
    assert link.session.close_code is not CloseCode.OVERLOADED


# With processes, sockets and PostgreSQL


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_robots_of_an_instance_without_its_link_to_postgresql_move_and_keep_their_jobs(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        url = postgres.new_database("casare")
        link = Proxy(postgres.port)
        port = await link.start()
        through = url.replace(f":{postgres.port}/", f":{port}/")
        with ExitStack() as stack:
            # In a thread, because the link needs the event loop.
            start = partial(asyncio.to_thread, stack.enter_context)
            first = await start(instance(tmp_path, "first", through))
            second = await start(instance(tmp_path, "second", url))
            account = await asyncio.to_thread(first.robot)
            async with stranger(robot_address(first, account)) as robot:
                job_id = await begin_job(first, account, robot)
                await asyncio.sleep(2 * INSTANCE_SECONDS)  # each has seen the other in the store
                await link.stop()
                assert (await ready(first))[1]["status"] == "degraded"
                began = time.monotonic()
                assert await robot.closed(CUT_OFF_SECONDS + 30) == CloseCode.OVERLOADED
                assert time.monotonic() - began >= CUT_OFF_SECONDS - 10
            status, body = await ready(first)
            assert (status, body["status"]) == (503, "cut_off")
            assert (await ready(second))[0] == 200
            async with stranger(robot_address(second, account)) as robot:
                await robot.next("connected")
                await robot.report(job_id, "running")
                await asyncio.sleep(2 * INSTANCE_SECONDS)
                stored = await job_of(second, job_id)
                assert (stored["status"], stored["contact"], stored["attempt"]) == ("running", None, 1)
                await link.start(port)
                await until(30, lambda: is_ready(first))
                await robot.report(job_id, "completed")
                await until(10, lambda: shown_as(second, job_id, "completed"))
            assert (await statuses(second, job_id))[-2:] == ["running", "completed"]
            await asyncio.to_thread(stack.close)
        await link.stop()
