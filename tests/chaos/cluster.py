"""A run with several instances on one PostgreSQL, behind HAProxy, with viewers."""

import asyncio
import os
import signal
from pathlib import Path
from subprocess import DEVNULL, Popen

from casare_rpa import __version__
from chaos.campaign import START_SECONDS, Campaign, Wishes, free_ports
from chaos.haproxy import Balancer
from chaos.journal import read
from chaos.processes import Child
from chaos.proxy import FAIR, Proxy, Weather
from chaos.viewer_verdict import ViewerVerdict, judge_viewer
from postgres_server import DEBIAN, PostgresServer
from storage.newer_version import NEWER, newer_source

SIGNING_KEY = "signing-key-of-the-chaos-runs-0123456789-0123456789"
PASSWORD = "password-of-the-chaos-runs-0123456789"
DATABASE = "casare"
BALANCER_BREEZE = Weather(latency_seconds=0.001, jitter_seconds=0.004)


class ClusterCampaign(Campaign):
    """The running system, for faults of several instances. `server` is one of them."""

    def __init__(self, wishes: Wishes) -> None:
        super().__init__(wishes)
        (self.folder / "viewers").mkdir(exist_ok=True)
        self.ports = free_ports(wishes.instances + 2)
        self._nats_port, balancer = self.ports.pop(), self.ports.pop()
        self.balancer = Balancer(self.folder, balancer, self.ports)
        # Robots and viewers reach the instances through the bad network and the balancer.
        self.port = balancer
        self.http.base_url = f"http://127.0.0.1:{balancer}"
        self.primary = PostgresServer(DEBIAN, settings=["synchronous_standby_names=*"], durable=True)
        self.standby = PostgresServer(DEBIAN, settings=["synchronous_standby_names="], durable=True)
        self.promoted = False
        self._newer = newer_source(self.folder / "newer")
        self.upgraded = False
        """Whether the instances that start next are of the later version."""
        self._nats: Popen[bytes] | None = None
        self.instances: list[Child] = []
        self.viewers = self._child("viewers", "chaos.viewer_process", CHAOS_VIEWERS=str(wishes.viewers))

    def change_version(self, number: int) -> str:
        """Choose the version of an instance by `upgraded` from its next start on; returns the version."""
        paths = [str(self._newer)] * self.upgraded + [str(Path(__file__).resolve().parent.parent)]
        self.instances[number].environment["PYTHONPATH"] = os.pathsep.join(paths)
        return NEWER if self.upgraded else __version__

    async def version_of(self, number: int) -> str | None:
        """The version that an instance shows; `None` without an answer."""
        overview = await self.ask(f"http://127.0.0.1:{self.ports[number]}/api/v1/overview")
        return None if overview is None else overview["server_version"]

    @property
    def database(self) -> PostgresServer:
        """The server that takes writes."""
        return self.standby if self.promoted else self.primary

    @property
    def servers(self) -> list[Child]:
        return self.instances

    async def start(self) -> None:
        await asyncio.to_thread(self._start_database)
        self.start_nats()
        self.proxy = Proxy(self.port, self.wishes.seed)
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        for number, port in enumerate(self.ports, 1):
            self.instances.append(
                self._child(
                    f"instance-{number}",
                    "chaos.server_process",
                    CASARE_HOST="127.0.0.1",
                    CASARE_PORT=str(port),
                    CASARE_DATA_DIR=str(self.folder / f"data-{number}"),
                    CASARE_DATABASE_URL=f"postgresql://casare@{hosts}/{DATABASE}",
                    CASARE_BUS_URL=f"nats://127.0.0.1:{self._nats_port}" if self.wishes.nats else "",
                    CASARE_INSTANCE_NAME=f"instance-{number}",
                    CASARE_JWT_SECRET=SIGNING_KEY,
                    CASARE_ADMIN_PASSWORD=PASSWORD,
                    CASARE_TRUSTED_PROXIES="127.0.0.1",
                    CASARE_MAX_CONNECTIONS_PER_ADDRESS="20000",
                    CASARE_MAX_UNAUTHENTICATED_PER_ADDRESS="2000",
                )
            )
        self.server = self.instances[0]
        for other in self.instances[1:]:
            other.start()
        await self.balancer.start()
        await super().start()
        self.viewers.start()

    def _start_database(self) -> None:
        # The first writes are made before the standby follows: with its name they would wait for it.
        self.primary.create()
        self.primary.start()
        self.standby.create_standby_of(self.primary)
        self.standby.start()
        self.primary.new_database(DATABASE)

    def start_nats(self) -> None:
        if self.wishes.nats:
            program = next(path for path in ("/usr/sbin/nats-server",) if Path(path).exists())
            self._nats = Popen([program, "-a", "127.0.0.1", "-p", str(self._nats_port)], stdout=DEVNULL, stderr=DEVNULL)

    def stop_nats(self) -> None:
        if self._nats is not None:
            self._nats.kill()
            self._nats.wait()

    async def connected(self) -> int:
        """Robots that are connected to an instance, as any instance shows them; -1 without an answer."""
        page = await self.ask("/api/v1/robots?limit=500")
        return -1 if page is None else sum(robot["status"] != "offline" for robot in page["items"])

    async def until_instance_is_ready(self, number: int) -> None:
        """Wait until one instance answers that it is ready."""

        async def ready() -> bool:
            return await self.ask(f"http://127.0.0.1:{self.ports[number]}/health/ready") is not None

        await self._until(ready, START_SECONDS, f"instance {number + 1} did not start")

    async def calm(self) -> float:
        for instance in self.instances:
            instance.release()
            instance.send(signal.SIGCONT)
        self.proxy.weather = FAIR
        return await super().calm()

    async def stop(self) -> None:
        await self.viewers.retire()
        await asyncio.gather(*[child.retire() for child in (*self.robots.values(), self.submitter)])
        await asyncio.gather(*[instance.retire(signal.SIGTERM) for instance in self.instances])
        await self.proxy.stop()
        await self.http.aclose()
        await self.balancer.stop()
        self.stop_nats()
        await asyncio.to_thread(self._close_databases)

    def _close_databases(self) -> None:
        self.primary.close()
        self.standby.close()

    def check_database(self) -> None:
        """The exits of the instances, and the verdict on the viewers."""
        for instance in self.instances:
            if instance.codes[-1:] != [0]:
                self.remarks.append(f"{instance.name} left with {instance.codes[-1:]} on SIGTERM")
        verdict = ViewerVerdict()
        for path in sorted((self.folder / "viewers").glob("*.jsonl")):
            judge_viewer(verdict, path.stem, read(path))
        self.notes.append(verdict.line())
        self.remarks += [f"a viewer missed {one}" for one in verdict.missing[:10]]
        self.remarks += [f"a viewer got twice {one}" for one in verdict.repeated[:10]]
        if verdict.changes == 0:
            self.remarks.append("no viewer saw a change")
