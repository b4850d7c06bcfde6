"""`kill -9` of the server while viewers watch many jobs: they resume where they were, without a snapshot."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from contract.server_process import ADMIN_SECRET, Server, serving
from contract.stranger import Stranger, stranger

BATCH = 1_000
SUBMITTERS = 4
RESUME_MESSAGES = 10
"""The most messages of a resume: `subscribed`, the changes that were not sent, and the first one after it."""
Position = str


def submit_waiting_jobs(server: Server, number: int) -> None:
    for _ in range(number // BATCH):
        server.post("/jobs/batch", {"jobs": [{"workflow_id": "waiting"}] * BATCH})


async def submit_until_the_server_is_gone(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url, headers={"X-API-Secret": ADMIN_SECRET}) as client:

        async def submit() -> None:
            try:
                while True:
                    await client.post("/api/v1/jobs", json={"workflow_id": "fresh"})
            except httpx2.TransportError:
                return

        await asyncio.gather(*[submit() for _ in range(SUBMITTERS)])


async def connected(stack: AsyncExitStack, server: Server, since: tuple[Position | None, Position]) -> list[Stranger]:
    """A dashboard and a widget at these positions."""
    admin = await stack.enter_async_context(stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)))
    await admin.send("subscribe", {"channels": ["jobs"], "since": since[0]})
    address = server.ws("/ws/monitoring/live-jobs", token=server.token(), since=since[1])
    return [admin, await stack.enter_async_context(stranger(address))]


def changes(viewer: Stranger) -> list[tuple[int, str]]:
    """The number and the job of each numbered change."""
    updates = [one for one in viewer.seen if one["type"] == "job_update" and "seq" in one]
    return [(one["seq"], one.get("payload", one)["job_id"]) for one in updates]


def place(document: dict[str, Any]) -> Position:
    fields = document if "epoch" in document else document["payload"]
    return f"{fields['epoch']}:{fields['seq']}"


async def until_it_is_gone(viewer: Stranger) -> Position:
    """Receive to the end of the connection. Returns the position of the last numbered message."""
    try:
        while True:
            await viewer.receive()
    except ConnectionClosed:
        numbered = [one for one in viewer.seen if "seq" in one or one["type"] == "snapshot_end"]
        return place(numbered[-1])


@pytest.mark.slow
@pytest.mark.parametrize("pending", [3_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_viewer_that_resumes_after_a_crash_gets_each_change_once_and_no_snapshot(
    tmp_path: Path, pending: int
) -> None:
    """The process is killed after a commit, before any viewer gets the change."""
    commits = pending // BATCH + 60
    async with AsyncExitStack() as stack:
        with serving(tmp_path, CASARE_FAILPOINTS=f"store.committed:kill@{commits}") as server:
            submit_waiting_jobs(server, pending)
            before = await connected(stack, server, (None, "start"))
            for viewer in before:
                await viewer.next("snapshot_end", within_seconds=60)
                assert viewer.kinds().count("job_update") >= pending
            positions, _ = await asyncio.gather(
                asyncio.gather(*map(until_it_is_gone, before)), submit_until_the_server_is_gone(server)
            )
            assert server.wait() == -signal.SIGKILL
        with serving(tmp_path) as server:
            resumed = await connected(stack, server, (positions[0], positions[1]))
            fresh = [job["job_id"] for job in all_fresh_jobs(server)]
            last = server.post("/jobs", {"workflow_id": "fresh"})["job_id"]
            for old, new in zip(before, resumed, strict=True):
                await new.next("job_update", lambda update: update["job_id"] == last)
                assert new.seen[0].get("payload", new.seen[0])["recovered"] is True
                sent = [one for one in new.seen if "pending_reasons" not in one.get("payload", one)]
                assert len(sent) <= RESUME_MESSAGES
                every = changes(old) + changes(new)
                numbers = [seq for seq, _ in every]
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                assert sorted(job_id for _, job_id in every) == sorted([*fresh, last])
                assert len(changes(new)) > 1, "the server was killed before it had sent all that was committed"


def all_fresh_jobs(server: Server) -> list[dict[str, Any]]:
    """The jobs of the time around the kill, as the restarted server lists them."""
    jobs: list[dict[str, Any]] = []
    path = "/jobs?workflow_id=fresh&limit=200"
    while True:
        page = server.get(path)
        jobs += page["items"]
        if not page.get("next_cursor"):
            return jobs
        path = f"/jobs?workflow_id=fresh&limit=200&cursor={page['next_cursor']}"
