"""The simulated users: a submitter, an admin and viewers."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import CasareError
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from tests.simulation.cluster import Cluster
from tests.simulation.disk import TENANTS, WORKFLOWS, key_of
from tests.simulation.history import History, Submit, Watch
from tests.simulation.network import Connection, Gone
from tests.simulation.server import API_SECRET
from tests.simulation.virtual_loop import VirtualLoop


class Person:
    def __init__(self, loop: VirtualLoop, cluster: Cluster, history: History, chance: random.Random) -> None:
        self.loop = loop
        self.cluster = cluster
        self.history = history
        self.chance = chance

    def note(self, what: str) -> None:
        self.history.note(self.loop.time(), type(self).__name__, what)


SUBMITTER = Principal(Role.ADMIN, "submitter")


class Submitter(Person):
    """Submits jobs with an idempotency key, and repeats each submit until it is accepted."""

    async def submit_all(self, count: int, within_seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                at = self.chance.random() * within_seconds
                group.create_task(self._submit(number, at))

    async def _submit(self, number: int, after_seconds: float) -> None:
        chance = self.chance
        key = f"key-{number}"
        tenant_id = chance.choice(TENANTS)
        submission = NewSubmission(
            workflow_id=chance.choice(WORKFLOWS),
            tenant_id=tenant_id,
            priority=chance.randrange(11),
            timeout_seconds=chance.choice((20, 60, 150)),
            max_attempts=chance.choice((1, 1, 1, 2, 3)),
            idempotency_key=key,
        )
        await asyncio.sleep(after_seconds)

        async def act(plane: ControlPlane) -> Any:
            return await plane.commands.jobs.submit(SUBMITTER, submission)

        answers = 0
        while True:
            try:
                added = await self.cluster.call(act)
            except (Gone, CasareError):
                await asyncio.sleep(chance.random() * 5.0)
                continue
            job = added.job
            self.note(f"{key} is {job.job_id}")
            self.history.submits.append(Submit(self.loop.time(), key, job.job_id, tenant_id, submission.max_attempts))
            answers += 1
            if answers > 1 or chance.random() < 0.8:
                return
            await asyncio.sleep(chance.random() * 20.0)  # the answer was lost, or is not known


class Admin(Person):
    """Cancels random jobs, and pauses and resumes the queue, over /ws/admin."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._connection: Connection | None = None
        self._ids = 0
        self._pausing = asyncio.Lock()
        self.spared: set[str] = set()
        """Jobs that it does not cancel, because a fault needs them for a long time."""

    async def stay_connected(self) -> None:
        while True:
            try:
                self._connection = await self.cluster.connect("/ws/admin", f"api_secret={API_SECRET}", "admin")
                while True:
                    document = json.loads(await self._connection.receive())
                    message_id = document.get("id") or document["payload"].get("id")
                    answer = self._answers.pop(message_id, None)
                    if answer is not None and not answer.done():
                        self.note(f"{message_id}: {document['type']} {document['payload'].get('message', '')}")
                        answer.set_result(document["type"] == "ack")
            except Gone:
                self._connection = None
                await asyncio.sleep(1.0 + self.chance.random())

    async def order(self, action: str, target_id: str) -> bool | None:
        """True: done. False: refused. `None`: unknown."""
        connection = self._connection
        if connection is None:
            return None
        self._ids += 1
        message_id = f"order-{self._ids}"
        answer: asyncio.Future[bool] = self.loop.create_future()
        self._answers[message_id] = answer
        payload = {"action": action, "target_id": target_id}
        self.note(f"{message_id}: {action} {target_id}")
        with suppress(Gone, TimeoutError):
            connection.send(json.dumps({"type": "command", "id": message_id, "payload": payload}))
            async with asyncio.timeout(10.0):
                return await answer
        return None

    async def interfere(self, until: float) -> None:
        while self.loop.time() < until:
            await asyncio.sleep(self.chance.random() * 25.0)
            if self.history.submits and self.chance.random() < 0.7:
                newest = self.chance.random() < 0.5  # most likely about to be sent to a robot
                submit = self.history.submits[-1] if newest else self.chance.choice(self.history.submits)
                if submit.job_id not in self.spared:
                    await self.order("cancel_job", submit.job_id)
            elif self.chance.random() < 0.6:
                await self._pause_for_a_while()

    async def _pause_for_a_while(self) -> None:
        async with self._pausing:
            if await self.order("pause_queue", "default") is not True:
                return
            since = self.loop.time()
            await asyncio.sleep(5.0 + self.chance.random() * 15.0)
            self.history.pauses.append((since, self.loop.time()))
            await self.order("resume_queue", "default")

    async def pause_until(self, over: asyncio.Event) -> None:
        """Pause the queue for a fault that needs a job without another robot."""
        async with self._pausing:
            await self.order("pause_queue", "default")
            await over.wait()
            await self.resume()

    async def resume(self) -> None:
        """Resume the queue, and repeat it until it succeeds."""
        while await self.order("resume_queue", "default") is not True:
            await asyncio.sleep(1.0)


class Viewer(Person):
    """Watches jobs of one tenant or of all, and reconnects without end."""

    def __init__(self, *args: Any, path: str, query: str, name: str, tenant_id: str | None) -> None:
        super().__init__(*args)
        self.path = path
        self.query = query
        self.name = name
        self.tenant_id = tenant_id
        self._connection: Connection | None = None
        self._watch: Watch | None = None

    def end(self) -> None:
        """End the run. A broken connection that has not noticed it is marked as incomplete."""
        if self._watch is not None and self._connection is not None and self._connection.down.broken:
            self._watch.over = True

    async def watch(self) -> None:
        while True:
            with suppress(Gone):
                await self._watch_once(await self.cluster.connect(self.path, self.query, self.name))
            await asyncio.sleep(self.chance.random() * 10.0)

    async def _watch_once(self, connection: Connection) -> None:
        self._connection = connection
        admin = self.path == "/ws/admin"
        self._watch = watch = Watch(self.name, self.tenant_id, snapshot=admin)
        self.history.watches.append(watch)
        if admin:
            connection.send(json.dumps({"type": "subscribe", "payload": {"channels": ["jobs", "queue", "robots"]}}))
        while True:
            await self._next(connection, watch)
            if self.chance.random() < 0.002:
                connection.close()

    async def _next(self, connection: Connection, watch: Watch) -> dict[str, Any]:
        """The next frame, which is recorded. Raises Gone at the end."""
        try:
            text = await connection.receive()
        except Gone:
            watch.over = True
            raise
        document: dict[str, Any] = json.loads(text)
        watch.frames.append((self.loop.time(), document))
        self.history.note(self.loop.time(), self.name, text)
        if document["type"] == "error":
            connection.close()  # its subscription failed, for example without a disk
        return document


def viewers(*args: Any) -> list[Viewer]:
    """One viewer of all tenants, and one of each tenant."""
    every = [Viewer(*args, path="/ws/admin", query=f"api_secret={API_SECRET}", name="viewer-all", tenant_id=None)]
    for tenant_id in TENANTS:
        query = f"token={key_of(f'{tenant_id}-1')}"
        path = "/ws/monitoring/live-jobs"
        every.append(Viewer(*args, path=path, query=query, name=f"viewer-{tenant_id}", tenant_id=tenant_id))
    return every
