"""Robots as state machines: one with the whole protocol, and one with contract 1.0 only.

Each logs its runs. The checker trusts these logs, not the server.
"""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.cluster import Cluster
from tests.simulation.disk import WORKFLOWS, key_of
from tests.simulation.history import Acked, History, Run
from tests.simulation.network import Connection, Gone
from tests.simulation.virtual_loop import Process, VirtualLoop

BEAT_SECONDS = 30.0
SILENT_SECONDS = 100.0
"""The server sends a ping after 30 s without another message."""
LONGEST_BACKOFF_SECONDS = 15.0
SLOW_RECONNECT_SECONDS = 60.0
UNKNOWN_WORKFLOW = "unknown_workflow"
TIMESTAMP = "2025-12-22T14:30:00Z"

Document = dict[str, Any]


@dataclass(eq=False)
class Work:
    """A job that the robot holds."""

    job_id: str
    attempt: int
    timeout_seconds: float
    state: str = "claiming"
    """claiming, working, ended"""
    end: Document | None = None
    run: Run | None = None
    task: "asyncio.Task[None] | None" = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stop_for: str = ""
    stubborn: bool = False
    cancelled: bool = False
    """A cancel of the attempt itself, after which `cancelled` is an end."""


def nothing_claimed(robot: "Robot", job_id: str) -> None:
    """Does nothing."""


