"""Two instances of the server on one store: who has a robot, who judges its leases, and what follows a death."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from casare_rpa.domain.errors import AuthError, InvalidSettings, StoreUnavailable
from casare_rpa.domain.instance_facts import InstanceFacts, SecretDigests
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.job import Job
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, seen
from orchestrator.slices import ROBOT, Instance, hello, instance

Pair = tuple[Instance, Instance]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two instances, `here` and `there`, with one clock, that have run for a minute."""
    async with instance(tmp_path) as here:
        there = Instance(here.store, name="there", clock=here.clock)
        await there.presence.load()
        for _ in range(12):
            await both_run(here, there)
        yield here, there


async def both_run(here: Instance, there: Instance, seconds: float = 5) -> None:
    here.clock.advance(seconds)
    for one in (here, there):
        await one.instances.hear()
        await one.rescuer.rescue()


async def only_runs(one: Instance, seconds: float, *links: RobotConnection) -> None:
    """One instance runs on, and hears these robots, while the other one stands still."""
    for _ in range(0, round(seconds), 5):
        one.clock.advance(5)
        for link in links:
            one.hears(link)
        await one.instances.hear()
        await one.presence.write_heartbeats()
        for _ in range(5):
            await one.rescuer.rescue()


async def working(plane: Instance) -> tuple[FakePeer, RobotConnection, Job]:
    """A robot of contract 1.0 that runs a job."""
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, await plane.stored(job)


async def test_robot_that_connects_elsewhere_loses_its_older_session(pair: Pair) -> None:
    here, there = pair
    _, old = await here.robot()
    _, new = await there.robot()
    assert new.number == old.number + 1
    here.hears(old)
    await here.presence.write_heartbeats()
    assert old.session.close_code is CloseCode.REPLACED


async def test_late_end_of_an_older_session_leaves_the_contact_as_it_is(pair: Pair) -> None:
    here, there = pair
    _, old, job = await working(here)
    await there.robot()
    await here.presence.disconnect(old)
    assert not (await here.stored(job)).contact_lost


async def test_older_session_gets_no_job(pair: Pair) -> None:
    here, there = pair
    peer, _ = await here.robot()
    await there.robot()
    job = await here.job()
    await here.dispatch()
    assert (await here.stored(job)).robot_id is None
    await there.dispatch()
    assert (await here.stored(job)).robot_id == ROBOT
    assert await seen(peer, "job_assign") == []


async def test_lease_is_judged_by_the_instance_that_hears_the_robot(pair: Pair) -> None:
    """The frames of the robot are in the memory of its instance only, because its writes are slow."""
    here, there = pair
    _, link, job = await working(here)
    for _ in range(20):
        here.hears(link)
        await both_run(here, there)
    assert (await here.stored(job)).status is JobStatus.RUNNING
    await here.presence.write_heartbeats()
    for _ in range(20):
        await both_run(here, there)
    assert (await here.stored(job)).status is not JobStatus.RUNNING, "the robot was silent for 90 s"


