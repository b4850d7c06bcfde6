"""Row 5: an instance is paused for long, as by SIGSTOP. It holds no lock, and is fenced when it continues."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from bus.servers import postgres_server
from casare_rpa.domain.vocabulary import CloseCode
from contract.stranger import stranger
from contract.test_robot_life import robot_address
from failures.processes import begin_job, instance, is_ready, job_of, shown_as, statuses, until
from postgres_server import DEBIAN
from storage.postgres_database import empty_database
from storage.postgres_jobs import copy_jobs
from storage.test_postgres_claims import claim, claiming, offered
from storage.values import a_job

pytestmark = pytest.mark.slow

STOPPED_SECONDS = 5.0
"""How long the server keeps the transaction of an instance that stopped."""

STOPPING = """
import asyncio, os, signal, sys
sys.path[:0] = [sys.argv[2]]
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.postgres import offer_writes
from storage.test_postgres_claims import claim, claiming

async def main():
    write = offer_writes.write
    async def stopping(*args):
        done = await write(*args)
        print("stopped", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        return done
    offer_writes.write = stopping
    async with claiming(sys.argv[1]) as writer:
        try:
            await claim(writer, ["stopped"], 1, 5)
        except StoreUnavailable:
            print(*(job.job_id for job in await claim(writer, ["stopped"], 1, 5)), flush=True)

asyncio.run(main())
"""


async def test_instance_that_stopped_in_a_claim_blocks_no_other_for_long() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job() for _ in range(10)])
    folder = str(Path(__file__).parents[1])
    stopped = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STOPPING, url, folder, stdout=asyncio.subprocess.PIPE
    )
    assert stopped.stdout is not None
    try:
        assert await asyncio.wait_for(stopped.stdout.readline(), 60) == b"stopped\n"
        began = time.monotonic()
        async with claiming(url) as writer:
            first = await claim(writer, ["robot-1"], 1, 10)
            assert time.monotonic() - began < STOPPED_SECONDS - 1, "it waits for no lock"
            assert len(first) == 5, "the other half is locked"
            connection = await asyncpg.connect(url)
            await connection.execute("UPDATE numbers SET last = last + 1")  # no shared row is locked
            assert time.monotonic() - began < STOPPED_SECONDS - 1
            # A change of a locked job waits until the server ends the transaction.
            await connection.execute("UPDATE jobs SET revision = revision WHERE offer_expires_at IS NULL")
            await connection.close()
            assert time.monotonic() - began < STOPPED_SECONDS + 2
            second = await claim(writer, ["robot-2"], 2, 10)
            assert len(second) == 5
        os.kill(stopped.pid, signal.SIGCONT)
        assert await asyncio.wait_for(stopped.stdout.readline(), 60) == b"\n", "its claim finds nothing any more"
        await stopped.wait()
    finally:
        if stopped.returncode is None:
            stopped.kill()
            await stopped.wait()
    stored = await offered(url)
    assert stored == {job.job_id: job.robot_id for job in [*first, *second]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [3.0, pytest.param(60.0, marks=pytest.mark.long)])
async def test_instance_that_continues_after_a_pause_is_fenced(tmp_path: Path, seconds: float) -> None:
    """Its robot runs the next job at another instance. A report in its older session waits for the paused one."""
    with postgres_server() as postgres:
        url = postgres.new_database("casare")
        with instance(tmp_path, "first", url) as first, instance(tmp_path, "second", url) as second:
            account = first.robot()
            async with stranger(robot_address(first, account), ping_interval=None) as old:
                job_id = await begin_job(first, account, old)
                first.process.send_signal(signal.SIGSTOP)
                try:
                    continues_at = time.monotonic() + seconds
                    async with stranger(robot_address(second, account)) as robot:
                        await robot.next("connected")
                        await robot.report(job_id, "completed")
                        await until(10, lambda: shown_as(second, job_id, "completed"))
                        next_id = await begin_job(second, account, robot)
                        await old.report(next_id, "failed", error="from the older session")
                        await asyncio.sleep(max(0.0, continues_at - time.monotonic()))
                        first.process.send_signal(signal.SIGCONT)
                        assert await old.closed(30) in (CloseCode.REPLACED, CloseCode.SERVICE_RESTART)
                        assert [one for one in old.seen if one["type"] == "job_assign"][1:] == []
                        await until(30, lambda: is_ready(first))
                        assert await shown_as(first, next_id, "running")
                        await robot.report(next_id, "completed")
                        await until(10, lambda: shown_as(first, next_id, "completed"))
                finally:
                    first.process.send_signal(signal.SIGCONT)
            for one in (job_id, next_id):
                assert (await statuses(second, one))[-2:] == ["running", "completed"]
                assert (await job_of(second, one))["attempt"] == 1
