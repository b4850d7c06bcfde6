"""nginx in front of two instances, configured as the how-to page says: stops, reloads, and a database that is away."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import stranger
from postgres_server import DEBIAN, PostgresServer, free_port
from running_robot import robot
from several_servers import NAMES, instance

from .proxies import Proxy, make_certificates, nginx

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]
WITHIN_SECONDS = 60.0


@dataclass
class Place:
    """Two instances on a PostgreSQL of their own, behind nginx. `http` is a client of nginx."""

    folder: Path
    database: PostgresServer
    store: str
    ports: list[int]
    servers: list[Server]
    proxy: Proxy
    http: httpx2.Client
    running: ExitStack

    def restart(self, number: int) -> None:
        self.servers[number] = self.running.enter_context(
            instance(self.folder, NAMES[number], self.store, self.ports[number])
        )

    def submit(self, account: Account) -> str:
        """The id of a job that was submitted through nginx."""
        answer = self.http.post("/api/v1/jobs", json={"workflow_id": "quick", "robot_id": account.robot_id})
        assert answer.status_code == 201, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"/api/v1/jobs/{job_id}").json()
        return answer


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    make_certificates(tmp_path)
    database = PostgresServer(DEBIAN)
    database.create()
    database.start()
    store, ports = database.new_database("casare"), [free_port(), free_port()]
    with ExitStack() as running:
        running.callback(database.close)
        servers = [
            running.enter_context(instance(tmp_path, name, store, port))
            for name, port in zip(NAMES, ports, strict=True)
        ]
        proxy = running.enter_context(nginx(tmp_path, *[f"127.0.0.1:{port}" for port in ports]))
        client = httpx2.Client(
            base_url=f"https://{proxy.host}",
            headers={"X-API-Secret": ADMIN_SECRET},
            verify=ssl.create_default_context(cafile=str(proxy.authority)),
            trust_env=False,
            timeout=30,
        )
        yield Place(tmp_path, database, store, ports, servers, proxy, running.enter_context(client), running)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not holds():
            await asyncio.sleep(0.1)


async def test_robots_go_to_the_other_instance_and_stay_through_a_reload(place: Place) -> None:
    accounts = [place.servers[0].robot() for _ in range(2)]
    address = cast(Server, SimpleNamespace(url=f"https://{place.proxy.host}"))
    async with AsyncExitStack() as stack:
        for account in accounts:
            (folder := place.folder / account.robot_id).mkdir()
            await stack.enter_async_context(robot(address, account, folder, SSL_CERT_FILE=str(place.proxy.authority)))

        async def all_work() -> None:
            jobs = [place.submit(account) for account in accounts]
            await until(lambda: all(place.job(job_id)["status"] == "completed" for job_id in jobs))
            assert [place.job(job_id)["attempt"] for job_id in jobs] == [1] * len(jobs)

        await all_work()
        for number in range(2):
            context = ssl.create_default_context(cafile=str(place.proxy.authority))
            viewers = [f"wss://{place.proxy.host}/ws/monitoring/live-jobs?token={place.servers[0].token()}"] * 2
            async with stranger(viewers[0], ssl=context) as first, stranger(viewers[1], ssl=context) as second:
                place.servers[number].ask_to_stop()
                ends = {asyncio.create_task(one.closed(WITHIN_SECONDS)) for one in (first, second)}
                ended, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                assert {one.result() for one in ended} == {1012}
                for other in others:
                    other.cancel()
            assert await asyncio.to_thread(place.servers[number].wait) == 0
            await all_work()
            place.restart(number)
        connected = place.proxy.log.read_text().count("/ws/robot/")
        place.proxy.reload()
        await all_work()
        assert place.proxy.log.read_text().count("/ws/robot/") == connected, "no robot has connected again"
    await until(lambda: place.proxy.log.read_text().count("/ws/robot/") == connected + len(accounts))
    assert "?" not in place.proxy.log.read_text()
    for output in (place.proxy.log.read_text(), *(server.output for server in place.servers)):
        assert not any(account.api_key in output for account in accounts)


def test_answer_of_instances_without_a_database_arrives(place: Place) -> None:
    place.database.kill()
    for _ in range(4):
        answer = place.http.post("/api/v1/jobs", json={"workflow_id": "quick"})
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), answer.text
    place.database.start()
    assert place.http.post("/api/v1/jobs", json={"workflow_id": "quick"}).status_code == 201