async def test_robots_of_a_dead_instance_have_a_new_window(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    died_at = there.clock.monotonic()
    while (stored := await there.stored(job)).contact_lost_at is None:
        await only_runs(there, 5)
    assert 15 <= there.clock.monotonic() - died_at <= 25
    lost_at = there.clock.monotonic()
    while (stored := await there.stored(job)).status is JobStatus.RUNNING:
        await only_runs(there, 5)
    assert 90 <= there.clock.monotonic() - lost_at <= 100
    assert stored.starts == 1


async def looks(one: Instance, seconds: float, job: Job | None = None) -> None:
    """One instance runs on with all its rounds, while the other one stands still; until the job has lost contact."""
    for step in range(round(2 * seconds)):
        if step % 10 == 0:
            await one.instances.hear()
        await one.instances.look_for_dead()
        if job is not None and (await one.stored(job)).contact_lost_at is not None:
            return
        one.clock.advance(0.5)


@pytest.mark.parametrize("after_seconds", [0.0, 0.2, 0.45])
async def test_death_is_known_within_a_second_after_the_15_seconds(pair: Pair, after_seconds: float) -> None:
    """The rounds of the two instances are independent, so the last write may just have missed one of the other."""
    here, there = pair
    _, _, job = await working(here)
    await here.instances.hear()
    died_at = there.clock.monotonic()
    there.clock.advance(after_seconds)
    await looks(there, 60, job)
    assert 15 <= there.clock.monotonic() - died_at <= 16
    assert not there.instances.others_run


async def test_instance_is_not_dead_before_it_was_silent_for_15_seconds(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    for _ in range(10):
        await looks(there, 14.5)
        await here.instances.hear()
    assert (await there.stored(job)).contact_lost_at is None


async def test_robots_of_a_dead_instance_are_shown_at_once(pair: Pair) -> None:
    here, there = pair
    await here.robot()
    await there.remote_robots.compare()
    live = there.fleet.get(ROBOT)
    assert live is not None
    assert live.elsewhere
    following = asyncio.create_task(there.remote_robots.compare_after_end())
    await looks(there, 16)
    async with asyncio.timeout(5):
        await following
    assert not live.elsewhere


async def test_robots_of_a_dead_instance_are_shown_at_once_by_an_instance_that_did_not_end_it(pair: Pair) -> None:
    here, there = pair
    following = asyncio.create_task(there.remote_robots.compare_after_end())
    await looks(there, 10)
    assert not following.done()
    await here.instances.depart()
    await looks(there, 0.5)
    async with asyncio.timeout(5):
        await following


async def test_robot_of_a_dead_instance_that_connects_keeps_its_job(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    await only_runs(there, 30)
    _, link = await there.robot()
    await there.presence.introduce(link, hello("process-1", job))
    await only_runs(there, 120, link)
    stored = await there.stored(job)
    assert (stored.status, stored.contact_lost_at) == (JobStatus.RUNNING, None)


async def test_instance_that_stood_still_asks_its_robots_to_connect_again(pair: Pair) -> None:
    here, there = pair
    _, link, job = await working(here)
    await only_runs(there, 60)
    here.hears(link)
    await here.presence.write_heartbeats()
    assert link.session.close_code is CloseCode.SERVICE_RESTART
    await here.rescuer.rescue()
    assert (await here.stored(job)).status is JobStatus.RUNNING


async def test_no_instance_counts_as_dead_when_the_store_was_away(pair: Pair) -> None:
    """No instance could write, so the times in the store say nothing about the others."""
    here, there = pair
    _, _, job = await working(here)
    there.store.interceptors["hear"] = refuse
    with pytest.raises(StoreUnavailable):
        await there.instances.hear()
    del there.store.interceptors["hear"]
    there.clock.advance(60)
    await there.instances.hear()
    assert (await there.stored(job)).contact_lost_at is None
    await here.instances.hear()
    for _ in range(6):
        await both_run(here, there)
    assert (await there.stored(job)).contact_lost_at is None


async def test_no_instance_counts_as_dead_when_the_store_could_be_read_only(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    there.store.interceptors["hear"] = refuse
    for _ in range(60):
        there.clock.advance(0.5)
        await there.instances.look_for_dead()
        with pytest.raises(StoreUnavailable):
            await there.instances.hear()
    del there.store.interceptors["hear"]
    await looks(there, 10)
    assert (await there.stored(job)).contact_lost_at is None
    await here.instances.hear()
    await looks(there, 10)
    assert (await there.stored(job)).contact_lost_at is None


async def test_no_instance_counts_as_dead_when_the_store_wrote_slowly(pair: Pair) -> None:
    """The writes of both instances waited. Those of this one are the first that the store carries out."""
    here, there = pair
    _, _, job = await working(here)
    await here.instances.hear()
    there.clock.advance(2.5)
    await there.instances.hear()
    waiting = 0
    continues = asyncio.Event()

    async def wait(write: Callable[[], Awaitable[object]], *_: object) -> object:
        nonlocal waiting
        waiting += 1
        await continues.wait()
        return await write()

    there.store.interceptors["hear"] = wait
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for rounds in (there.instances.hear, there.instances.look_for_dead):
            begun = waiting
            there.clock.advance(5 if begun == 0 else 7.5)
            group.create_task(rounds())
            while waiting == begun:
                await asyncio.sleep(0.001)
        continues.set()
    assert (await there.stored(job)).contact_lost_at is None


async def test_instance_that_stood_still_judges_no_other_one_at_once(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    there.clock.advance(60)  # both stood still: their machine did
    await there.instances.hear()
    assert (await there.stored(job)).contact_lost_at is None


async def test_clocks_of_instances_may_differ(pair: Pair) -> None:
    """An instance counts as dead when it does not write. The time that it writes does not count."""
    here, there = pair
    await here.instances.depart()
    behind = Instance(here.store, name="behind", clock=FakeClock(there.clock.now() - 3600 * MICROSECONDS_PER_SECOND))
    _, _, job = await working(behind)
    for _ in range(6):
        behind.clock.advance(5)
        await both_run(behind, there, 0)
        there.clock.advance(5)
    assert there.instances.others_run
    assert (await there.stored(job)).contact_lost_at is None


async def test_instance_that_departs_is_forgotten_at_once(pair: Pair) -> None:
    here, there = pair
    await here.instances.depart()
    await here.instances.hear()
    await there.instances.hear()
    assert not there.instances.others_run


async def test_pause_extends_the_leases_of_the_own_robots_only(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    lease = (await here.stored(job)).lease_expires_at
    there.store.interceptors["due"] = refuse
    with pytest.raises(StoreUnavailable):
        await there.rescuer.rescue()
    del there.store.interceptors["due"]
    await there.rescuer.rescue()
    assert (await here.stored(job)).lease_expires_at == lease


async def test_robot_without_a_connection_gets_a_window_after_the_store_was_away(pair: Pair) -> None:
    """It could not connect to any instance in that time, and each of them judges its lease."""
    here, there = pair
    _, link, job = await working(here)
    await there.instances.hear()
    here.hub.detach(link.session)
    await here.presence.disconnect(link)
    for plane in pair:
        await plane.rescuer.rescue()

    async def fail(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    here.store.interceptors["due"] = fail
    for _ in range(100):
        for plane in pair:
            plane.clock.advance(0.5)
            with pytest.raises(StoreUnavailable):
                await plane.rescuer.rescue()
    del here.store.interceptors["due"]
    await there.rescuer.rescue()
    lease = (await there.stored(job)).lease_expires_at
    assert lease is not None
    assert lease - there.clock.now() == 90_000_000


async def test_only_instance_extends_all_leases_after_a_pause(pair: Pair) -> None:
    here, there = pair
    _, _, job = await working(here)
    await here.instances.depart()
    await there.instances.hear()
    there.clock.advance(60)
    await there.rescuer.rescue()
    lease = (await there.stored(job)).lease_expires_at
    assert lease is not None
    assert lease - there.clock.now() == 90_000_000


async def test_instance_that_stands_still_while_it_opens_a_window_opens_another_one(pair: Pair) -> None:
    here, there = pair
    await there.instances.depart()
    await here.instances.hear()
    _, _, job = await working(here)
    pauses = iter([100.0, 0.0])

    async def write(extend: Callable[[], Awaitable[int]], *_: object) -> int:
        here.clock.advance(next(pauses))
        return await extend()

    here.store.interceptors["extend_leases"] = write
    here.clock.advance(20)
    await here.rescuer.rescue()
    assert (await here.stored(job)).status is JobStatus.RUNNING
    assert list(pauses) == []


async def test_processes_that_replace_each_other_on_two_instances_are_refused(pair: Pair) -> None:
    here, there = pair
    for number in range(5):
        plane = (here, there)[number % 2]
        _, link = await plane.robot()
        await plane.presence.introduce(link, hello(f"process-{number % 2}"))
    with pytest.raises(AuthError) as refused:
        await there.robot()
    assert refused.value.close_code == CloseCode.FORBIDDEN


async def test_process_that_moves_between_instances_is_not_refused(pair: Pair) -> None:
    for number in range(9):
        plane = pair[number % 2]
        _, link = await plane.robot()
        await plane.presence.introduce(link, hello("process-1"))


# The start of an instance


def described(clock: FakeClock, name: str, **secrets: str) -> InstanceFacts:
    digests = {"jwt_secret": "signing key", "api_secret": "api", "admin_password": "password", **secrets}
    return InstanceFacts(name=name, started_at=clock.now(), secrets=SecretDigests.of(**digests))


def new_instance(here: Instance, name: str, **secrets: str) -> Instances:
    facts = described(here.clock, name, **secrets)
    return Instances(here.store, here.bus, here.clock, name, lambda: facts)


async def test_instance_with_the_same_secrets_starts(pair: Pair) -> None:
    here, _ = pair
    await new_instance(here, "north").start()
    await new_instance(here, "south").start()
    assert {"north", "south"} <= {one.instance for one in await here.store.running()}


@pytest.mark.parametrize("name", ["jwt_secret", "api_secret", "admin_password"])
async def test_instance_with_another_secret_than_one_that_runs_is_refused(pair: Pair, name: str) -> None:
    here, _ = pair
    await new_instance(here, "north").start()
    with pytest.raises(InvalidSettings, match=f"CASARE_{name.upper()}: .* instance north, .* or stop the others"):
        await new_instance(here, "south", **{name: "another secret"}).start()
    assert "south" not in {one.instance for one in await here.store.running()}


async def test_instance_with_another_secret_than_a_dead_one_starts(pair: Pair) -> None:
    here, _ = pair
    await new_instance(here, "north").start()
    here.clock.advance(16)
    await new_instance(here, "south", api_secret="another secret").start()


async def restarted(here: Instance, name: str) -> Instances:
    """Another process of an instance that was killed a second ago."""
    here.clock.advance(1)
    facts = described(here.clock, name)
    instances = Instances(here.store, here.bus, here.clock, f"{name} again", lambda: facts)
    await instances.start()
    return instances


async def test_start_with_the_name_of_a_killed_instance_ends_it_at_once(pair: Pair) -> None:
    """The store gives a name to one process only, so the earlier one has ended."""
    here, there = pair
    north = Instance(here.store, name="north", clock=here.clock)
    await new_instance(here, "north").start()
    _, _, job = await working(north)
    await restarted(here, "north")
    assert {one.instance for one in await here.store.running()} == {"here", "there", "north again"}
    stored = await here.stored(job)
    assert stored.contact_lost_at == here.clock.now()
    assert stored.lease_expires_at == here.clock.now() + 90 * MICROSECONDS_PER_SECOND
    _, link = await there.robot()
    await there.presence.introduce(link, hello("process-1", job))
    await only_runs(there, 120, link)
    stored = await there.stored(job)
    assert (stored.status, stored.contact_lost_at, stored.starts) == (JobStatus.RUNNING, None, 1)


async def test_start_with_another_name_ends_no_instance(pair: Pair) -> None:
    here, _ = pair
    north = Instance(here.store, name="north", clock=here.clock)
    await new_instance(here, "north").start()
    _, _, job = await working(north)
    await restarted(here, "south")
    assert {"north", "south again"} <= {one.instance for one in await here.store.running()}
    assert (await here.stored(job)).contact_lost_at is None


async def test_restart_after_a_kill_may_have_other_secrets_at_once(pair: Pair) -> None:
    """It holds the name, so the earlier process has ended."""
    here, _ = pair
    await new_instance(here, "north").start()
    here.clock.advance(1)
    facts = described(here.clock, "north", jwt_secret="another secret")
    await Instances(here.store, here.bus, here.clock, "restarted", lambda: facts).start()
    assert "restarted" in {one.instance for one in await here.store.running()}


async def test_of_two_instances_that_start_at_the_same_time_the_later_one_is_refused(pair: Pair) -> None:
    """Each has looked for others before the other one wrote its row."""
    here, _ = pair
    north = new_instance(here, "north")
    here.clock.advance(1)
    south = new_instance(here, "south", jwt_secret="another secret")

    async def write(hear: Callable[[], Awaitable[object]], *_: object) -> object:
        del here.store.interceptors["hear"]
        await north.start()
        return await hear()

    here.store.interceptors["hear"] = write
    with pytest.raises(InvalidSettings, match="CASARE_JWT_SECRET"):
        await south.start()
    assert [one.instance for one in await here.store.running() if one.facts is not None] == ["north"]


async def test_name_that_a_running_instance_holds_is_refused(pair: Pair) -> None:
    here, _ = pair

    async def refuse_name(*_: object) -> bool:
        return False

    here.store.interceptors["hold_name"] = refuse_name
    with pytest.raises(InvalidSettings, match="CASARE_INSTANCE_NAME: an instance with the name north runs"):
        await new_instance(here, "north").start()


async def refuse(*_: object) -> None:
    raise StoreUnavailable("the disk is away")
