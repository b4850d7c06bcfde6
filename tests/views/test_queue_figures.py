"""Figures of the queue: a viewer that joins during a change gets the figures after the change."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.domain.vocabulary import Channel
from casare_rpa.infrastructure.orchestrator.views.channels import audience
from hub.fake_peer import documents
from orchestrator.slices import instance

DEADLINE_SECONDS = 5
OVERTAKES_SECONDS = 0.2
"""Time in which a second reader of the figures could overtake the first."""


@pytest.mark.parametrize("joins_first", [True, False])
async def test_viewer_that_joins_during_a_change_learns_of_it(tmp_path: Path, joins_first: bool) -> None:
    async with instance(tmp_path) as plane, asyncio.timeout(DEADLINE_SECONDS):
        await plane.viewer(audience(Channel.QUEUE, None))  # has the figures published
        viewer = await plane.viewer()
        read, released = asyncio.Event(), asyncio.Event()

        async def wait_after_the_read(call: Callable[[], Awaitable[int]]) -> int:
            audit_id = await call()
            if not read.is_set():
                read.set()
                await released.wait()
            return audit_id

        plane.store.interceptors["last_audit_id"] = wait_after_the_read
        join = plane.robot_stream.join_metrics(viewer.session, Channel.QUEUE, None)
        calls = [join, plane.robot_stream.show_metrics()] if joins_first else [plane.robot_stream.show_metrics(), join]
        first = asyncio.create_task(calls[0])
        await read.wait()
        await plane.store.pause_queue(PausedQueue("*", plane.clock.now(), "ana", "month end"), audit=AN_ENTRY)
        second = asyncio.create_task(calls[1])
        await asyncio.wait([second], timeout=OVERTAKES_SECONDS)
        released.set()
        joining, showing = (first, second) if joins_first else (second, first)
        await joining
        plane.clock.advance(1)
        while not showing.done():
            await asyncio.sleep(0)
            plane.clock.advance(1)
        *_, last = await documents(viewer)
        assert last["payload"]["paused"] == ["*"]
        assert last["payload"]["audit_id"] == await plane.store.last_audit_id()
