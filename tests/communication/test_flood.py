"""A robot that logs without end for a minute earns no RATE_LIMITED, loses nothing, and is heard meanwhile."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from casare_rpa.domain.protocol import Error, JobAssign
from casare_rpa.infrastructure.orchestrator.communication.robot.log_buffer import CAPACITY_BYTES, CAPACITY_LINES
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.peers import FakePeer, Peer, RealPeer, ended, until
from contract.server_process import serving
from fakes import fake_orchestrator

FLOOD_SECONDS = 62.0
"""Two heartbeats and the first one."""
HEARTBEAT_SECONDS = 30.0
LATE_SECONDS = 3.0
ANSWERED_SECONDS = 2.0
JOB_EVERY_SECONDS = 2.0
END_SECONDS = 4.0
"""An end waits up to a second for the lines before it."""


@dataclass
class Flood:
    """What one client lived through."""

    peer: Peer
    client: OrchestratorWebSocketClient
    flooding: bool = True
    lines: int = 0
    stored_lines: int = 0
    waits: int = 0
    most_buffered_lines: int = 0
    most_buffered_bytes: int = 0
    errors: list[str] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)
    said_completed_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Log for a minute as fast as it goes: now a line in every turn of the loop, now without a pause."""
        self.client.on_job(self._work)
        listen = asyncio.create_task(self._listen())
        await self.client.connect()
        session_id = self.client.session_id
        main = await self.peer.submit()
        await until(lambda: self.peer.job(main), lambda job: job["status"] == "running")
        jobs, watch = asyncio.create_task(self._submit()), asyncio.create_task(self._watch(main))
        measure = asyncio.create_task(self._measure())  # beside it: a minute's lines are not read in half a second
        started_at = time.monotonic()
        while (elapsed := time.monotonic() - started_at) < FLOOD_SECONDS:
            self.waits += self.client.send_queue.logs_full
            await self.client.send_log(f"line {self.lines}", job_id=main)
            self.lines += 1
            if elapsed % 2 < 1:
                await asyncio.sleep(0)
        jobs.cancel()
        await self.client.send_job_status(main, "completed")
        assert await self.client.drain(60), "nothing is left without an answer"
        assert self.client.session_id == session_id, "one connection all the time"
        for job_id, said_at in self.said_completed_at.items():
            assert (await ended(self.peer, job_id))["finished_at"] - said_at < END_SECONDS
        self.flooding = False
        await watch
        await measure
        await self._check_lines(main)
        assert self.stored_lines == self.lines, "none is lost"
        await self.client.close()
        await listen

    async def _work(self, assign: JobAssign) -> None:
        asked_at = time.monotonic()
        assert assign.attempt is not None
        assert await self.client.claim(assign.job_id, assign.attempt)
        self.claims.append(time.monotonic() - asked_at)
        await self.client.send_job_status(assign.job_id, "running")
        if len(self.claims) > 1:
            await self.client.send_job_status(assign.job_id, "completed", result=len(self.claims))
            self.said_completed_at[assign.job_id] = time.time()

    async def _submit(self) -> None:
        while True:
            await asyncio.sleep(JOB_EVERY_SECONDS)
            await self.peer.submit()

    async def _listen(self) -> None:
        async for message in self.client:
            if isinstance(message, Error):
                self.errors.append(message.message)

    async def _check_lines(self, job_id: str) -> None:
        for line in await self.peer.new_lines(job_id):
            assert line == f"line {self.stored_lines}", "each once, in order"
            self.stored_lines += 1

    async def _watch(self, job_id: str) -> None:
        while self.flooding:
            await self._check_lines(job_id)
            await asyncio.sleep(0.5)

    async def _measure(self) -> None:
        while self.flooding:
            queue = self.client.send_queue
            self.most_buffered_lines = max(self.most_buffered_lines, queue.buffered_lines)
            self.most_buffered_bytes = max(self.most_buffered_bytes, queue.buffered_bytes)
            beaten_at = await self.peer.heartbeat_at()
            if beaten_at is not None and beaten_at not in self.heartbeats:
                self.heartbeats.append(beaten_at)
            await asyncio.sleep(0.5)

    def report(self) -> str:
        return (
            f"{type(self.peer).__name__}: {self.lines} lines, {self.lines / FLOOD_SECONDS:.0f} a second; "
            f"claims answered in {max(self.claims) * 1000:.0f} ms at most, {len(self.claims)} of them; "
            f"at most {self.most_buffered_lines} lines buffered; {self.waits} waits"
        )


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_minute_of_flood_is_paced_whole_and_in_nobodys_way(tmp_path: Path) -> None:
    """Both at once, because a minute is a minute."""
    async with fake_orchestrator() as fake:
        with serving(tmp_path) as server:
            peers = (FakePeer(fake), RealPeer(server, server.robot(max_concurrent_jobs=3)))
            floods = [
                Flood(peer, OrchestratorWebSocketClient(peer.robot_id, peer.api_key, peer.url, max_concurrent_jobs=3))
                for peer in peers
            ]
            async with asyncio.TaskGroup() as group:
                for flood in floods:
                    group.create_task(flood.run())
            for flood in floods:
                print(flood.report())
            for flood in floods:
                assert flood.errors == []
                assert await flood.peer.violations() == 0
                assert flood.waits > 0, "whoever logs faster than it goes is held back"
                assert flood.most_buffered_lines <= CAPACITY_LINES
                assert flood.most_buffered_bytes <= CAPACITY_BYTES + 64 * 1024
                assert max(flood.claims) < ANSWERED_SECONDS
                assert len(flood.said_completed_at) >= FLOOD_SECONDS / JOB_EVERY_SECONDS / 2
                gaps = [later - earlier for earlier, later in zip(flood.heartbeats, flood.heartbeats[1:], strict=False)]
                assert len(flood.heartbeats) >= FLOOD_SECONDS // HEARTBEAT_SECONDS
                assert max(gaps) < HEARTBEAT_SECONDS + LATE_SECONDS
