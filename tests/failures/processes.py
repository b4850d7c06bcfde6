"""Instances as processes on a real PostgreSQL, and requests to them that leave the event loop free."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from contract.server_process import Account, Server, serving
from contract.stranger import Stranger
from postgres_server import free_port

REQUEST_SECONDS = 30.0


@contextmanager
def instance(folder: Path, name: str, url: str, **environment: str) -> Iterator[Server]:
    """`casare serve` with this name on the database at the URL. Others can ask it at its port."""
    environment |= {"CASARE_DATABASE_URL": url, "CASARE_INSTANCE_NAME": name, "CASARE_PORT": str(free_port())}
    with serving(folder / name, **environment) as server:
        server.http.timeout = REQUEST_SECONDS
        yield server


async def ask(server: Server, path: str, method: str = "GET", body: Any = None) -> httpx2.Response:
    """An answer, while connections of the test go on."""
    return await asyncio.to_thread(lambda: server.http.request(method, path, json=body))


async def ready(server: Server) -> tuple[int, dict[str, Any]]:
    answer = await ask(server, "/health/ready")
    body = answer.json()
    return answer.status_code, body.get("payload", body)


async def job_of(server: Server, job_id: str) -> Any:
    return (await ask(server, f"/api/v1/jobs/{job_id}")).json()


async def until(seconds: float, condition: Callable[[], Any]) -> float:
    """Wait until the awaited condition holds; returns the seconds that this took."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def shown_as(server: Server, job_id: str, status: str) -> bool:
    return bool((await job_of(server, job_id))["status"] == status)


async def begin_job(server: Server, account: Account, robot: Stranger) -> str:
    """A new job that the robot runs; returns its id."""
    job_id: str = (await asyncio.to_thread(server.job, account))["job_id"]
    await robot.next("job_assign", lambda fields: fields["job_id"] == job_id)
    await robot.report(job_id, "running")
    await until(10, lambda: shown_as(server, job_id, "running"))
    return job_id


async def statuses(server: Server, job_id: str) -> list[str]:
    """The statuses of the history of a job, in its order, without repetitions in a row."""
    items = (await ask(server, f"/api/v1/jobs/{job_id}/events")).json()["items"]
    found = [one["status"] for one in items]
    return [status for n, status in enumerate(found) if n == 0 or found[n - 1] != status]


async def robot_shown_as(server: Server, account: Account, status: str) -> bool:
    shown = (await ask(server, f"/api/v1/robots/{account.robot_id}")).json()
    return bool(shown["status"] == status)


async def is_ready(server: Server) -> bool:
    status, body = await ready(server)
    return (status, body["status"]) == (200, "ok")
