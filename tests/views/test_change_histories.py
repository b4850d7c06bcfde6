"""Changes are kept in memory for streams with viewers, and for a time after the last viewer has left."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain import feed
from casare_rpa.infrastructure.orchestrator.views.channels import JOB_STREAMS, LIVE_JOBS, NUMBERED_LIVE_JOBS, audience
from hub.fake_peer import FakePeer, documents
from orchestrator.slices import Instance, instance

JOBS = audience("jobs", None)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        yield opened


async def joined(plane: Instance, since: str | None = None) -> FakePeer:
    viewer = await plane.viewer()
    await plane.job_stream.join(viewer.session, "jobs", None, since)
    return viewer


async def last_place(viewer: FakePeer) -> str:
    last = (await documents(viewer))[-1]
    fields = last if "epoch" in last else last["payload"]
    return f"{fields['epoch']}:{fields['seq']}"


async def test_no_change_is_kept_for_a_stream_that_was_never_watched(plane: Instance) -> None:
    assert len(JOB_STREAMS) > 1
    await plane.job()
    assert plane.job_stream.histories.kept == {}
    await joined(plane)
    await plane.job()
    assert [*plane.job_stream.histories.kept] == [JOBS]


@pytest.mark.parametrize("stream", [LIVE_JOBS, NUMBERED_LIVE_JOBS])
async def test_viewer_that_subscribed_without_a_position_gets_changes(plane: Instance, stream: str) -> None:
    viewer = await plane.viewer()
    plane.hub.subscribe(viewer.session, audience(stream, "default"))
    job = await plane.job()
    (shown,) = await documents(viewer)
    assert shown["job_id"] == job.job_id
    assert ("seq" in shown) is (stream == NUMBERED_LIVE_JOBS)


async def test_changes_are_kept_for_a_while_after_the_last_viewer_left(plane: Instance) -> None:
    viewer = await joined(plane)
    await plane.job()
    place = await last_place(viewer)
    histories = plane.job_stream.histories
    await histories.trim()
    plane.hub.detach(viewer.session)
    plane.clock.advance(feed.MAX_SECONDS - 1)
    missed = await plane.job()
    await histories.trim()
    assert len(histories.kept[JOBS].since(feed.Position.parse(place) or pytest.fail(place)) or ()) == 1
    plane.clock.advance(1)
    await histories.trim()
    assert histories.kept == {}
    begin, update = await documents(await joined(plane, place))  # the store still has the change
    assert begin["payload"]["recovered"] is True
    assert update["payload"]["job_id"] == missed.job_id


async def test_history_that_is_watched_again_is_kept(plane: Instance) -> None:
    viewer = await joined(plane)
    histories = plane.job_stream.histories
    plane.hub.detach(viewer.session)
    await histories.trim()
    plane.clock.advance(feed.MAX_SECONDS - 1)
    again = await joined(plane)
    await histories.trim()
    plane.hub.detach(again.session)
    plane.clock.advance(feed.MAX_SECONDS - 1)
    await histories.trim()
    assert [*histories.kept] == [JOBS]