class Robot:
    """The common part of both kinds: processes, connections, heartbeats, and runs that take time."""

    ours = True

    def __init__(
        self,
        loop: VirtualLoop,
        cluster: Cluster,
        history: History,
        chance: random.Random,
        robot_id: str,
        tenant_id: str,
    ) -> None:
        self.loop = loop
        self.cluster = cluster
        self.history = history
        self.chance = chance
        self.robot_id = robot_id
        self.peer = robot_id
        """The name of this process. A double has the identity of a robot and a name of its own."""
        self.tenant_id = tenant_id
        self.capacity = 1
        self.journal = False
        self.works: dict[str, Work] = {}
        self.process: Process | None = None
        self.connection: Connection | None = None
        self.lives = 0
        self._ids = 0
        self.trouble = True
        """Whether it may reject and fail jobs, be slow, and ignore cancels."""
        self.when_claiming: Callable[[Robot, str], None] = nothing_claimed
        """Called after a claim was sent, or after a 1.0 robot began a job without one, with the robot and the job."""
        self.no_beats_until = 0.0
        """Until then it sends no heartbeats, but all other messages."""
        self.silent_seconds = SILENT_SECONDS
        """It gives up a connection on which the server says nothing for longer."""
        self.shortest_work: dict[str, float] = {}
        """Seconds by job."""

    def note(self, what: str) -> None:
        self.history.note(self.loop.time(), self.robot_id, what)

    # Its processes

    def start(self) -> None:
        self.lives += 1
        self.process = Process(self.loop, f"{self.robot_id}/{self.lives}")
        self.note("starts")
        self.begin()
        self.process.start(self._connect_for_ever(), "main")

    def begin(self) -> None:
        """Restore the state that an earlier process left."""

    def kill(self) -> None:
        """SIGKILL: memory and runs are lost; the journal stays."""
        if self.process is None:
            return
        self.note("is killed")
        process, self.process = self.process, None
        connection, self.connection = self.connection, None
        process.kill()
        if connection is not None:
            connection.vanish()
        for work in self.works.values():
            self._stopped(work, "killed")
        self.forget()

    def forget(self) -> None:
        self.works = {}

    async def _connect_for_ever(self) -> None:
        tries = 0
        while True:
            code: int | None = None
            try:
                query = f"api_key={key_of(self.robot_id)}"
                self.connection = await self.cluster.connect("/ws/robot", query, self.peer, self.robot_id)
                tries = 0
                async with asyncio.TaskGroup() as group:
                    beats = group.create_task(self._beat_for_ever(self.connection))
                    code = await self._converse(self.connection)
                    beats.cancel()
            except Gone as gone:
                code = gone.code
            self.connection = None
            if code == 4009:
                self.replaced()
            tries += 1
            self.note(f"is disconnected ({code})")
            longest = min(LONGEST_BACKOFF_SECONDS, 1.0 * 2**tries)
            slow = code in (4003, 4008, 4009)
            await asyncio.sleep(SLOW_RECONNECT_SECONDS if slow else self.chance.random() * longest)

    async def _converse(self, connection: Connection) -> int | None:
        try:
            self.greet(connection)
            while True:
                text = await connection.receive()
                message = json.loads(text)
                self.note(f"<- {message['type']} {_gist(message)}")
                self.receive(message["type"], message["payload"], message.get("id"))
        except Gone as gone:
            return gone.code

    async def _beat_for_ever(self, connection: Connection) -> None:
        """Send heartbeats, and give up a silent connection."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if self.loop.time() - connection.said_at > self.silent_seconds:
                connection.give_up()
            with suppress(Gone):
                self.beat(connection)

    def send(self, kind: str, payload: Document, message_id: str | None = None) -> None:
        """Send it if there is a connection; it may not arrive."""
        document: Document = {"type": kind, "payload": payload}
        if message_id is not None:
            document["id"] = message_id
        if self.connection is not None:
            self.note(f"-> {kind} {_gist(document)}")
            with suppress(Gone):
                self.connection.send(json.dumps(document))

    def replaced(self) -> None:
        """Another process connected as this robot."""

    def greet(self, connection: Connection) -> None:
        raise NotImplementedError

    def beat(self, connection: Connection) -> None:
        raise NotImplementedError

    def receive(self, kind: str, payload: Document, message_id: str | None) -> None:
        raise NotImplementedError

    def report(self, work: Work, status: str, **more: Any) -> None:
        raise NotImplementedError

    def ended(self, work: Work, status: str, **more: Any) -> None:
        raise NotImplementedError

    # Runs

    def busy(self) -> int:
        return sum(work.state != "ended" for work in self.works.values())

    def work_on(self, work: Work) -> None:
        work.state = "working"
        attempt = work.attempt if self.ours else None
        work.run = Run(work.job_id, attempt, self.robot_id, self.ours, self.loop.time(), work.attempt, peer=self.peer)
        self.history.runs.append(work.run)
        self.note(f"works on {work.job_id} {work.attempt}")
        assert self.process is not None
        work.task = self.process.start(self._work(work), f"job {work.job_id}")

    def work_seconds(self, work: Work) -> float:
        """How long the work takes unless it is stopped."""
        seconds: float = self.chance.choice((0.5, 3.0, 12.0, 40.0, work.timeout_seconds * 1.3))
        seconds *= 0.5 + self.chance.random()
        return seconds if self.trouble else min(seconds, 5.0)

    async def _work(self, work: Work) -> None:
        chance = self.chance
        await asyncio.sleep(chance.random())
        self.report(work, "running", progress=0)
        left = max(self.work_seconds(work), self.shortest_work.get(work.job_id, 0.0))
        while left > 0 and not work.stop.is_set():
            step = min(left, 8.0)
            left -= step
            with suppress(TimeoutError):
                async with asyncio.timeout(step):
                    await work.stop.wait()
            if left > 0 and not work.stop.is_set():
                self.report(work, "running", progress=chance.randrange(100))
        if work.stop.is_set():
            await asyncio.sleep(chance.random() * 3.0)
            self._finish(work, "failed", error={"type": "cancelled", "message": work.stop_for})
            return
        outcome = chance.random() if self.trouble else 1.0
        if outcome < 0.15:
            self._finish(work, "failed", error={"type": "ValueError", "message": "broken"})
        elif outcome < 0.2:
            self._finish(work, "failed", error={"type": "business", "message": "no such customer"})
        else:
            self._finish(work, "completed", result={"by": self.robot_id, "attempt": work.attempt})

    def _finish(self, work: Work, status: str, **more: Any) -> None:
        self._stopped(work, status)
        work.state = "ended"
        self.ended(work, status, message=f"{self.robot_id} {work.attempt}", **more)

    def _stopped(self, work: Work, how: str) -> None:
        if work.run is not None and work.run.ended_at is None:
            work.run.ended_at = self.loop.time()
            work.run.how = how
            self.note(f"stops {work.job_id} {work.attempt}: {how}")

    def drop(self, work: Work, how: str) -> None:
        """Stop at once without a report."""
        self._stopped(work, how)
        if work.task is not None and work.state == "working":
            work.task.cancel()
        if self.works.get(work.job_id) is work:
            del self.works[work.job_id]


class OurRobot(Robot):
    """Sends hello with claim_ack, starts after the ack, reports with attempts and ids, keeps ends until answered."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.kept: dict[str, tuple[Work, str, Document]] = {}
        """Unanswered messages by id: (work, type, payload)."""
        self.seen: dict[tuple[str, int], None] = {}
        self._journalled: list[Work] = []
        self.workflows: tuple[str, ...] = WORKFLOWS
        self.denied = False
        """Whether it answered `unknown_workflow` since its last `hello`."""

    def begin(self) -> None:
        self._choose_workflows()
        for work in self._journalled:
            if work.state == "working":
                work.state = "ended"
                work.end = self._payload(
                    work, "failed", message=f"{self.robot_id} {work.attempt}", error={"type": "x", "message": "killed"}
                )
            self.works[work.job_id] = work
            self.seen[(work.job_id, work.attempt)] = None
            self._keep(work, "end", work.end)
        self._journalled = []

    def forget(self) -> None:
        if self.journal:
            self._journalled = [work for work in self.works.values() if work.state != "claiming"]
        self.works, self.kept, self.seen = {}, {}, {}

    def replaced(self) -> None:
        """Stop all jobs: the other process gets them when their leases end."""
        for work in list(self.works.values()):
            if work.state == "claiming":
                self._let_go(work, "replaced")
            work.stop_for = "replaced"
            work.stop.set()

    def _active(self) -> list[Document]:
        return [{"job_id": work.job_id, "attempt": work.attempt} for work in self.works.values()]

    def _choose_workflows(self) -> None:
        few = self.trouble and self.chance.random() < 0.4
        self.workflows = (self.chance.choice(WORKFLOWS),) if few else WORKFLOWS

    def _hello(self) -> None:
        self.denied = False
        journal = {"log_journal": f"{self.peer} journal"} if self.journal else {}
        self.send(
            "hello",
            {
                "instance_id": f"{self.peer}-{self.lives}",
                **journal,
                "max_concurrent_jobs": self.capacity,
                "active_jobs": self._active(),
                "features": ["claim_ack"],
                "workflows": list(self.workflows),
            },
        )

    def greet(self, connection: Connection) -> None:
        self._hello()
        for message_id, (_, what, payload) in sorted(self.kept.items(), key=lambda kept: kept[1][1] != "end"):
            assert what in ("end", "claim")
            self.send("job_status", payload, message_id)
        self.beat(connection)

    def beat(self, connection: Connection) -> None:
        if self.loop.time() < self.no_beats_until:
            return
        before = self.workflows
        if self.chance.random() < 0.3 or not self.trouble:
            self._choose_workflows()
        if self.workflows != before or (self.denied and not self.trouble):
            self._hello()
        payload: Document = {
            "robot_id": self.robot_id,
            "status": "busy" if self.busy() >= self.capacity else "idle",
            "cpu_percent": 1.0,
            "memory_mb": 1.0,
            "timestamp": TIMESTAMP,
            "active_jobs": self._active(),
        }
        self.send("heartbeat", payload)

    def _payload(self, work: Work, status: str, **more: Any) -> Document:
        return {"job_id": work.job_id, "attempt": work.attempt, "status": status, "timestamp": TIMESTAMP, **more}

    def _keep(self, work: Work, what: str, payload: Document | None) -> str:
        assert payload is not None
        self._ids += 1
        message_id = f"{self.lives}-{self._ids}"
        self.kept[message_id] = (work, what, payload)
        return message_id

    def report(self, work: Work, status: str, **more: Any) -> None:
        self.send("job_status", self._payload(work, status, **more))

    def ended(self, work: Work, status: str, **more: Any) -> None:
        work.end = self._payload(work, status, **more)
        message_id = self._keep(work, "end", work.end)
        self.send("job_status", work.end, message_id)
        if self.connection is not None and self.busy() == self.capacity - 1:
            with suppress(Gone):
                self.beat(self.connection)

    def receive(self, kind: str, payload: Document, message_id: str | None) -> None:
        match kind:
            case "job_assign":
                self._assigned(payload)
            case "job_cancel":
                self._cancelled(payload)
            case "ack":
                self._answered(payload["id"], accepted=True)
            case "error" if message_id is not None:
                if payload["code"] == "INTERNAL_ERROR":
                    self.loop.call_later(1.0 + self.chance.random(), self._again, message_id)
                else:
                    self._answered(message_id, accepted=False)

    def _again(self, message_id: str) -> None:
        kept = self.kept.get(message_id)
        if kept is not None:
            self.send("job_status", kept[2], message_id)

    def _assigned(self, assign: Document) -> None:
        job_id, attempt = assign["job_id"], assign["attempt"]
        self.history.assigned.append((self.loop.time(), self.robot_id, job_id, attempt))
        if (job_id, attempt) in self.seen:
            for message_id, (work, what, payload) in list(self.kept.items()):
                if what == "claim" and (work.job_id, work.attempt) == (job_id, attempt):
                    self.send("job_status", payload, message_id)
            return
        self.seen[(job_id, attempt)] = None
        older = self.works.get(job_id)
        if older is not None:
            self._let_go(older, "superseded")
        if self.busy() >= self.capacity or (self.trouble and self.chance.random() < 0.03):
            self.send("job_reject", {"job_id": job_id, "attempt": attempt, "reason": "not now"})
            return
        work = Work(job_id, attempt, float(assign["timeout_seconds"]))
        work.stubborn = self.trouble and self.chance.random() < 0.15
        self.works[job_id] = work
        claim = self._payload(work, "claimed")
        self.send("job_status", claim, self._keep(work, "claim", claim))
        self.when_claiming(self, job_id)

    def _cancelled(self, cancel: Document) -> None:
        work = self.works.get(cancel["job_id"])
        if work is None or cancel.get("attempt") not in (None, work.attempt) or work.state == "ended":
            return
        wanted = cancel.get("grace_seconds") is not None or cancel.get("force", False)
        if work.state == "claiming":
            self._unkeep(work, "claim")
            if wanted:
                work.state = "ended"
                self.ended(
                    work,
                    "failed",
                    message=f"{self.robot_id} {work.attempt}",
                    error={"type": "cancelled", "message": "cancelled"},
                )
            else:
                self.drop(work, "not ours")
        elif not wanted:
            self.drop(work, "superseded")
        elif not work.stubborn or cancel.get("force", False):
            work.stop_for = cancel["reason"]
            work.stop.set()

    def _answered(self, message_id: str, *, accepted: bool) -> None:
        work, what, payload = self.kept.pop(message_id, (None, "", {}))
        if work is None:
            return
        current = self.works.get(work.job_id) is work
        if what == "end":
            if accepted:
                self.history.acked.append(
                    Acked(self.loop.time(), work.job_id, work.attempt, payload["status"], self.robot_id)
                )
            if current:
                self.drop(work, "answered")
        elif accepted and current and work.state == "claiming":
            if self.trouble and self.chance.random() < 0.05:
                self._deny(work)
            else:
                self.work_on(work)
        elif not accepted:
            self.drop(work, "refused")

    def _deny(self, work: Work) -> None:
        """Say that it has no such workflow."""
        self.denied = True
        work.state = "ended"
        message = f"{self.robot_id} {work.attempt} {UNKNOWN_WORKFLOW}"
        self.ended(work, "failed", message=message, error={"type": "error", "code": UNKNOWN_WORKFLOW, "message": "m"})

    def _unkeep(self, work: Work, what: str) -> None:
        for message_id in [i for i, (kept, kind, _) in self.kept.items() if kept is work and kind == what]:
            del self.kept[message_id]

    def _let_go(self, work: Work, how: str) -> None:
        self._unkeep(work, "claim")
        self._unkeep(work, "end")
        self.drop(work, how)


