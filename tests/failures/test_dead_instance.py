"""Row 6: an instance is dead, as after kill -9. Another one ends its sessions, and its robots have one whole window."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from bus.servers import postgres_server
from contract.server_process import Account, Server
from contract.stranger import stranger
from contract.test_robot_life import robot_address
from failures.processes import ask, begin_job, instance, job_of, robot_shown_as, shown_as, statuses, until

pytestmark = pytest.mark.slow

KNOWN_SECONDS = 16.0
"""15 s after the last write was seen. An instance looks every half second whether the others write."""
MACHINE_SECONDS = 2.0
"""The time of a round and of a request on a busy machine."""


class Killed(NamedTuple):
    """The second of two instances after the first, with a robot at work, was killed."""

    url: str
    second: Server
    account: Account
    job_id: str


@asynccontextmanager
async def killed(tmp_path: Path) -> AsyncIterator[Killed]:
    with postgres_server() as postgres:
        url = postgres.new_database("casare")
        with instance(tmp_path, "first", url) as first, instance(tmp_path, "second", url) as second:
            account = first.robot()
            async with stranger(robot_address(first, account)) as robot:
                job_id = await begin_job(first, account, robot)
                await until(10, lambda: robot_shown_as(second, account, "busy"))
                first.process.kill()
                first.wait()
                yield Killed(url, second, account, job_id)


async def completes(at: Server, left: Killed) -> None:
    """The robot connects to this instance, with its job, and completes it in the same attempt."""
    async with stranger(robot_address(at, left.account)) as robot:
        await robot.next("connected")
        await robot.report(left.job_id, "completed")
        await until(10, lambda: shown_as(left.second, left.job_id, "completed"))
    assert (await statuses(left.second, left.job_id))[-2:] == ["running", "completed"]
    assert (await job_of(left.second, left.job_id))["attempt"] == 1


@pytest.mark.long
async def test_robots_of_a_killed_instance_are_known_in_time_and_keep_their_jobs(tmp_path: Path) -> None:
    async with killed(tmp_path) as left:
        seconds = await until(60, lambda: robot_shown_as(left.second, left.account, "offline"))
        assert seconds <= KNOWN_SECONDS + MACHINE_SECONDS
        stored = await job_of(left.second, left.job_id)
        assert (stored["status"], stored["contact"]) == ("running", "lost")
        await completes(left.second, left)


@pytest.mark.long
async def test_killed_instance_that_starts_again_is_listed_once_and_its_robots_are_known_to_be_away(
    tmp_path: Path,
) -> None:
    """The new process holds the name, so the killed one has ended: nothing waits for the 15 s."""
    async with killed(tmp_path) as left:
        with instance(tmp_path, "first", left.url) as again:
            listed = (await ask(left.second, "/api/v1/instances")).json()["items"]
            assert sorted((one["name"], one["state"]) for one in listed) == [
                ("first", "running"),
                ("second", "running"),
            ]
            stored = await job_of(left.second, left.job_id)
            assert (stored["status"], stored["contact"]) == ("running", "lost")
            await completes(again, left)
