"""One event to many viewers: deliveries per second, and their delay."""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bench import servers, targets
from bench.figures import RELAYED_WHEN_SET, Figures, Target, percentile
from bench.fleet import AT_ONCE, Robot, dashboards, fleet, log, report, running_jobs, submit, until
from bench.machine import Busy
from bench.peer import Peer, connect, frame, sent_at, stamp
from bench.plan import Plan
from bench.servers import ADMIN, HOST
from bench.store import fill

ROBOTS = 20
JOBS_EACH = 100
"""The claimed jobs. Each starts once, which is a change of status for every dashboard."""
JOBS_SECONDS = 5.0
LIKE_OURS = (
    b'{"type":"job_update","payload":{"job_id":"job-019515b0c8e04f6a2d9be113","status":"running","progress":40,'
    b'"robot_id":"robot-00001","workflow_id":"bench","attempt":1,"message":"%b",'
    b'"timestamp":"2026-03-02T09:30:00.000Z"}}'
)
STALLED_SECONDS = 20.0
WARM_SECONDS = 0.5
TIMED_OF = 10
"""One viewer of this number is read immediately; see `_read_in_bulk` for the others."""
SLICE = 50
READS_A_SECOND = 45_000
READ_BYTES = 256 * 1024


@dataclass
class Watched:
    """Viewers, the marker of their messages, and the function that sends a message to all of them."""

    needle: bytes
    publish: Callable[[int], None]
    viewers: list[Peer] = field(default_factory=list)
    received: int = 0
    wanted: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: list[Any] = field(default_factory=list)
    """The received pieces in order: viewer, bytes, time (monotonic ns). They are parsed afterwards, because a generator
    that parses a thousand messages per event would be the bottleneck."""

    def count(self, peer: Peer, data: bytes) -> None:
        """Count messages, also if they are split over two pieces of bytes."""
        seen = peer.tail + data if peer.tail else data
        self.received += seen.count(self.needle)
        peer.tail = data[1 - len(self.needle) :]
        if self.received >= self.wanted:
            self.reached.set()

    def note(self, peer: Peer, data: bytes) -> None:
        """Store the times of messages, also if they are split over two pieces of bytes."""
        add = self.arrived.append
        add(peer)
        add(data)
        add(time.monotonic_ns())

    def ages(self, since: int) -> dict[int, list[float]]:
        """The age of each message at its arrival in ms, one per viewer, for sending times (ns) from `since`."""
        arrived, self.arrived = self.arrived, []
        ages: dict[int, list[float]] = defaultdict(list)
        for peer, data, now in zip(*[iter(arrived)] * 3, strict=True):
            for payload in peer.frames.of(data):
                sent = sent_at(payload)
                if sent is not None and sent >= since:
                    ages[sent].append((now - sent) / 1e6)
        return ages

    def listen(self, sink: Callable[[Peer, bytes], None]) -> None:
        for viewer in self.viewers:
            viewer.sink = sink


@dataclass(frozen=True)
class Rate:
    """Deliveries per second, and the load generator's share of a core."""

    value: float
    busy: float


async def rate(
    watched: Watched, burst: int, seconds: float, events: int | None = None, warm_seconds: float = WARM_SECONDS
) -> Rate:
    """The rate of deliveries with this number of events in flight. The next are sent when every viewer has these.

    `events` limits their number; without it, the first moments are not counted.
    """
    watched.received = watched.wanted = 0
    watched.listen(watched.count)
    began = time.monotonic()
    warm = began + warm_seconds if events is None else began
    measured_from, before, busy = began, 0, Busy()
    while (now := time.monotonic()) < warm + seconds:
        if now < warm:
            measured_from, before, busy = now, watched.received, Busy()
        if events is not None:
            if events < burst:
                break
            events -= burst
        watched.wanted += burst * len(watched.viewers)
        watched.reached.clear()
        watched.publish(burst)
        async with asyncio.timeout(STALLED_SECONDS):
            await watched.reached.wait()
    if watched.received != watched.wanted:
        raise RuntimeError(f"{watched.received} messages came, {watched.wanted} were sent")
    return Rate((watched.received - before) / (time.monotonic() - measured_from), busy.share)


async def speed(relay: Watched) -> float:
    """The speed of the machine: the rate of a bare relay to a thousand viewers, as a share of `RELAYED_WHEN_SET`."""
    return (await rate(relay, 4, 0.4, warm_seconds=0.2)).value / RELAYED_WHEN_SET


@dataclass(frozen=True)
class Lateness:
    """The ages of messages at their arrival, in milliseconds, and the load generator's share of a core.

    They are the 99th percentile of all ages, and the medians of the first and of the last viewer of an event.
    """

    p99: float
    first: float
    last: float
    busy: float


