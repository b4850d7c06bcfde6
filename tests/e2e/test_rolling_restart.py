"""A rolling restart behind HAProxy while jobs run: no event of a job and no strip of heartbeats shows it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from chaos import storm_process
from chaos.campaign import free_ports
from chaos.haproxy import Balancer
from chaos.journal import Journal
from chaos.processes import raise_descriptor_limit, tag_of
from contract.server_process import ADMIN_SECRET, Server, serving
from postgres_server import DEBIAN
from storage.postgres_database import empty_database

WITHIN_SECONDS = 240.0
STARTED = ("submitted", "offered", "claimed", "running")
AT_ONCE = 8
BEHIND_SECONDS = 10.0
"""An instance stores heartbeats every 5 s, and the others read them every 5 s."""


@dataclass
class Cluster:
    """Instances on one database behind HAProxy, and robots in this process that are connected through it."""

    folder: Path
    stack: ExitStack
    database: str
    ports: list[int]
    balancer: Balancer
    http: httpx2.AsyncClient
    servers: list[Server] = field(default_factory=list)
    robots: list[storm_process.LightRobot] = field(default_factory=list)
    strips: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The strips of heartbeats that each process of an instance showed last, by the name of the instance."""

    def serve(self, number: int) -> Server:
        """Start an instance. It runs in the way of `docs/how-to/run-several-instances.md`."""
        return self.stack.enter_context(
            serving(
                self.folder / f"data-{number}",
                CASARE_PORT=str(self.ports[number]),
                CASARE_DATABASE_URL=self.database,
                CASARE_INSTANCE_NAME=f"instance-{number}",
                CASARE_DRAIN_DELAY_SECONDS="3",
                CASARE_TRUSTED_PROXIES="127.0.0.1",
                CASARE_MAX_CONNECTIONS_PER_ADDRESS="20000",
                CASARE_MAX_UNAUTHENTICATED_PER_ADDRESS="2000",
            )
        )

    async def start(self) -> None:
        starts = [asyncio.to_thread(self.serve, number) for number in range(len(self.ports))]
        self.servers = await asyncio.gather(*starts)
        await self.balancer.start()
        await self.until(self.balanced, "the balancer reaches no instance")

    async def balanced(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.balancer.port}/health/ready"
            return (await self.http.get(address)).status_code == 200
        except httpx2.HTTPError:
            return False

    async def restart(self, number: int) -> None:
        """Stop an instance and start it again; returns when the balancer may use it."""
        old = self.servers[number]
        await self.keep_strips(number)
        old.ask_to_stop()
        assert await asyncio.to_thread(old.wait) == 0, old.output
        assert "Traceback" not in old.output
        self.servers[number] = await asyncio.to_thread(self.serve, number)

    async def keep_strips(self, number: int) -> None:
        shown = await asyncio.to_thread(self.servers[number].get, "/robots/beats")
        self.strips += [(f"instance-{number}", item) for item in shown["items"]]

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.http.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.http.get(f"/api/v1{path}")
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def until(self, holds: Any, otherwise: str) -> None:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                while not await holds():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(otherwise) from None

    @asynccontextmanager
    async def robots_at_work(self, number: int) -> AsyncIterator[None]:
        """Connected robots, each with one running job that ends with `finish`."""
        crew = asyncio.create_task(self._employ(number), name="robots")

        async def at_work() -> bool:
            if crew.done():
                await crew
            return len(await self.jobs("running")) == number

        try:
            await self.until(at_work, "not all jobs run")
            yield
        finally:
            crew.cancel()
            await asyncio.wait({crew})

    async def _employ(self, number: int) -> None:
        for name in ("robots", "handshakes"):
            (self.folder / name).mkdir()
        facts, handshakes = (
            Journal(self.folder / name / "all.jsonl", durable=False) for name in ("robots", "handshakes")
        )
        waiting = iter([f"robot-{one:03}" for one in range(number)])

        async def employ_some(tasks: asyncio.TaskGroup) -> None:
            for name in waiting:
                await self.post("/robots", {"robot_id": name, "tags": [tag_of(name)]})
                key = (await self.post(f"/robots/{name}/keys", {}))["api_key"]
                address = f"ws://127.0.0.1:{self.balancer.port}/ws/robot/{name}?api_key={key}"
                self.robots.append(storm_process.LightRobot(name, address, facts, handshakes))
                tasks.create_task(self.robots[-1].live(tasks))
                parameters = {"seconds": 3600, "outcome": "completed"}
                await self.post("/jobs", {"workflow_id": "w", "robot_id": name, "parameters": parameters})

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(employ_some(tasks))

    async def jobs(self, status: str) -> list[str]:
        return [job["job_id"] for job in (await self.get(f"/jobs?status={status}&limit=500"))["items"]]

    async def events(self, jobs: Iterable[str]) -> dict[str, list[str]]:
        """The kinds of the events of each job, in order."""
        found: dict[str, list[str]] = {}
        waiting = iter(list(jobs))

        async def read_some() -> None:
            for job in waiting:
                found[job] = [event["kind"] for event in (await self.get(f"/jobs/{job}/events"))["items"]]

        await asyncio.gather(*[read_some() for _ in range(AT_ONCE)])
        return found

    async def all_completed(self) -> bool:
        return len(await self.jobs("completed")) == len(self.robots)

    async def every_strip_is_new(self, since: datetime) -> bool:
        """Whether each instance has a heartbeat of each robot after this moment."""
        for server in self.servers:
            items = (await asyncio.to_thread(server.get, "/robots/beats"))["items"]
            newest = [datetime.fromisoformat(one["beats"][-1]["at"]) for one in items if one["beats"]]
            if len(newest) < len(self.robots) or min(newest) < since:
                return False
        return True


