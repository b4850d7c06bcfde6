"""The orchestrator as a process of the simulation: the product's control plane and endpoints on another machine."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import partial
from types import SimpleNamespace
from typing import Any

from pydantic import SecretStr

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.infrastructure.orchestrator.api.routers import websockets
from casare_rpa.infrastructure.orchestrator.clock import MAX_AHEAD_SECONDS, StoreClock
from casare_rpa.infrastructure.orchestrator.communication.instance_check import ASK_SECONDS
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import INTERVAL_SECONDS, LATE_SECONDS
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.websocket_handlers import AdminEndpoint, RobotEndpoint
from tests.simulation.disk import Access, CutOff, open_store
from tests.simulation.doorbell import Wire
from tests.simulation.hints import HintFaults, UnreliableBus
from tests.simulation.history import History, Link, Serving
from tests.simulation.network import Connection, Gone, Network
from tests.simulation.virtual_loop import Process, VirtualLoop

API_SECRET = "simulated-admin-secret-0123456789"
EPOCH = 1_766_000_000.0
BEGINNINGS = ('"status": "claimed"', '"progress": 0')
"""Parts of the reports that renew a lease; progress alone does not."""
SEEN_SECONDS = 1.0
SLOW_SECONDS = 0.1
TAKEN_SECONDS = 0.05
"""The time to pass a report on to the disk, before which a slow one has most likely not written it."""
SOON_SECONDS = 1.0
"""Less than a slow write takes."""

ENDPOINTS = {
    "/ws/robot": RobotEndpoint(),
    "/ws/admin": AdminEndpoint(),
    "/ws/monitoring/live-jobs": websockets.LiveJobs(),
}


class Machine:
    """The wall clock of an instance, which may jump relative to the steady clock."""

    def __init__(self, loop: VirtualLoop, ahead_seconds: float = 0.0) -> None:
        self.loop = loop
        self.offset = EPOCH + ahead_seconds
        self.set_back_seconds = 0.0
        """By how much it was set back since the last jump forward."""

    def wall(self) -> float:
        return self.offset + self.loop.time()

    def set_forward(self, seconds: float) -> None:
        """Set it to the right time and this many seconds more."""
        self.offset += self.set_back_seconds + seconds
        self.set_back_seconds = 0.0

    def set_back(self, seconds: float) -> None:
        """Set back by less than a day in all, because the server does not trust a larger difference to the store."""
        if self.set_back_seconds + seconds < MAX_AHEAD_SECONDS / 2:
            self.set_back_seconds += seconds
            self.offset -= seconds


class Server:
    """An instance: at most one process at a time, on one machine. The disk stays when it is killed."""

    def __init__(
        self,
        loop: VirtualLoop,
        network: Network,
        access: Access,
        machine: Machine,
        history: History,
        chance: random.Random,
        name: str,
    ) -> None:
        self._loop = loop
        self._network = network
        self.access = access
        self._history = history
        self._chance = chance
        self.name = name
        self.wanted = True
        """Whether it is started again when it has no process."""
        self.others: Sequence[Server] = ()
        """All instances, which this one asks whether they reach the store."""
        self.wire: Wire | None = None
        """The bus to the other instances; `None` without others."""
        self.tally_slot = 0
        self.hints = HintFaults()
        self.machine = machine
        self._serving = history.servers.setdefault(name, Serving())
        self.settings = Settings(
            api_secret=SecretStr(API_SECRET),
            jwt_secret=SecretStr("simulated-jwt-secret-0123456789-Zm9v"),
            admin_password=SecretStr("simulated-password-0123456789"),
            drain_timeout_seconds=2.0,
            host=name.replace(" ", "-"),
            instance_name=name.replace(" ", "-"),
        )
        self.process: Process | None = None
        self.plane: ControlPlane | None = None
        self.starts = 0
        self._stopped_at = 0.0
        self._cut_off_at = 0.0
        self._reported_at = float("-inf")
        self._between_reports: Callable[[], None] | None = None
        self._at_report: tuple[str, str, Callable[[], None]] | None = None
        self._asked_to_end = asyncio.Event()
        self._connections: list[Connection] = []
        self._last_frames: dict[str, float] = {}
        """When the last frame of each robot arrived here, or its connection."""

    @property
    def up(self) -> bool:
        return self.plane is not None

    @property
    def stopped_seconds(self) -> float:
        """How long its process has been stopped."""
        stopped = self.process is not None and self.process.stopped
        return self._loop.time() - self._stopped_at if stopped else 0.0

    @property
    def connections(self) -> list[Connection]:
        """The connections that its process has not lost."""
        return [one for one in self._connections if not one.server_over]

    # Its processes

    def start(self) -> None:
        assert self.process is None
        self.starts += 1
        self.process = Process(self._loop, f"{self.name} {self.starts}")
        self._asked_to_end = asyncio.Event()
        self.process.start(self._main(self.process), "main")

    async def _main(self, process: Process) -> None:
        try:
            store = await open_store(self.access, process, self.kill, self._committed, self.tally_slot)
            self._serving.started.append(self._loop.time())
            clock = await StoreClock.of(store, self.machine.wall, self._loop.time)
            events = UnreliableBus(self.hints, self._chance)
            bus = self.wire.doorbell(process) if self.wire is not None else None
            async with ControlPlane.started(self.settings, store, clock, events, bus, self._ask_instance) as plane:
                self.plane = plane
                self._serving.since.append(self._loop.time())
                self._history.note(self._loop.time(), self.name, "serves")
                await self._asked_to_end.wait()
                await plane.drain()
                self.plane = None
        except* StoreUnavailable:
            self._history.note(self._loop.time(), self.name, "cannot start")
        except* Exception as problem:
            self._history.failures.append(f"{self.name} ended: {problem.exceptions!r}")
        self._loop.call_soon(self.kill)

    async def _ask_instance(self, address: str) -> bool:
        """As over HTTP: whether the instance at this address is ready, and its store commits."""

        async def ready(plane: ControlPlane) -> bool:
            return not plane.draining and plane.cut_off.problem is None and await plane.readiness.check() is None

        asked = next((one for one in self.others if one.settings.shown_instance_address == address), None)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return asked is not None and await asked.call(ready)
        except (Gone, TimeoutError):
            return False

    def _committed(self) -> None:
        """Record when each entry of the store's history became durable."""
        connection, history = self.access.disk.connection, self._history
        if self.wire is not None:
            self._check_seen()
        last = connection.execute("SELECT max(event_id) FROM job_events").fetchone()[0] or 0
        seen = history.commits[-1][1] if history.commits else 0
        if last > seen:
            history.commits.append((self._loop.time(), last, self.name))
            if self.wire is not None:
                number = connection.execute("SELECT last FROM numbers WHERE name = 'jobs'").fetchone()
                self.wire.committed(number[0] if number else 0)
            rows = connection.execute(
                "SELECT job_id, number, kind, status, attempt, robot_id, note FROM job_events WHERE event_id > ?",
                (seen,),
            )
            for row in rows:
                history.note(self._loop.time(), "store" if self.wire is None else self.name, " ".join(map(str, row)))

    def _check_seen(self) -> None:
        """Compare the stored times of the last frames that this process received with the frames."""
        if self.plane is None:
            return
        now, read = self.plane.clock.now() / MICROSECONDS_PER_SECOND, self.access.disk.connection.execute
        for robot_id, seen_at in read("SELECT robot_id, last_seen_at FROM robots WHERE last_seen_at IS NOT NULL"):
            before = self._history.seen.get(robot_id)
            self._history.seen[robot_id] = seen_at
            heard = self._last_frames.get(robot_id)
            if before != seen_at and heard is not None:
                silent, said = self._loop.time() - heard, now - seen_at / MICROSECONDS_PER_SECOND
                if said < silent - SEEN_SECONDS:
                    what = f"{self.name} stored that {robot_id} was seen {said:.1f} s ago, in truth {silent:.1f} s"
                    self._history.seen_early.append(what)

    def kill(self) -> None:
        """SIGKILL: an open transaction is rolled back, memory is lost, and the system closes the sockets."""
        self.note_away()
        process, self.process, self.plane = self.process, None, None
        if process is None:
            return
        self._history.note(self._loop.time(), self.name, "is gone")
        self.access.disk.lose_transaction()
        process.kill()
        self.access.disk.lose_transaction()
        for connection in self._connections:
            if not connection.server_over:
                connection.server_died()
        self._connections.clear()

    def end(self) -> None:
        """SIGTERM."""
        self._asked_to_end.set()

    def stop(self) -> None:
        self.note_away()
        if self.process is not None:
            self.process.stop()
            self._stopped_at = self._loop.time()

    def go_on(self) -> None:
        if self.process is not None and self.process.stopped:
            self.process.go_on()
            if self._loop.time() - self._stopped_at > LATE_SECONDS + 2 * INTERVAL_SECONDS:
                self._serving.since.append(self._loop.time())

    def note_away(self) -> None:
        """From now on it does not know whether its robots live."""
        if self.process is not None and not self.process.stopped and self.access.faults.cut_off is CutOff.NOT:
            self._serving.away.append(self._loop.time())

    def stop_between_reports(self, stop: Callable[[], None]) -> None:
        """Call `stop` once, when a report that renews a lease arrives while another one is being written."""
        self._between_reports = stop

    def stop_at_report(self, job_id: str, sign: str, stop: Callable[[], None]) -> None:
        """Call `stop` once, when a report of this job with this text has arrived and is being written."""
        self._at_report = (job_id, sign, stop)

    def await_no_report(self) -> None:
        self._between_reports = self._at_report = None

    @property
    def works_well(self) -> bool:
        """Whether it serves without a fault that delays its reads and writes."""
        faults = self.access.faults
        well = faults.cut_off is CutOff.NOT and not faults.failing and faults.delay_seconds < SLOW_SECONDS
        return well and self.plane is not None and not self.stopped_seconds

    def cut_off(self, how: CutOff) -> None:
        """Cut it off from the disk."""
        self.note_away()
        if self.access.faults.cut_off is CutOff.NOT:
            self._cut_off_at = self._loop.time()
        self.access.faults.cut_off = how

    def reach_the_disk(self) -> None:
        """End a time in which it is cut off. It treats a long one like a pause."""
        if self.access.faults.cut_off is CutOff.NOT:
            return
        self.access.faults.cut_off = CutOff.NOT
        if self._loop.time() - self._cut_off_at > LATE_SECONDS + 2 * INTERVAL_SECONDS:
            self._serving.since.append(self._loop.time())

    # Its sockets

    async def connect(self, path: str, query: str, peer: str, robot_id: str | None = None) -> Connection:
        """The handshake of a client. Raises Gone if the server does not run."""
        await asyncio.sleep(self._network.delay())
        process, plane = self.process, self.plane
        if process is None or plane is None:
            raise Gone
        connection = self._network.connection(peer)
        self._connections = [one for one in self._connections if not one.server_over]
        self._connections.append(connection)
        self._history.lists.setdefault(peer, []).append((self._loop.time(), None))
        self._history.newest[peer] = connection.number
        self._note_frame(peer)
        link = Link(self._loop.time(), self.name)
        self._history.links.setdefault(peer, []).append(link)
        app = SimpleNamespace(state=SimpleNamespace(control_plane=plane))
        scope = connection.scope(app, path, query, {"robot_id": robot_id} if robot_id is not None else {})
        process.start(self._serve(connection, path, scope, link), f"{path} {connection.number}")
        connection.open(process.context)
        await connection.opened()
        return connection

    async def _serve(self, connection: Connection, path: str, scope: dict[str, Any], link: Link) -> None:
        async def receive() -> dict[str, Any]:
            event = await connection.asgi_receive()
            if event["type"] == "websocket.receive":
                self._heard(connection, event["text"])
            return event

        connection.when_taken = partial(self._heard, connection)
        await ENDPOINTS[path](scope, receive, connection.asgi_send)
        link.until = self._loop.time()
        if not connection.server_over:
            connection.cut(0.01, 0.01)

    def _note_frame(self, peer: str) -> None:
        self._last_frames[peer.split(" ")[0]] = self._loop.time()

    def _heard(self, connection: Connection, text: str) -> None:
        self._note_frame(connection.peer)
        if self._history.newest[connection.peer] == connection.number and self.access.faults.cut_off is CutOff.NOT:
            self._history.heard.setdefault(connection.peer, []).append(self._loop.time())
        if text.startswith('{"type": "job_status"'):
            self._note_report(renews=any(sign in text for sign in BEGINNINGS))
            self._note_awaited(text)
        if text.startswith('{"type": "hello"'):
            workflows = frozenset(json.loads(text)["payload"]["workflows"])
            # A connection that was replaced is ignored.
            if self._history.newest[connection.peer] == connection.number:
                self._history.lists[connection.peer].append((self._loop.time(), workflows))

    def _note_report(self, *, renews: bool) -> None:
        now = self._loop.time()
        soon = now - self._reported_at < SOON_SECONDS
        self._reported_at = now
        if soon and renews and self._between_reports is not None:
            stop, self._between_reports = self._between_reports, None
            self._loop.call_later(self._chance.random() * SOON_SECONDS, stop, context=Context())

    def _note_awaited(self, text: str) -> None:
        if self._at_report is None or not all(part in text for part in self._at_report[:2]):
            return
        self._loop.call_later(TAKEN_SECONDS, self._at_report[2], context=Context())
        self._at_report = None

    async def call(self, act: Callable[[ControlPlane], Awaitable[Any]]) -> Any:
        """A request and its answer, as over HTTP. Either may be lost. Raises Gone without an answer."""
        await asyncio.sleep(self._network.delay())
        process, plane = self.process, self.plane
        if process is None or plane is None:
            raise Gone
        answered: asyncio.Future[Any] = self._loop.create_future()

        async def handle() -> None:
            try:
                answer = await act(plane)
            except Exception as error:  # raised in the caller
                answer = error
            await asyncio.sleep(self._network.delay())
            if not answered.done():
                answered.set_result(answer)

        process.start(handle(), "request")
        try:
            async with asyncio.timeout(10):
                answer = await answered
        except TimeoutError:
            raise Gone from None
        if isinstance(answer, Exception):
            raise answer
        return answer