async def lateness(watched: Watched, per_second: int, seconds: float) -> Lateness:
    """The delay of events at a steady rate.

    Every tenth viewer is timed, in the order of their connects; the others are read in bulk, and their messages are
    counted. The first moments are not counted: the kernel of a receiver that was silent acknowledges the first sixteen
    segments at once, over loopback in the time of the writer, which makes a write slower by half.
    """
    watched.listen(watched.note)
    watched.received = 0
    number = int(per_second * (WARM_SECONDS + seconds))
    bulk = [viewer for at, viewer in enumerate(watched.viewers, 1) if at % TIMED_OF]
    began, busy = time.monotonic(), Busy()
    measured_from = time.monotonic_ns() + int(WARM_SECONDS * 1e9)
    async with _read_in_bulk(watched, bulk):
        for event in range(number):
            await asyncio.sleep(max(0.0, began + event / per_second - time.monotonic()))
            watched.publish(1)
        await until(lambda: watched.received >= number * len(bulk))
        share = busy.share
    await asyncio.sleep(0.2)
    if watched.received != number * len(bulk):
        raise RuntimeError(f"{watched.received} messages came, {number * len(bulk)} were sent")
    events = list(watched.ages(measured_from).values())
    return Lateness(
        p99=percentile(list(chain.from_iterable(events)), 0.99),
        first=statistics.median(map(min, events)),
        last=statistics.median(map(max, events)),
        busy=share,
    )


@contextlib.asynccontextmanager
async def _read_in_bulk(watched: Watched, viewers: list[Peer]) -> AsyncIterator[None]:
    """Read these repeatedly, a few at a time, and count their messages.

    Waking for each message of a thousand viewers takes this process as long as a server needs to write them, and longer
    than a bare relay. The load generator would be the bottleneck.
    """

    async def read_on() -> None:
        while True:
            for start in range(0, len(viewers), SLICE):
                for viewer in viewers[start : start + SLICE]:
                    with contextlib.suppress(BlockingIOError):
                        watched.count(viewer, os.read(viewer.fileno, READ_BYTES))
                await asyncio.sleep(SLICE / READS_A_SECOND)

    for viewer in viewers:
        viewer.transport.pause_reading()
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read_on())
        yield
        reading.cancel()
    for viewer in viewers:
        viewer.transport.resume_reading()


def _begun(crew: list[Robot]) -> Callable[[int], None]:
    """Start the next jobs, of this number."""
    jobs = iter([(robot, job_id) for robot in crew for job_id in robot.jobs])

    def publish(number: int) -> None:
        for robot, job_id in islice(jobs, number):
            robot.peer.send(report(job_id, "running", 0, None, stamp()))

    return publish


def _claim(robot: Robot, job_id: str) -> None:
    robot.jobs.append(job_id)
    robot.peer.send(report(job_id, "claimed", 0, "claimed"))


def _lines_of(robot: Robot) -> Callable[[int], None]:
    def publish(number: int) -> None:
        robot.peer.send(b"".join(log(robot.robot_id, robot.jobs[0], stamp()) for _ in range(number)))

    return publish


@contextlib.asynccontextmanager
async def of_jobs(viewers: int, *, pinned: bool) -> AsyncIterator[Watched]:
    """The real server: changes of status to dashboards, each durable before it is sent."""
    with servers.folder() as data:
        fill(data, ROBOTS, JOBS_EACH)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, ROBOTS, JOBS_EACH)
            claimed = 0

            def count(_robot: Robot, _payload: bytes) -> None:
                nonlocal claimed
                claimed += 1

            for robot in crew:
                robot.assigned, robot.acked = _claim, count
            await submit(server.port, crew, JOBS_EACH)
            await until(lambda: claimed == ROBOTS * JOBS_EACH)
            watched = Watched(b'"job_update"', _begun(crew))
            watched.viewers = await dashboards(server.port, viewers, watched.count)
            yield watched


@contextlib.asynccontextmanager
async def of_logs(viewers: int, *, pinned: bool) -> AsyncIterator[Watched]:
    """The real server: log lines of one robot to viewers, stored before they are sent."""
    with servers.folder() as data:
        fill(data, 1)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, 1)
            await running_jobs(server.port, crew, 1)
            watched = Watched(b'"type":"log"', _lines_of(crew[0]))
            watched.viewers = await _many(server.port, viewers, "/ws/logs", watched.count)
            yield watched