class Manner(StrEnum):
    """How a 1.0 robot shows that it works on a job. The contract requires none of these messages before the end."""

    REPORTS = "reports"
    """It reports `claimed` and `running`."""
    BUSY = "busy"
    """It says `busy` at once, and reports the end only."""
    LOGS = "logs"
    """It logs a line of the job, and reports the end only."""
    REFUSED = "refused"
    """It reports `claimed` and the end, and each of its heartbeats is refused until the calm phase.

    After an end without confirmation it gets no job until the server reads `idle` in a heartbeat of it.
    """
    IDLE = "idle"
    """It says `idle` as long as the offer stands, and reports the end only."""


REPORTING = (Manner.REPORTS, Manner.REFUSED)
LONGER_THAN_A_LEASE_SECONDS = (0.0, 100.0)
LONGEST_SILENT_WORK_SECONDS = (60.0, 60.0, 95.0)
"""The offer to a robot that sends nothing about the job lasts 90 s; after that is window 1."""


class OldRobot(Robot):
    """Contract 1.0: no hello, no attempts, no ids. It starts at once, and sends each message only once."""

    ours = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._unsaid: list[Document] = []
        self.manner = Manner.REPORTS
        self.word_for_cancelled = "failed"

    def forget(self) -> None:
        self.works, self._unsaid = {}, []

    def greet(self, connection: Connection) -> None:
        self.beat(connection)
        unsaid, self._unsaid = self._unsaid, []
        for payload in unsaid:
            self.send("job_status", payload)
        if self.manner not in REPORTING:  # as the contract asks of a robot that says `idle` while it works
            for work in self.works.values():
                self._say(work, "running")

    def beat(self, connection: Connection) -> None:
        payload: Document = {"status": self._status()}
        if self.manner is Manner.REFUSED and self.trouble:
            payload["cpu_percent"] = "unknown"
        elif self.manner is not Manner.BUSY:
            payload |= {"robot_id": self.robot_id, "cpu_percent": 1.0, "memory_mb": 1.0, "timestamp": TIMESTAMP}
        self.send("heartbeat", payload)

    def _status(self) -> str:
        busy = self.busy() >= self.capacity and self.manner is not Manner.IDLE
        return "busy" if busy else "idle"

    def _say(self, work: Work, status: str, **more: Any) -> None:
        self.send("job_status", {"job_id": work.job_id, "status": status, "timestamp": TIMESTAMP, **more})

    def work_seconds(self, work: Work) -> float:
        seconds = super().work_seconds(work)
        longest = self.chance.choice(LONGEST_SILENT_WORK_SECONDS)
        if self.manner is Manner.REFUSED and self.trouble:  # nothing but its refused heartbeats keeps such a job
            seconds = max(seconds, self.chance.choice(LONGER_THAN_A_LEASE_SECONDS))
        return min(seconds, longest) if self.manner is Manner.IDLE else seconds

    def report(self, work: Work, status: str, **more: Any) -> None:
        if self.manner is Manner.REPORTS or (self.manner is Manner.REFUSED and status == "claimed"):
            self._say(work, status, **more)

    def ended(self, work: Work, status: str, **more: Any) -> None:
        error = more.pop("error", None)
        more.pop("result", None)
        if error is not None and error["type"] == "cancelled" and work.cancelled:
            status = self.word_for_cancelled
        payload = {"job_id": work.job_id, "status": status, "timestamp": TIMESTAMP, **more}
        if self.works.get(work.job_id) is work:
            del self.works[work.job_id]
        if self.connection is None:
            self._unsaid.append(payload)
        else:
            self.send("job_status", payload)
            with suppress(Gone):
                self.beat(self.connection)

    def receive(self, kind: str, payload: Document, message_id: str | None) -> None:
        if kind == "job_assign":
            self.history.assigned.append((self.loop.time(), self.robot_id, payload["job_id"], payload["attempt"]))
            if payload["job_id"] not in self.works:
                self._begin(Work(payload["job_id"], payload["attempt"], float(payload["timeout_seconds"])))
        elif kind == "job_cancel":
            work = self.works.get(payload["job_id"])
            if work is not None:
                work.cancelled = payload.get("grace_seconds") is not None or payload.get("force", False)
                work.stop_for = payload["reason"]
                work.stop.set()

    def _begin(self, work: Work) -> None:
        self.works[work.job_id] = work
        self.report(work, "claimed")
        self.work_on(work)
        if self.manner is Manner.LOGS:
            self.send("log", {"level": "INFO", "message": "begins", "job_id": work.job_id})
        elif self.manner is Manner.BUSY and self.connection is not None:
            self.beat(self.connection)
        self.when_claiming(self, work.job_id)


def _gist(document: Document) -> str:
    """The part of a message that identifies it."""
    payload = document["payload"]
    names = ("job_id", "attempt", "status", "reason", "message", "code", "id", "active_jobs", "force", "jobs")
    said = [f"{name}={payload[name]}" for name in names if name in payload]
    return " ".join([*said, *([f"#{document['id']}"] if "id" in document else [])])