@asynccontextmanager
async def cluster(folder: Path, instances: int) -> AsyncIterator[Cluster]:
    raise_descriptor_limit()
    (folder / "logs").mkdir()
    *ports, front = free_ports(instances + 1)
    # Only the robots use the balancer.
    url, secret = f"http://127.0.0.1:{ports[0]}", {"X-API-Secret": ADMIN_SECRET}
    database = await asyncio.to_thread(empty_database, DEBIAN)
    with ExitStack() as stack:
        async with httpx2.AsyncClient(base_url=url, headers=secret, timeout=20, trust_env=False) as http:
            run = Cluster(folder, stack, database, ports, Balancer(folder, front, ports), http)
            try:
                await run.start()
                yield run
            finally:
                await run.balancer.stop()
                await asyncio.to_thread(stack.close)


def problems_of(strips: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """The offline bars and the gaps of strips."""
    longest = storm_process.HEARTBEAT_SECONDS + BEHIND_SECONDS
    found = []
    for instance, strip in strips:
        about = f"{strip['robot_id']} on {instance}"
        found += [f"{about}: offline" for beat in strip["beats"] if beat["status"] == "offline"]
        times = [datetime.fromisoformat(beat["at"]) for beat in strip["beats"]]
        gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
        found += [f"{about}: {gap:.1f} s without a heartbeat" for gap in gaps if gap > longest]
        found += [] if times == sorted(times) else [f"{about}: not in order"]
    return found


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("instances", "robots", "beat_seconds"),
    [(3, 500, 30.0), (2, 20, 6.0)],
)
async def test_rolling_restart_is_seen_in_no_event_and_in_no_strip(
    tmp_path: Path, instances: int, robots: int, beat_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storm_process, "HEARTBEAT_SECONDS", beat_seconds)
    async with cluster(tmp_path, instances) as run, run.robots_at_work(robots):
        jobs = await run.jobs("running")
        before = await run.events(jobs)
        assert {tuple(kinds) for kinds in before.values()} == {STARTED}
        for number in range(instances):
            await run.restart(number)
        restarted_at = datetime.now(UTC)
        assert await run.events(jobs) == before
        await run.until(lambda: run.every_strip_is_new(restarted_at), "a strip of heartbeats is old")
        for number in range(instances):
            await run.keep_strips(number)
        assert problems_of(run.strips) == []
        assert len({strip["robot_id"] for _, strip in run.strips}) == robots
        for robot in run.robots:
            robot.finish()
        await run.until(run.all_completed, "a job did not end")
        assert await run.events(jobs) == {job: [*kinds, "completed"] for job, kinds in before.items()}
