"""A removed robot: its sockets close, its keys are refused, its jobs follow their leases, and it leaves memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import Principal, RobotKey, Role
from casare_rpa.domain.errors import AuthError, NotFound
from casare_rpa.domain.job import Reason
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from orchestrator.slices import ADMIN, ROBOT, Instance, instance

STEP_SECONDS = 5
"""Between two rounds of the rescuer, which takes a longer time for a pause of the server."""


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


async def test_removed_robot_without_a_connection_leaves_memory_at_once(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.presence.disconnect(link)
    key = RobotKey("key-1", ROBOT, "default", "digest", plane.clock.now())
    await plane.store.add_key(key, audit=AN_ENTRY)
    await plane.commands.robots.remove(ADMIN, ROBOT)
    assert await plane.store.robot(ROBOT) is None
    assert await plane.store.keys(ROBOT) == []
    assert plane.fleet.get(ROBOT) is None
    (entry, *_) = await plane.store.audit(ROBOT, ["remove_robot"], 10, None)
    assert (entry.by, entry.target) == ("ana", ROBOT)


async def test_sockets_of_a_removed_robot_close_and_its_job_follows_the_lease(plane: Instance) -> None:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    await plane.commands.robots.remove(ADMIN, ROBOT)
    await peer.settle()
    assert peer.close_codes == [CloseCode.AUTH_FAILED]
    await plane.presence.disconnect(link)
    running = await plane.stored(job)
    assert (running.status, running.contact_lost_at) == (JobStatus.RUNNING, plane.clock.now())
    await plane.resync.compare()
    assert plane.fleet.get(ROBOT) is None
    for _ in range(0, LEASE_SECONDS, STEP_SECONDS):
        assert (await plane.stored(job)).status is JobStatus.RUNNING
        plane.clock.advance(STEP_SECONDS)
        await plane.rescuer.rescue()
    plane.clock.advance(STEP_SECONDS)
    await plane.rescuer.rescue()
    ended = await plane.stored(job)
    assert (ended.status, ended.reason) == (JobStatus.FAILED, Reason.ROBOT_LOST)


async def test_removed_robot_gets_no_job_and_a_new_one_of_the_same_id_does(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.presence.disconnect(link)
    await plane.commands.robots.remove(ADMIN, ROBOT)
    job = await plane.job()
    await plane.dispatch()
    assert (await plane.stored(job)).robot_id is None
    placement = Placement("default", "default", None, (), "w")
    assert plane.fleet.availability(placement, plane.clock.monotonic()) == []
    _, again = await plane.robot()
    await plane.dispatch()
    await plane.report(again, job, "running")
    assert (await plane.stored(job)).status is JobStatus.RUNNING


async def test_robot_that_another_instance_removed_leaves_memory_after_its_disconnect(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.store.remove_robot(ROBOT, audit=AN_ENTRY)
    await plane.resync.compare()
    assert plane.fleet.get(ROBOT) is not None, "its connection is closed by the check of its key"
    await plane.presence.disconnect(link)
    await plane.resync.compare()
    assert plane.fleet.get(ROBOT) is None
    assert plane.fleet.slots(plane.clock.monotonic()).by_id == {}


async def test_only_an_admin_of_its_tenant_removes_a_robot(plane: Instance) -> None:
    await plane.robot()
    with pytest.raises(AuthError):
        await plane.commands.robots.remove(Principal(Role.ROBOT, "robot", "default", ROBOT), ROBOT)
    for who, robot_id in ((Principal(Role.ADMIN, "ben", "acme"), ROBOT), (ADMIN, "nobody")):
        with pytest.raises(NotFound):
            await plane.commands.robots.remove(who, robot_id)
    assert await plane.store.robot(ROBOT) is not None