@contextlib.asynccontextmanager
async def of_relay(name: str, viewers: int, *, pinned: bool) -> AsyncIterator[Watched]:
    """A bare relay: see bench/peers."""
    async with servers.bare(name, pinned) as server:
        publisher = await connect(HOST, server.port, "/publish", lambda _peer, _data: None)

        def publish(number: int) -> None:
            publisher.send(b"".join(frame(LIKE_OURS % stamp().encode()) for _ in range(number)))

        watched = Watched(b'"job_update"', publish)
        watched.viewers = await _many(server.port, viewers, "/watch", watched.count)
        yield watched


@contextlib.asynccontextmanager
async def of_nats(viewers: int, *, pinned: bool) -> AsyncIterator[Watched]:
    """nats-server: one subject and its subscribers, all over WebSocket."""
    async with servers.nats(pinned) as server:
        hello = frame(b'CONNECT {"verbose":false}\r\n', 2)
        publisher = await connect(HOST, server.port, "/", lambda _peer, _data: None)
        publisher.send(hello)

        def publish(number: int) -> None:
            bodies = (LIKE_OURS % stamp().encode() for _ in range(number))
            publisher.send(b"".join(frame(b"PUB x %d\r\n%b\r\n" % (len(body), body), 2) for body in bodies))

        watched = Watched(b'"job_update"', publish)
        pongs = 0

        def pong(_peer: Peer, data: bytes) -> None:
            nonlocal pongs
            pongs += data.count(b"PONG")

        watched.viewers = await _many(server.port, viewers, "/", pong, {})
        for viewer in watched.viewers:
            viewer.send(hello + frame(b"SUB x 1\r\nPING\r\n", 2))
        while pongs < viewers:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield watched


