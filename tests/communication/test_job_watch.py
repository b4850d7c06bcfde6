"""watch_jobs delivers every change once, over broken connections and a killed server."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from casare_rpa.domain.errors import AuthError, ConnectFailed
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.protocol import JobUpdate
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.communication.job_watch import watch_jobs
from contract.server_process import ADMIN_SECRET, Account, Server, serving
from contract.stranger import stranger
from fakes import FakeOrchestrator

WITHIN_SECONDS = 20.0
QUICK = Backoff(first_seconds=0.05, cap_seconds=0.2)


class Consumer:
    """The statuses that one consumer received, by job."""

    def __init__(self) -> None:
        self.statuses: dict[str, list[JobStatus]] = {}
        self.news = asyncio.Event()

    async def follow(self, url: str) -> None:
        async with aclosing(watch_jobs(url, api_secret=ADMIN_SECRET, backoff=QUICK)) as updates:
            async for update in updates:
                self._note(update)

    def _note(self, update: JobUpdate) -> None:
        statuses = self.statuses.setdefault(update.job_id, [])
        if not statuses or statuses[-1] is not update.status:  # progress and reasons have no number
            statuses.append(update.status)
        self.news.set()

    async def until(self, job_id: str, *statuses: str) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while [status.value for status in self.statuses.get(job_id, [])] != list(statuses):
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Consumer]:
    consumer = Consumer()
    task = asyncio.create_task(consumer.follow(url))
    try:
        yield consumer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run(server: Server, account: Account, job_id: str, *statuses: str) -> None:
    """Connect a robot, send these reports on the job, and disconnect."""
    async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
        for status in statuses:
            payload = {"job_id": job_id, "status": status, "timestamp": "2026-03-02T08:15:00Z"}
            await robot.send("job_status", payload, id=status)
            await robot.answer(status)


async def offered(server: Server, account: Account) -> str:
    job_id: str = server.job(account)["job_id"]
    async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
        await robot.next("job_assign")
    return job_id


@pytest.mark.slow
async def test_consumer_gets_the_open_jobs_and_each_change_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        account = server.robot()
        before = await offered(server, account)
        async with following(server.url) as consumer:
            await consumer.until(before, "pending")
            await run(server, account, before, "claimed", "running", "completed")
            await consumer.until(before, "pending", "claimed", "running", "completed")


@pytest.mark.slow
async def test_server_that_is_killed_and_comes_back_leaves_no_gap(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        account = server.robot()
        ends, stays = server.robot(), server.job(account)["job_id"]
        gone = await offered(server, ends)
        port = server.url.rpartition(":")[2]
        async with following(server.url) as consumer:
            await consumer.until(gone, "pending")
            await consumer.until(stays, "pending")
            server.process.send_signal(signal.SIGKILL)
            server.wait()
            with serving(tmp_path, CASARE_PORT=port) as again:
                await run(again, ends, gone, "claimed", "running", "completed")
                await consumer.until(stays, "pending")
                async with asyncio.timeout(WITHIN_SECONDS):
                    while consumer.statuses[gone][-1] is not JobStatus.COMPLETED:
                        consumer.news.clear()
                        await consumer.news.wait()
                new = again.job(account)["job_id"]
                await consumer.until(new, "pending")


@pytest.mark.slow
async def test_wrong_secret_and_unreachable_orchestrator_are_errors_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server, pytest.raises(AuthError, match="api_secret"):
        async for _ in watch_jobs(server.url, api_secret="wrong-secret-of-this-test"):
            pass
    with pytest.raises(ConnectFailed, match="cannot reach"):
        async for _ in watch_jobs(server.url, api_secret=ADMIN_SECRET):
            pass


async def test_address_that_is_refused_at_first_is_an_error() -> None:
    """A user waits for the first connection and must see the error. After a later refusal the client tries again."""
    fake = FakeOrchestrator()
    await fake.start()
    fake.greet = False

    async def watch() -> None:
        async with aclosing(watch_jobs(fake.url, api_secret=ADMIN_SECRET, backoff=QUICK)) as updates:
            await anext(updates)

    watching = asyncio.create_task(watch())
    try:
        session = await fake.session()
        await session.error("AUTH_FAILED", "host: add it to CASARE_ALLOWED_HOSTS")
        await session.close(CloseCode.ADDRESS_REFUSED)
        with pytest.raises(AuthError, match="CASARE_ALLOWED_HOSTS") as refused:
            await asyncio.wait_for(watching, WITHIN_SECONDS)
        assert refused.value.close_code is CloseCode.ADDRESS_REFUSED
    finally:
        watching.cancel()
        await fake.stop()
