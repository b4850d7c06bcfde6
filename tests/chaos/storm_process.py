"""Many light robots in one process, with the part of the contract for work and reconnects."""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chaos import pace
from chaos.journal import Journal
from chaos.processes import die_with_parent, raise_descriptor_limit, tag_of

pace.apply()

from casare_rpa.domain.liveness import Backoff  # noqa: E402 - the pace comes first

HEARTBEAT_SECONDS = 30.0
OPEN_SECONDS = 30.0


class LightRobot:
    """One robot with one slot. It repeats unacknowledged messages on the next connection."""

    def __init__(self, robot_id: str, address: str, journal: Journal, handshakes: Journal) -> None:
        self._robot_id = robot_id
        self._address = address
        self._journal = journal
        self._handshakes = handshakes
        self._instance_id = uuid.uuid4().hex
        self._socket: ClientConnection | None = None
        self._unanswered: dict[str, str] = {}
        """Frames by their `id`."""
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._held: dict[tuple[str, int], asyncio.Event] = {}
        """The running attempts, with the events that stop them."""
        self._begun: set[tuple[str, int]] = set()
        self._finishing = False

    def finish(self) -> None:
        """End the running jobs now, with the outcome that they have after their time."""
        self._finishing = True
        for stop in self._held.values():
            stop.set()

    async def live(self, tasks: asyncio.TaskGroup) -> None:
        """Stay connected without end."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                async with connect(
                    self._address,
                    proxy=None,
                    compression=None,
                    open_timeout=OPEN_SECONDS,
                    ping_interval=None,
                ) as socket:
                    await socket.recv()  # connected
                    self._handshakes.write("connected", took=time.monotonic() - began, failures=failures)
                    failures = 0
                    await self._talk(socket, tasks)
            except (OSError, TimeoutError, WebSocketException):
                failures += 1
            self._socket = None
            await asyncio.sleep(Backoff().delay(max(failures - 1, 0), random.random()))

    async def _talk(self, socket: ClientConnection, tasks: asyncio.TaskGroup) -> None:
        held = [{"job_id": job_id, "attempt": attempt} for job_id, attempt in self._held]
        hello = {"instance_id": self._instance_id, "max_concurrent_jobs": 1, "features": ["claim_ack"]}
        await _send(socket, "hello", {**hello, "tags": [tag_of(self._robot_id)], "active_jobs": held})
        self._socket = socket
        for frame in list(self._unanswered.values()):
            await socket.send(frame)
        beating = tasks.create_task(self._beat(socket))
        try:
            async for text in socket:
                self._received(json.loads(text), tasks)
        finally:
            beating.cancel()

    async def _beat(self, socket: ClientConnection) -> None:
        try:
            while True:
                held = [{"job_id": job_id, "attempt": attempt} for job_id, attempt in self._held]
                status = "busy" if held else "idle"
                vitals = {"cpu_percent": 1.0, "memory_mb": 1.0, "timestamp": _now(), "active_jobs": held}
                await _send(socket, "heartbeat", {"robot_id": self._robot_id, "status": status, **vitals})
                await asyncio.sleep(HEARTBEAT_SECONDS * (0.9 + 0.1 * random.random()))
        except WebSocketException:
            return

    def _received(self, message: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        payload = message["payload"]
        match message["type"]:
            case "ack":
                self._answered(payload["id"], taken=True)
            case "error" if "id" in message:
                self._answered(message["id"], taken=False)
            case "job_assign":
                key = payload["job_id"], payload["attempt"]
                if key not in self._begun:
                    self._begun.add(key)
                    tasks.create_task(self._work(*key, payload["parameters"]))
            case "job_cancel":
                for (job_id, _), stop in self._held.items():
                    if job_id == payload["job_id"]:
                        stop.set()

    def _answered(self, message_id: str, *, taken: bool) -> None:
        self._unanswered.pop(message_id, None)
        answer = self._answers.pop(message_id, None)
        if answer is not None:
            answer.set_result(taken)

    async def _work(self, job_id: str, attempt: int, wanted: dict[str, Any]) -> None:
        about = {"job_id": job_id, "attempt": attempt, "robot_id": self._robot_id}
        stop = self._held[job_id, attempt] = asyncio.Event()
        try:
            if not await self._report(job_id, attempt, "claimed"):
                return
            self._journal.write("started", **about)
            await self._report(job_id, attempt, "running")
            outcome = wanted["outcome"]
            try:
                async with asyncio.timeout(wanted["seconds"]):
                    await stop.wait()
                outcome = wanted["outcome"] if self._finishing else "cancelled"
            except TimeoutError:
                pass
            self._journal.write("ended", outcome=outcome, **about)
            error = {} if outcome == "completed" else {"error": {"type": outcome, "message": "as told"}}
            status = "completed" if outcome == "completed" else "failed"
            taken = await self._report(job_id, attempt, status, **error)
            self._journal.write("answered", accepted=taken, **about)
        finally:
            del self._held[job_id, attempt]

    async def _report(self, job_id: str, attempt: int, status: str, **more: Any) -> bool:
        """Whether the server accepted it; also waits for reconnects."""
        message_id = uuid.uuid4().hex
        payload = {"job_id": job_id, "attempt": attempt, "status": status, "timestamp": _now(), **more}
        frame = json.dumps({"type": "job_status", "id": message_id, "payload": payload})
        self._unanswered[message_id] = frame
        answer = self._answers[message_id] = asyncio.get_running_loop().create_future()
        if self._socket is not None:
            with contextlib.suppress(WebSocketException):  # repeated on the next connection
                await self._socket.send(frame)
        return bool(await answer)


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _send(socket: ClientConnection, kind: str, payload: dict[str, Any]) -> None:
    await socket.send(json.dumps({"type": kind, "payload": payload}))


async def run() -> None:
    """Run all robots of the list without end."""
    folder, number = Path(os.environ["CHAOS_DIR"]), os.environ["CHAOS_NUMBER"]
    journal = Journal(folder / "robots" / f"storm-{number}.jsonl")
    handshakes = Journal(folder / "handshakes" / f"{number}.jsonl", durable=False)
    keys: dict[str, str] = json.loads((folder / f"storm-{number}.json").read_text())
    async with asyncio.TaskGroup() as tasks:
        for robot_id, key in keys.items():
            address = f"{os.environ['CHAOS_URL']}/ws/robot/{robot_id}?api_key={key}"
            tasks.create_task(LightRobot(robot_id, address, journal, handshakes).live(tasks))


if __name__ == "__main__":
    die_with_parent()
    raise_descriptor_limit()
    sys.exit(asyncio.run(run()))