@contextlib.asynccontextmanager
async def of_mosquitto(viewers: int, *, pinned: bool) -> AsyncIterator[Watched]:
    """Mosquitto: one topic and its subscribers with QoS 0, all over WebSocket. Source: MQTT 3.1.1, section 3."""
    async with servers.mosquitto(pinned) as server:
        protocol = {"Sec-WebSocket-Protocol": "mqtt"}
        publisher = await connect(HOST, server.port, "/", lambda _peer, _data: None, protocol)
        hello = frame(mqtt_packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x00"), 2)
        publisher.send(hello)

        def publish(number: int) -> None:
            bodies = (LIKE_OURS % stamp().encode() for _ in range(number))
            publisher.send(b"".join(frame(mqtt_packet(0x30, b"\x00\x01x" + body), 2) for body in bodies))

        watched = Watched(b'"job_update"', publish)
        subscribed = 0

        def hear(_peer: Peer, data: bytes) -> None:
            nonlocal subscribed
            subscribed += data.count(b"\x90\x03\x00\x01\x00")

        watched.viewers = await _many(server.port, viewers, "/", hear, protocol)
        for viewer in watched.viewers:
            viewer.send(hello + frame(mqtt_packet(0x82, b"\x00\x01\x00\x01x\x00"), 2))
        await until(lambda: subscribed >= viewers)
        yield watched


def mqtt_packet(kind: int, content: bytes) -> bytes:
    """A packet of MQTT: its kind, the length in groups of seven bits, and the content."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size % 128 + 128)
        size //= 128
    return bytes((kind, *length, size)) + content


async def _many(
    port: int, number: int, path: str, sink: Callable[[Peer, bytes], None], headers: dict[str, str] = ADMIN
) -> list[Peer]:
    opened: list[Peer] = []
    left = iter(range(number))

    async def one() -> None:
        opened.append(await connect(HOST, port, path, sink, headers))

    async def some() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*[some() for _ in range(AT_ONCE)])
    return opened


@dataclass(frozen=True)
class Other:
    """Another server of messages, and the files that it needs."""

    opens: Callable[[int, bool], AbstractAsyncContextManager[Watched]]
    needs: tuple[Path, ...] = ()
    module: str | None = None
    """A module of Python that contains a library in machine code, which not every machine can load."""
    python: Path = servers.BENCH_PYTHON

    def is_here(self, name: str) -> bool:
        """Whether make could install it, and it can run here; prints the reason if not."""
        if not servers.are_here(name, self.needs):
            return False
        if self.module is None:
            return True
        tried = subprocess.run(
            [self.python, "-c", f"import {self.module}"], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            print(f"{name} is not measured: {tried.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return tried.returncode == 0


def _relay(name: str, *needs: Path, module: str | None = None) -> Other:
    needs = servers.RELAYS[name][0], *needs
    return Other(lambda viewers, pinned: of_relay(name, viewers, pinned=pinned), needs, module)


# The order is that of their figures when all were compared for the first time: QUICK=1 measures the first two.
OTHERS = {
    "uWebSockets": _relay("uwebsockets", module="socketify"),
    "nats-server": Other(lambda viewers, pinned: of_nats(viewers, pinned=pinned), (servers.NATS,)),
    "bare picows": _relay("picows"),
    "ws": _relay("ws", servers.MODULES / "ws"),
    "Mosquitto": Other(lambda viewers, pinned: of_mosquitto(viewers, pinned=pinned), (servers.MOSQUITTO,)),
    "bare FastAPI": _relay("fastapi"),
}
UNPINNED = ("nats-server", "bare picows", "bare FastAPI")
"""The servers that are also measured on two cores."""


ONCE = ("bare FastAPI", "Mosquitto")
"""Servers that are so much slower that one turn is enough."""
WINDOWS = (
    (4, Target("P2", 500_000, 800_000)),
    (64, Target("P3", 2_000_000, 3_500_000)),
)
COMPARED = {
    "fan-out: 1000 viewers, 4 at once": "4 at once",
    "fan-out: 1000 viewers, 64 at once": "64 at once",
    "fan-out: p99 age, 1000 viewers, 100 events/s": "p99 age, 100 events/s",
    "fan-out: age at the first viewer, 1000 viewers, 100 events/s": "age at the first viewer",
}
"""The figures of all servers, and their headings in one table."""
LATE = (Target("P4", 12, 8, at_least=False), targets.Q7)
"""The targets of the 99th percentile of all viewers, and of the first viewer."""


async def measure(figures: Figures, *, pinned: bool, viewers: int, plan: Plan, others: Sequence[str] = ()) -> None:
    """Log lines, each stored before it is sent, in bursts of 4 and 64, and their delay; in turns with other servers."""
    async with contextlib.AsyncExitStack() as stack:
        opened = {"casare": await stack.enter_async_context(of_logs(viewers, pinned=pinned))}
        for name in others:
            if OTHERS[name].is_here(name):
                opened[name] = await stack.enter_async_context(OTHERS[name].opens(viewers, pinned))
        for turn in range(plan.turns):
            for server, watched in opened.items():
                if turn and server in ONCE:
                    continue
                judged = viewers == 1000 and server == "casare"
                for burst, must in WINDOWS:
                    value = await rate(watched, burst, plan.seconds)
                    _add_rate(
                        figures,
                        f"fan-out: {viewers} viewers, {burst} at once",
                        value,
                        server,
                        pinned,
                        must if judged else None,
                    )
                await _lateness(
                    figures,
                    watched,
                    f"{viewers} viewers",
                    100,
                    plan.late_seconds,
                    server,
                    pinned,
                    LATE if judged else (None, None),
                )
                if turn == 0 and plan.rare_seconds:
                    seconds = plan.rare_seconds
                    await _lateness(figures, watched, f"{viewers} viewers", 10, seconds, server, pinned)
            if viewers == 1000:
                for other, target in targets.Q6_TO.items():
                    figures.add_ratio(f"fan-out: {viewers} viewers, 4 at once", other, pinned=pinned, target=target)


def _add_rate(figures: Figures, name: str, value: Rate, server: str, pinned: bool, target: Target | None) -> None:
    figures.add(name, "deliveries/s", value.value, server=server, pinned=pinned, target=target, busy=value.busy)


async def _lateness(
    figures: Figures,
    watched: Watched,
    name: str,
    per_second: int,
    seconds: float,
    server: str,
    pinned: bool,
    limits: tuple[Target | None, Target | None] = (None, None),
) -> None:
    late = await lateness(watched, per_second, seconds)
    name = f"{name}, {per_second} events/s"
    figures.add(
        f"fan-out: p99 age, {name}", "ms", late.p99, server=server, pinned=pinned, target=limits[0], busy=late.busy
    )
    for viewer, age, target in (("first", late.first, limits[1]), ("last", late.last, None)):
        name_of_age = f"fan-out: age at the {viewer} viewer, {name}"
        figures.add(name_of_age, "ms", age, server=server, pinned=pinned, target=target)


async def measure_jobs(figures: Figures, *, pinned: bool, viewers: int) -> None:
    """The same for changes of jobs, one per job."""
    async with of_jobs(viewers, pinned=pinned) as watched:
        name = f"job updates, {viewers} viewers"
        for burst in (4, 64):
            value = await rate(watched, burst, JOBS_SECONDS, ROBOTS * JOBS_EACH // 3)
            _add_rate(figures, f"fan-out: {name}, {burst} at once", value, "casare", pinned, None)
        for per_second in (10, 100):
            await _lateness(figures, watched, name, per_second, 2.0, "casare", pinned)
