"""A robot that logs without pause gets no RATE_LIMITED, loses no line, and still sends heartbeats, claims and ends."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from casare_rpa.domain.protocol import Error, JobAssign
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import SendLimits
from casare_rpa.infrastructure.orchestrator.communication.websocket_client import OrchestratorWebSocketClient
from communication.peers import FakePeer, Peer, RealPeer, ended, until
from contract.server_process import serving
from fakes import fake_orchestrator

FLOOD_SECONDS = 12.0
"""The allowed burst lasts one to two seconds; the rest runs at the steady rate."""
HEARTBEAT_SECONDS = 4.0
LIMITS = SendLimits(buffer_lines=3_000)
"""A small buffer, so that it is full within seconds."""
LATE_SECONDS = 3.0
ANSWERED_SECONDS = 2.0
JOB_EVERY_SECONDS = 0.5
END_SECONDS = 4.0
"""An end waits up to a second for the lines before it."""


@dataclass
class Flood:
    """One client under load, and the measurements of its run."""

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
    completed_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Log as fast as possible: alternately one line per iteration of the event loop, and without a pause."""
        self.client.on_job(self._work)
        listen = asyncio.create_task(self._listen())
        await self.client.connect()
        session_id = self.client.session_id
        main = await self.peer.submit()
        await until(lambda: self.peer.job(main), lambda job: job["status"] == "running")
        jobs, watch = asyncio.create_task(self._submit()), asyncio.create_task(self._watch(main))
        measure = asyncio.create_task(self._measure())  # concurrent: reading the stored lines can take longer
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
        for job_id, reported_at in self.completed_at.items():
            assert (await ended(self.peer, job_id))["finished_at"] - reported_at < END_SECONDS
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
            self.completed_at[assign.job_id] = time.time()

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
            await asyncio.sleep(0.2)

    async def _measure(self) -> None:
        while self.flooding:
            queue = self.client.send_queue
            self.most_buffered_lines = max(self.most_buffered_lines, queue.buffered_lines)
            self.most_buffered_bytes = max(self.most_buffered_bytes, queue.buffered_bytes)
            beaten_at = await self.peer.heartbeat_at()
            if beaten_at is not None and beaten_at not in self.heartbeats:
                self.heartbeats.append(beaten_at)
            await asyncio.sleep(0.1)

    def report(self) -> str:
        return (
            f"{type(self.peer).__name__}: {self.lines} lines, {self.lines / FLOOD_SECONDS:.0f} a second; "
            f"claims answered in {max(self.claims) * 1000:.0f} ms at most, {len(self.claims)} of them; "
            f"at most {self.most_buffered_lines} lines buffered; {self.waits} waits"
        )


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(120)
async def test_flood_is_paced_and_complete_and_delays_no_other_message(tmp_path: Path) -> None:
    """Both peers at the same time, to save time."""
    async with fake_orchestrator() as fake:
        with serving(tmp_path) as server:
            peers = (FakePeer(fake), RealPeer(server, server.robot(max_concurrent_jobs=3)))
            floods = [
                Flood(
                    peer,
                    OrchestratorWebSocketClient(
                        peer.robot_id,
                        peer.api_key,
                        peer.url,
                        max_concurrent_jobs=3,
                        heartbeat_interval_seconds=HEARTBEAT_SECONDS,
                        send_limits=LIMITS,
                    ),
                )
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
                assert flood.waits > 0, "a caller that logs too fast has to wait"
                assert flood.most_buffered_lines <= LIMITS.buffer_lines
                assert flood.most_buffered_bytes <= LIMITS.buffer_bytes + 64 * 1024
                assert max(flood.claims) < ANSWERED_SECONDS
                assert len(flood.completed_at) >= FLOOD_SECONDS / JOB_EVERY_SECONDS / 2
                gaps = [later - earlier for earlier, later in zip(flood.heartbeats, flood.heartbeats[1:], strict=False)]
                assert len(flood.heartbeats) >= FLOOD_SECONDS // HEARTBEAT_SECONDS
                assert max(gaps) < HEARTBEAT_SECONDS + LATE_SECONDS
