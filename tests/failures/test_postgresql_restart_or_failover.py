"""Row 2: PostgreSQL is away from all instances, and returns or fails over: no job is assigned, acknowledged or lost."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from bus.servers import postgres_server
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job_events import LeaseOver
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robot_sessions import INSTANCE_SECONDS
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.robots.cut_off import CUT_OFF_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from contract.stranger import now, stranger
from contract.test_robot_life import robot_address
from failures.outage import STEP_SECONDS, Outage, working
from failures.processes import (
    ask,
    begin_job,
    instance,
    is_ready,
    job_of,
    ready,
    statuses,
    until,
)
from hub.fake_peer import seen
from orchestrator.slices import hello
from postgres_server import DEBIAN, PostgresServer
from storage.values import a_job, add

pytestmark = pytest.mark.slow


async def test_lease_ends_one_window_after_the_return_at_the_earliest(pair: Outage) -> None:
    """The robot died in the outage. Whether it did is known only after it had a whole window to reconnect."""
    _, _, job = await working(pair.here)
    pair.away()
    await pair.run(300)
    pair.away(here=False, there=False)
    await pair.run(LEASE_SECONDS - STEP_SECONDS)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING
    await pair.run(3 * STEP_SECONDS)
    assert (await pair.here.stored(job)).status is not JobStatus.RUNNING


async def test_stored_beats_come_before_the_first_lease_is_judged(pair: Outage) -> None:
    """One robot sent frames in the outage, and another one died. The stored leases of both are over."""
    _, _, lost = await working(pair.here)
    _, link = await pair.here.robot("robot-2")
    kept = await pair.here.job()
    await pair.here.dispatch()
    await pair.here.report(link, kept, "running")
    pair.away()
    await pair.run(300, link)
    pair.of_here.done.clear()
    pair.away(here=False, there=False)
    await pair.run(LEASE_SECONDS + 3 * STEP_SECONDS, link)
    done = pair.of_here.done
    beats = [
        n for n, (name, given) in enumerate(done) if name == "beat" and "robot-2" in {b.robot_id for b in given[0]}
    ]
    judged = [
        n
        for n, (name, given) in enumerate(done)
        if name == "apply" and any(isinstance(change.event, LeaseOver) for change in given[0])
    ]
    windows = [n for n, (name, _) in enumerate(done) if name == "extend_leases"]
    sweeps = [n for n, (name, _) in enumerate(done) if name == "due"]
    assert windows[0] < sweeps[0] < beats[0] < judged[0]
    assert (await pair.here.stored(lost)).status is not JobStatus.RUNNING
    assert (await pair.here.stored(kept)).status is JobStatus.RUNNING


async def test_robot_without_a_connection_has_a_window_too(pair: Outage) -> None:
    """It lost its connection before the outage, and could not reconnect: no instance could check its key."""
    _, link, job = await working(pair.here)
    pair.here.hub.detach(link.session)
    await pair.here.presence.disconnect(link)
    pair.away()
    await pair.run(300)
    pair.away(here=False, there=False)
    await pair.run(LEASE_SECONDS - STEP_SECONDS)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING


async def test_robot_that_sends_frames_in_the_outage_keeps_its_job(pair: Outage) -> None:
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    assert not link.session.closing, "sockets stay open"
    pair.away(here=False, there=False)
    await pair.run(300, link)
    stored = await pair.here.stored(job)
    assert (stored.status, stored.contact_lost, stored.starts) == (JobStatus.RUNNING, False, 1)


async def test_instance_that_returns_ten_seconds_later_keeps_its_robots(pair: Outage) -> None:
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    pair.away(here=True, there=False)
    await pair.run(10, link)
    pair.away(here=False, there=False)
    await pair.run(2 * LEASE_SECONDS, link)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.contact_lost, link.session.closing) == (JobStatus.RUNNING, False, False)


async def test_instance_that_returns_a_minute_later_asks_its_robots_to_connect_again(pair: Outage) -> None:
    """The other one took it for dead, and gave the leases of its robots a whole window."""
    _, link, job = await working(pair.here)
    pair.away()
    await pair.run(300, link)
    pair.away(here=True, there=False)
    await pair.run(60, link)
    pair.away(here=False, there=False)
    await pair.run(STEP_SECONDS, link)
    assert link.session.close_code is CloseCode.SERVICE_RESTART
    _, back = await pair.here.robot(link.robot_id)
    await pair.here.presence.introduce(back, hello("process-1", job))
    await pair.run(2 * LEASE_SECONDS, back)
    stored = await pair.there.stored(job)
    assert (stored.status, stored.contact_lost, stored.starts) == (JobStatus.RUNNING, False, 1)


async def test_nothing_is_assigned_or_acknowledged_meanwhile(pair: Outage) -> None:
    peer, link, job = await working(pair.here)
    waiting = await pair.here.job()
    assigned = len(await seen(peer, "job_assign"))
    acknowledged = len(await seen(peer, "ack"))
    pair.away()
    with contextlib.suppress(StoreUnavailable):
        await pair.here.report(link, job, "completed")
    await pair.run(60, link)
    assert len(await seen(peer, "job_assign")) == assigned
    assert len(await seen(peer, "ack")) == acknowledged
    pair.away(here=False, there=False)
    assert (await pair.here.stored(job)).status is JobStatus.RUNNING
    await pair.here.report(link, job, "completed")
    await pair.run(STEP_SECONDS, link)
    assert (await pair.here.stored(job)).status is JobStatus.COMPLETED
    assert (await pair.here.stored(waiting)).robot_id == link.robot_id


# With processes, sockets and PostgreSQL


async def test_restart_keeps_sockets_and_requests_say_when_to_try_again(tmp_path: Path) -> None:
    with postgres_server() as postgres, instance(tmp_path, "one", postgres.new_database("casare")) as server:
        account = server.robot()
        async with stranger(robot_address(server, account)) as robot:
            job_id = await begin_job(server, account, robot)
            before = len(robot.seen)
            postgres.kill()
            refused = await ask(server, "/api/v1/jobs", "POST", {"workflow_id": "w"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            await robot.send("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="report")
            status, body = await ready(server)
            assert (status, body["status"], body["part"]) == (200, "degraded", "store")
            await asyncio.wait_for(await robot.socket.ping(), 10)
            assert [one["type"] for one in robot.seen[before:] if one["type"] in ("ack", "job_assign")] == []
            postgres.start()
            await until(30, lambda: is_ready(server))
            await robot.send("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="again")
            assert (await robot.answer("again"))["type"] == "ack"
            assert (await statuses(server, job_id))[-2:] == ["running", "completed"]
            assert (await ask(server, "/api/v1/jobs", "POST", {"workflow_id": "w"})).status_code == 201


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_minute_without_postgresql_moves_no_robot_of_any_instance(tmp_path: Path) -> None:
    """Longer than the time after which an instance that alone has lost PostgreSQL sends its robots away."""
    with postgres_server() as postgres:
        url = postgres.new_database("casare")
        with instance(tmp_path, "first", url) as first, instance(tmp_path, "second", url) as second:
            accounts = [first.robot(), second.robot()]
            async with (
                stranger(robot_address(first, accounts[0])) as one,
                stranger(robot_address(second, accounts[1])) as two,
            ):
                jobs = [await begin_job(first, accounts[0], one), await begin_job(second, accounts[1], two)]
                await asyncio.sleep(2 * INSTANCE_SECONDS)  # each has seen the other in the store
                postgres.kill()
                until_time = time.monotonic() + CUT_OFF_SECONDS + 15
                while time.monotonic() < until_time:
                    for server in (first, second):
                        status, body = await ready(server)
                        assert (status, body["status"]) == (200, "degraded")
                    for account, robot in zip(accounts, (one, two), strict=True):
                        await robot.heartbeat(account.robot_id, "busy")
                    await asyncio.sleep(2)
                postgres.start()
                for server in (first, second):
                    await until(30, lambda server=server: is_ready(server))
                await asyncio.sleep(2 * INSTANCE_SECONDS)
                for job_id, server, robot in zip(jobs, (first, second), (one, two), strict=True):
                    await asyncio.wait_for(await robot.socket.ping(), 10)
                    stored = await job_of(server, job_id)
                    assert (stored["status"], stored["contact"], stored["attempt"]) == ("running", None, 1)


@pytest.mark.long
async def test_promoted_standby_begins_another_epoch_and_takes_writes() -> None:
    primary = PostgresServer(DEBIAN, settings=["synchronous_standby_names=*"], durable=True)
    standby = PostgresServer(DEBIAN, settings=["synchronous_standby_names="], durable=True)
    try:
        primary.create()
        primary.start()
        standby.create_standby_of(primary)
        standby.start()
        primary.new_database("casare")
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        store = await PostgresStore.open(f"postgresql://casare@{hosts}/casare")
        try:
            await add(store, a_job(job_id="before"))
            epoch = (await store.stream()).epoch
            primary.kill()
            await asyncio.to_thread(standby.promote)
            await add(store, a_job(job_id="after"))
            state = await store.stream()
            assert state.epoch != epoch
            assert state.last == 2, "the numbers continue"
            assert await store.job("before") is not None
        finally:
            await store.close()
    finally:
        primary.close()
        standby.close()
