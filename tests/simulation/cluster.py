"""The instances of the orchestrator and the balancer before them. Clients use it like one server."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from tests.simulation.disk import Access, Disk
from tests.simulation.doorbell import Wire
from tests.simulation.history import History
from tests.simulation.network import Connection, Gone, Network
from tests.simulation.server import EPOCH, Machine, Server
from tests.simulation.virtual_loop import VirtualLoop

MOST_INSTANCES = 5
CLOCKS_APART_SECONDS = 3600.0
"""The largest difference between the clock of a machine and that of the store."""
NOTICED_SECONDS = 5.0
"""How long the balancer sends connections to an instance that is stopped."""


class Cluster:
    """One instance, or several on one disk. The balancer chooses one at random for each connection and request."""

    def __init__(
        self,
        loop: VirtualLoop,
        network: Network,
        disk: Disk,
        history: History,
        chance_of: Callable[[str], random.Random],
        instances: int,
    ) -> None:
        self._loop = loop
        self._network = network
        self._disk = disk
        self._history = history
        self._chance_of = chance_of
        self._chance = chance_of("balancer")
        self.several = disk.shared = instances > 1
        self.wire = Wire(loop, chance_of("wire"))
        if self.several:
            disk.clock = lambda: Instant(int((EPOCH + loop.time()) * MICROSECONDS_PER_SECOND))
        self.servers: list[Server] = []
        for _ in range(instances):
            self.add()

    def add(self) -> Server:
        """Another instance, on a machine of its own."""
        number = len(self.servers) + 1
        name = f"server {number}" if self.several else "server"
        own = f" {number}" if number > 1 else ""
        access = Access(self._disk, self._chance_of(f"disk{own}"))
        apart = self._chance.uniform(-CLOCKS_APART_SECONDS, CLOCKS_APART_SECONDS) if self.several else 0.0
        machine = Machine(self._loop, apart)
        chance = self._chance_of(f"hints{own}")
        server = Server(self._loop, self._network, access, machine, self._history, chance, name)
        if self.several:
            server.wire, server.tally_slot = self.wire, number
        server.others = self.servers
        self.servers.append(server)
        return self.servers[-1]

    @property
    def up(self) -> bool:
        """Whether every instance that should run serves."""
        return all(server.up for server in self.servers if server.wanted)

    def choose(self) -> Server:
        """The instance of the next connection or request. Raises Gone if none serves."""
        if not self.several:
            return self.servers[0]
        serving = [server for server in self.servers if server.up and server.stopped_seconds < NOTICED_SECONDS]
        if not serving:
            raise Gone
        return self._chance.choice(serving)

    async def connect(self, path: str, query: str, peer: str, robot_id: str | None = None) -> Connection:
        """The handshake of a client. Raises Gone if no instance accepts it."""
        return await (await self._chosen()).connect(path, query, peer, robot_id)

    async def call(self, act: Callable[[ControlPlane], Awaitable[Any]]) -> Any:
        """A request and its answer, as over HTTP. Either may be lost. Raises Gone without an answer."""
        return await (await self._chosen()).call(act)

    async def _chosen(self) -> Server:
        try:
            return self.choose()
        except Gone:
            await asyncio.sleep(self._network.delay())
            raise

    def kill(self) -> None:
        for server in self.servers:
            server.kill()
