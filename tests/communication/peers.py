"""Two orchestrators with the same interface: a fake that follows the contract, and the real one in a process."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from casare_rpa.domain.limits import ROBOT_LIMIT, TokenBucket
from communication.robots import API_KEY
from contract.server_process import Account, Server
from fakes import WITHIN_SECONDS, Document, FakeOrchestrator, FakeSession

PAGE = 500


class Peer(Protocol):
    """An orchestrator as seen by a test of the client."""

    url: str
    robot_id: str
    api_key: str

    async def submit(self) -> str:
        """Submit a job for this robot and return its id."""

    async def job(self, job_id: str) -> Document:
        """`status`, `progress`, `message`, `result` and `finished_at` (Unix seconds) of a job."""

    async def new_lines(self, job_id: str) -> list[str]:
        """The stored lines of a job since the last call, in order."""

    async def cancel(self, job_id: str) -> None: ...

    async def revoke_key(self) -> None: ...

    async def heartbeat_at(self) -> float | None:
        """Time of the last heartbeat, in Unix seconds."""

    async def violations(self) -> int:
        """Number of messages above the rate limit."""


async def until(ask: Callable[[], Any], fits: Callable[[Any], bool], within_seconds: float = 2 * WITHIN_SECONDS) -> Any:
    """Poll until the answer fits, and return it. The peers offer no event for it."""
    deadline = time.monotonic() + within_seconds
    while not fits(answer := await ask()):
        assert time.monotonic() < deadline, f"still {answer}"
        await asyncio.sleep(0.02)
    return answer


async def ended(peer: Peer, job_id: str, within_seconds: float = 2 * WITHIN_SECONDS) -> Document:
    """The job after its end."""
    job: Document = await until(
        lambda: peer.job(job_id), lambda job: job["status"] in ("completed", "failed"), within_seconds
    )
    return job


class RealPeer:
    """The real server, through its public API."""

    def __init__(self, server: Server, account: Account) -> None:
        self.url = server.url
        self.robot_id = account.robot_id
        self.api_key = account.api_key
        self._account = account
        self._server = server
        self._cursors: dict[str, Any] = {}

    async def submit(self) -> str:
        return str((await asyncio.to_thread(self._server.job, self._account))["job_id"])

    async def job(self, job_id: str) -> Document:
        job: Document = await asyncio.to_thread(self._server.get, f"/jobs/{job_id}")
        finished_at = job["finished_at"]
        return job | {"finished_at": finished_at and datetime.fromisoformat(finished_at).timestamp()}

    async def new_lines(self, job_id: str) -> list[str]:
        return await asyncio.to_thread(self._new_lines, job_id)

    def _new_lines(self, job_id: str) -> list[str]:
        lines: list[str] = []
        full = True
        while full:
            page = self._server.get(f"/jobs/{job_id}/logs?limit={PAGE}&cursor={self._cursors.get(job_id, 0)}")
            self._cursors[job_id] = page["next_cursor"] or 0
            lines += [entry["message"] for entry in page["items"]]
            full = len(page["items"]) == PAGE
        return lines

    async def cancel(self, job_id: str) -> None:
        await asyncio.to_thread(self._server.post, f"/jobs/{job_id}/cancel", {"reason": "not needed"}, 200)

    async def revoke_key(self) -> None:
        path = f"/api/v1/robots/{self.robot_id}/keys/{self._account.key_id}"
        assert (await asyncio.to_thread(self._server.http.delete, path)).status_code == 204

    async def heartbeat_at(self) -> float | None:
        robot = await asyncio.to_thread(self._server.get, f"/robots/{self.robot_id}")
        beaten_at = robot["last_heartbeat_at"]
        return None if beaten_at is None else datetime.fromisoformat(beaten_at).timestamp()

    async def violations(self) -> int:
        """From the server's metrics. They count closed connections."""
        text = (await asyncio.to_thread(self._server.http.get, "/metrics")).text
        values = re.findall(r'^casare_rate_limited_total\{endpoint="/ws/robot"\} (\S+)$', text, re.MULTILINE)
        assert values, "the server counts them"
        return sum(int(float(value)) for value in values)


class FakePeer:
    """Keeps jobs, lines and the contract's token bucket in memory; answers everything at once."""

    robot_id = "robot-1"
    api_key = API_KEY

    def __init__(self, fake: FakeOrchestrator) -> None:
        self.url = fake.url
        self._fake = fake
        self._jobs: dict[str, Document] = {}
        self._lines: dict[str, list[str]] = {}
        self._heartbeat_at: float | None = None
        self._buckets: dict[int, TokenBucket] = {}
        self._violations = 0
        self._revoked = False
        fake.answer = self._answer

    async def submit(self) -> str:
        job_id = f"job-{len(self._jobs) + 1}"
        self._jobs[job_id] = {
            "status": "pending",
            "progress": 0.0,
            "message": None,
            "result": None,
            "finished_at": None,
        }
        self._lines[job_id] = []
        await self._fake.sessions[-1].assign(job_id)
        return job_id

    async def job(self, job_id: str) -> Document:
        return dict(self._jobs[job_id])

    async def new_lines(self, job_id: str) -> list[str]:
        lines, self._lines[job_id] = self._lines[job_id], []
        return lines

    async def cancel(self, job_id: str) -> None:
        job = self._jobs[job_id]
        if job["status"] == "pending":
            job["status"] = "failed"
            await self._fake.sessions[-1].cancel(job_id, attempt=1)
        else:
            await self._fake.sessions[-1].cancel(job_id, attempt=1, grace_seconds=30)

    async def revoke_key(self) -> None:
        session = self._fake.sessions[-1]
        await session.error("AUTH_FAILED", "api_key: it was revoked")
        await session.close(4001)

    async def heartbeat_at(self) -> float | None:
        return self._heartbeat_at

    async def violations(self) -> int:
        return self._violations

    async def _answer(self, session: FakeSession, message: Document) -> None:
        now = asyncio.get_running_loop().time()
        bucket = self._buckets.setdefault(session.number, TokenBucket(ROBOT_LIMIT, now))
        if bucket.take(now) > 0:
            self._violations += 1
            await session.error("RATE_LIMITED", "too many messages; slow down", retry_after_ms=1000)
        kind, payload = message["type"], message["payload"]
        if kind == "heartbeat":
            self._heartbeat_at = time.time()
        elif kind == "job_status" and not self._take(payload):
            await session.error("INVALID_MESSAGE", "the job is over", message)
            return
        elif kind in ("log", "log_batch"):
            for entry in payload["entries"] if kind == "log_batch" else [payload]:
                self._lines.setdefault(entry.get("job_id", ""), []).append(entry["message"])
        if "id" in message:
            await session.ack(message)

    def _take(self, report: Document) -> bool:
        job = self._jobs[report["job_id"]]
        if job["status"] in ("completed", "failed"):
            return report["status"] == job["status"]
        job |= {key: report[key] for key in ("status", "progress", "message", "result") if report.get(key) is not None}
        if job["status"] in ("completed", "failed"):
            job["finished_at"] = time.time()
        return True
