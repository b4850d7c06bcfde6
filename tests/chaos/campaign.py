"""One run: an orchestrator, robots and a submitter as processes, with a bad network and random kills."""

import asyncio
import random
import signal
import socket
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from chaos import pace as paces
from chaos.journal import Journal, Points, Tail, read, read_all
from chaos.processes import Child, raise_descriptor_limit, tag_of
from chaos.proxy import FAIR, Proxy, Weather
from chaos.verdict import Excuse, Verdict, judge

SECRET = "admin-secret-of-the-chaos-runs-0123456789"
START_SECONDS = 90.0
BREEZE = Weather(latency_seconds=0.002, jitter_seconds=0.006)


@dataclass(frozen=True)
class Wishes:
    """The configuration of a run."""

    folder: Path
    seed: int = 1
    pace: paces.Pace = paces.PRODUCTION
    robots: int = 20
    jobs_per_second: float = 8.0
    work_seconds: float | None = None
    """The longest job; `None` = that of the pace."""
    lie: str = ""
    """A guarantee that the server breaks on purpose; empty = none."""
    instances: int = 1
    """Servers; several share a PostgreSQL database."""
    nats: bool = False
    """Whether several instances hint to each other by NATS."""
    viewers: int = 0


def lying(folder: Path, seed: int, lie: str) -> Wishes:
    """A run that detects a server which answers before it commits: nearly every commit has a submit or an end."""
    quick = Wishes(folder, seed, paces.COMPRESSED, robots=4, lie=lie)
    return replace(quick, jobs_per_second=500, work_seconds=0.02)


@dataclass
class Recovery:
    """Seconds from the end of a fault until an end of a robot was acknowledged, and until all robots were connected."""

    fault: str
    harmed_until: float
    first_end_seconds: float | None = None
    all_back_seconds: float | None = None


