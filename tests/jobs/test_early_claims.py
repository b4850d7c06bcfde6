"""A claim begins while the job that it finds is being written, so that one commit can have both."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub.fake_peer import seen
from orchestrator.slices import instance


@pytest.mark.parametrize("early", [True, False], ids=["with submits", "after submits"])
async def test_claim_begins_before_the_submit_has_ended(tmp_path: Path, early: bool) -> None:
    async with instance(tmp_path, dispatcher={"with_submits": early}) as plane:
        peer, _ = await plane.robot()
        calls: list[str] = []

        async def add(write: Any, *_: Any) -> Any:
            added = await write()
            calls.append("submitted")
            return added

        async def claim(write: Any, *_: Any) -> Any:
            calls.append("claims")
            return await write()

        plane.store.interceptors.update(add_jobs=add, claim=claim)
        dispatching = asyncio.create_task(plane.dispatcher.dispatch())
        await asyncio.sleep(0)
        job = await plane.job()
        await dispatching
        assert calls == (["claims", "submitted"] if early else ["submitted", "claims"])
        assert [one["job_id"] for one in await seen(peer, "job_assign")] == [job.job_id]
