"""How many connections to PostgreSQL an instance opens while everything is used at the same time."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from casare_rpa.cli.checks_database import CONNECTIONS_OF_AN_INSTANCE
from contract.server_process import Account, Server, serving
from contract.stranger import stranger
from contract.test_robot_life import admin_address, robot_address
from postgres_server import DEBIAN, running

pytestmark = pytest.mark.slow

ROBOTS = 4
JOBS_AT_ONCE = 20
SEARCHES = ("/jobs?q=inv", "/logs?q=line", "/failures", "/runs", "/overview", "/audit", "/jobs/count?status=completed")
SECONDS = 4.0
"""The load continues for so long after every connection was seen once."""
EXPECTED = {
    "casare submits": 1,
    "casare claims": 1,
    "casare changes": 1,
    "casare robots": 1,
    "casare logs": 1,
    "casare writer": 1,
    "casare lookup": 1,
    "casare reader": 2,
    "casare search": 1,
    "casare locks": 1,
    "casare bus": 1,
}


async def work(server: Server, account: Account, over: asyncio.Event) -> None:
    """A robot that takes jobs, reports and logs."""
    async with stranger(robot_address(server, account)) as robot:
        await robot.heartbeat(account.robot_id)
        while not over.is_set():
            job_id = (await robot.next("job_assign", within_seconds=30))["job_id"]
            for status in ("claimed", "running"):
                await robot.report(job_id, status)
            await robot.log(account.robot_id, "INFO", "a line")
            await robot.report(job_id, "completed")


async def watch(server: Server, over: asyncio.Event) -> None:
    """A dashboard that opens its page again and again."""
    while not over.is_set():
        async with stranger(admin_address(server)) as viewer:
            await viewer.send("subscribe", {"channels": ["robots", "jobs", "queue"]})
            await viewer.next("queue_metrics", within_seconds=30)


async def repeat(act: Callable[[], object], over: asyncio.Event) -> None:
    """A client that sends one request after the other."""
    while not over.is_set():
        await asyncio.to_thread(act)


def requests_of(server: Server, accounts: list[Account]) -> list[Callable[[], object]]:
    def submit() -> None:
        for account in accounts:
            wanted = {"workflow_id": "invoices", "robot_id": account.robot_id}
            server.post("/jobs/batch", {"jobs": [wanted] * JOBS_AT_ONCE})

    def read(path: str) -> None:
        assert server.http.get(f"/api/v1{path}").status_code in (200, 429), path

    def search() -> None:
        for path in SEARCHES:
            read(path)

    def export() -> None:
        read("/jobs/export")

    return [submit, *([search] * 4), *([export] * 4)]


@pytest.mark.long
async def test_instance_under_load_has_twelve_connections_at_most(tmp_path: Path) -> None:
    url = running(DEBIAN).new_database("connection_count")
    with serving(tmp_path / "data", CASARE_DATABASE_URL=url) as server:
        server.http.timeout = 60.0
        accounts = [server.robot() for _ in range(ROBOTS)]
        over = asyncio.Event()
        most = Counter[str]()
        largest = 0
        counting = await asyncpg.connect(url)
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(work(server, account, over))
            for _ in range(3):
                group.create_task(watch(server, over))
            for act in requests_of(server, accounts):
                group.create_task(repeat(act, over))
            began: float | None = None
            now = asyncio.get_running_loop().time
            while began is None or now() - began < SECONDS:
                rows = await counting.fetch(
                    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() "
                    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
                names = Counter(row[0] for row in rows)
                most |= names
                largest = max(largest, names.total())
                if began is None and names >= Counter(EXPECTED):
                    began = now()
                await asyncio.sleep(0.01)
            over.set()
        await counting.close()
    assert most == EXPECTED
    assert largest == CONNECTIONS_OF_AN_INSTANCE