class Campaign:
    """The running system, for faults."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.pace = wishes.pace
        self.random = random.Random(f"{wishes.seed} faults")
        self.folder = wishes.folder
        for name in ("robots", "points", "workflows/chaos", "data", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.port, self._proxy_port = free_ports(2)
        self.proxy = Proxy(self.port, wishes.seed)
        self.server = self._child(
            "server",
            "chaos.server_process",
            CASARE_HOST="127.0.0.1",
            CASARE_PORT=str(self.port),
            CASARE_DATA_DIR=str(self.folder / "data"),
            CASARE_MAX_CONNECTIONS_PER_ADDRESS="20000",
            CHAOS_BREAK=wishes.lie,
        )
        rate = str(wishes.jobs_per_second)
        work = str(wishes.pace.work if wishes.work_seconds is None else wishes.work_seconds)
        self.submitter = self._child("submitter", "chaos.submitter_process", CHAOS_RATE=rate, CHAOS_WORK=work)
        self.robots: dict[str, Child] = {}
        self.storms: list[Child] = []
        self.expected_robots = wishes.robots
        self.excuses: list[Excuse] = []
        self.remarks: list[str] = []
        self.notes: list[str] = []
        self.recoveries: list[Recovery] = []
        self.now_doing = "starting"
        self.journal = Journal(self.folder / "faults.jsonl")
        self.http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers={"X-API-Secret": SECRET}, timeout=3.0, trust_env=False
        )
        self._tail = Tail(self.folder / "robots")

    # Setting up

    async def start(self) -> None:
        """Start all processes; returns when every robot is connected."""
        raise_descriptor_limit()
        await self.proxy.start(self._proxy_port)
        self.proxy.weather = BREEZE
        self.server.start()
        await self._until(self._ready, START_SECONDS, "the server did not start")
        for number in range(1, self.wishes.robots + 1):
            await self._add_robot(number)
        for robot in self.robots.values():
            robot.start()
        self.submitter.start()
        await self.until_back(START_SECONDS + 2 * self.wishes.robots)

    def _child(self, name: str, module: str, **environment: str) -> Child:
        shared = {
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            paces.VARIABLE: self.pace.name,
            "CHAOS_DIR": str(self.folder),
            "CHAOS_URL": f"http://127.0.0.1:{self._proxy_port}",
            "CHAOS_SEED": str(self.wishes.seed),
            "CASARE_API_SECRET": SECRET,
        }
        return Child(name, module, {**shared, **environment}, self.folder / "logs" / f"{name}.log")

    async def _add_robot(self, number: int) -> None:
        robot_id = f"robot-{number:02}"
        shift = {1: "86400", 2: "-86400", 3: "-3600"}.get(number, "0")
        self.robots[robot_id] = self._child(
            robot_id,
            "chaos.robot_process",
            CHAOS_ROBOT=robot_id,
            CASARE_API_KEY=await self.new_robot(robot_id, tag=tag_of(robot_id)),
            CHAOS_TAGS=tag_of(robot_id),
            CHAOS_CLOCK_SHIFT=shift,
        )

    async def new_robot(self, robot_id: str, tenant_id: str = "default", tag: str | None = None) -> str:
        """Add a robot; returns its key."""
        tags = [] if tag is None else [tag]
        await self.insist("/api/v1/robots", {"robot_id": robot_id, "tenant_id": tenant_id, "tags": tags})
        return str((await self.insist(f"/api/v1/robots/{robot_id}/keys", {}))["api_key"])

    async def insist(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """The decoded answer to a POST, without the bad network; repeated until there is one."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    response = await self.http.post(path, json=body, headers=headers)
                except httpx2.HTTPError:
                    response = None
                # 404: a server that answers before it commits does not find the robot that it has just added.
                if response is not None and response.status_code < 500 and response.status_code != 404:
                    assert response.status_code in (201, 409), f"{path}: {response.status_code} {response.text}"
                    answer: dict[str, Any] = response.json()
                    return answer
                await asyncio.sleep(0.1)

    def add_storm(self, number: int) -> None:
        """Start another process of many light robots, without the bad network."""
        address = f"ws://127.0.0.1:{self.port}"
        storm = self._child(f"storm-{number}", "chaos.storm_process", CHAOS_NUMBER=str(number), CHAOS_URL=address)
        self.storms.append(storm)
        storm.start()

    def twin(self, robot_id: str) -> Child:
        """A second process with the identity of this robot; not started."""
        robot = self.robots[robot_id]
        return Child(f"{robot_id} twin", "chaos.robot_process", robot.environment, self.folder / "logs" / "twin.log")

    @property
    def servers(self) -> list[Child]:
        """Every process of the product's server."""
        return [self.server]

    # Queries

    async def ask(self, path: str) -> Any:
        """The decoded answer to a GET, without the bad network; `None` if there is none."""
        try:
            response = await self.http.get(path)
        except httpx2.HTTPError:
            return None
        return response.json() if response.status_code == 200 else None

    async def until_ready(self) -> None:
        await self._until(self._ready, START_SECONDS, "the server did not start")

    async def _ready(self) -> bool:
        return await self.ask("/health/ready") is not None

    async def until_back(self, within_seconds: float) -> None:
        await self._until(self.all_back, within_seconds, "the robots did not come")

    async def all_back(self) -> bool:
        """Whether all robots are connected."""
        return await self.connected() >= self.expected_robots

    async def connected(self) -> int:
        """The number of connected robots; -1 = the server does not answer."""
        try:
            lines = (await self.http.get("/metrics")).text.splitlines()
        except httpx2.HTTPError:
            return -1
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("casare_robots{"))

    def end_answered_since(self, at: float) -> bool:
        """Whether an end of a robot was acknowledged after this moment."""
        return any(f["fact"] == "answered" and f["accepted"] and f["at"] >= at for f in self._tail.news())

    async def _until(self, holds: Any, within_seconds: float, otherwise: str) -> None:
        try:
            async with asyncio.timeout(within_seconds):
                while not await holds():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{otherwise}; see {self.folder / 'logs'}") from None

    # Faults

    def points(self, owner: str) -> Points:
        """The named kill points of a process."""
        return Points(self.folder / "points", owner)

    def excuse(self, robot_id: str, since: float, *, silence: bool = False) -> None:
        """Record that a robot was harmed from then until now."""
        self.excuses.append(Excuse(robot_id, since, time.monotonic(), silence))

    async def recovery(self, fault: str, harmed_until: float, at_most_seconds: float) -> Recovery:
        """Wait until jobs end again after a fault, at most this long. Robots may reconnect later."""
        recovery = Recovery(fault, harmed_until)
        self.recoveries.append(recovery)
        self.now_doing = f"recovering from {fault}"
        give_up_at = time.monotonic() + at_most_seconds
        while time.monotonic() < give_up_at and None in (recovery.first_end_seconds, recovery.all_back_seconds):
            if recovery.first_end_seconds is None and self.end_answered_since(harmed_until):
                recovery.first_end_seconds = time.monotonic() - harmed_until
            await self.see_who_is_back()
            await asyncio.sleep(0.02)
        return recovery

    async def see_who_is_back(self) -> None:
        """If all robots are connected, end the recovery of all earlier faults."""
        waiting = [recovery for recovery in self.recoveries if recovery.all_back_seconds is None]
        if waiting and await self.all_back():
            for recovery in waiting:
                recovery.all_back_seconds = time.monotonic() - recovery.harmed_until

    # The end

    async def calm(self) -> float:
        """Stop faults and submits; returns the seconds until all jobs ended and all robots are back, or the limit."""
        self.now_doing = "calm: waiting for the last job and the last robot"
        began = time.monotonic()
        self.proxy.weather = FAIR
        self.server.release()
        self.points("submitter").ask("stop")
        deadline = began + self.pace.calm
        while time.monotonic() < deadline:
            through = self.submitter.codes[-1:] == [0]
            if through:
                self.submitter.hold()
            await self.see_who_is_back()
            if through and all(r.all_back_seconds is not None for r in self.recoveries) and not await self._unended():
                break
            await asyncio.sleep(0.2)
        return time.monotonic() - began

    async def _unended(self) -> bool:
        # One request, so that a job which returns from `running` to `pending` in between is not missed.
        page = await self.ask("/api/v1/jobs?status=pending&status=claimed&status=running&limit=1")
        return page is None or bool(page["items"])

    async def judge(self) -> Verdict:
        """The verdict on the journals."""
        promised = [fact for path in self.folder.glob("submitter*.jsonl") for fact in read(path)]
        shown: dict[str, Any] = {}
        cursor = ""
        while cursor is not None:
            page = await self.ask(f"/api/v1/jobs?limit=500{cursor and '&cursor='}{cursor}")
            assert page is not None, "the server does not run in the calm phase"
            shown.update({job["job_id"]: job for job in page["items"]})
            cursor = page["next_cursor"]
        return judge(promised, read_all(self.folder / "robots"), shown, self.excuses)

    async def stop(self) -> None:
        """End every process, the server with SIGTERM."""
        await asyncio.gather(*[child.retire() for child in (*self.robots.values(), *self.storms, self.submitter)])
        await self.server.retire(signal.SIGTERM)
        await self.proxy.stop()
        await self.http.aclose()

    def check_database(self) -> None:
        """The result of SQLite's integrity check after the server has ended."""
        if self.server.codes[-1] != 0:
            self.remarks.append(f"the server left with {self.server.codes[-1]} on SIGTERM")
        with sqlite3.connect(self.folder / "data" / "casare.db") as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.close()
        if found != "ok":
            self.remarks.append(f"integrity_check: {found}")


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
