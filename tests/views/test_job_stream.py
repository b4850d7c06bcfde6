"""Numbered job updates: a viewer that reconnects gets all changes that are stored, any other viewer a snapshot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain import feed
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.views import job_stream
from casare_rpa.infrastructure.orchestrator.views.channels import NUMBERED_LIVE_JOBS
from hub.fake_peer import FakePeer, documents, seen
from orchestrator.slices import ADMIN, Instance, LossyBus, instance


@pytest.fixture
def parts() -> dict[str, Any]:
    """Arguments of `instance`; a test overrides them with a parameter of this name."""
    return {}


@pytest.fixture
async def plane(tmp_path: Path, parts: dict[str, Any]) -> AsyncIterator[Instance]:
    async with instance(tmp_path, **parts) as opened:
        await opened.rescuer.rescue()
        yield opened


async def joined(plane: Instance, since: str | None, stream: str = "jobs", tenant: str | None = None) -> FakePeer:
    viewer = await plane.viewer()
    await plane.job_stream.join(viewer.session, stream, tenant, since)
    return viewer


async def told(viewer: FakePeer) -> list[dict[str, Any]]:
    return await documents(viewer)


def place(document: dict[str, Any]) -> str:
    fields = document.get("payload", {}) if "epoch" not in document else document
    return f"{fields['epoch']}:{fields['seq']}"


async def numbers(viewer: FakePeer) -> list[int]:
    return [
        document["seq"] for document in await told(viewer) if document["type"] == "job_update" and "seq" in document
    ]


@pytest.mark.parametrize("stream", ["jobs", NUMBERED_LIVE_JOBS])
async def test_first_subscription_gets_a_snapshot_and_then_numbered_changes(plane: Instance, stream: str) -> None:
    before = await plane.job()
    viewer = await joined(plane, None, stream)
    after = await plane.job()
    begin, shown, end, update = await told(viewer)
    fields = begin.get("payload", begin)
    assert (begin["type"], fields["recovered"], fields["seq"]) == ("subscribed", False, 1)
    assert shown.get("payload", shown)["job_id"] == before.job_id
    assert "seq" not in shown
    assert (end["type"], end.get("payload", end)["seq"]) == ("snapshot_end", 1)
    assert (update.get("payload", update)["job_id"], update["seq"]) == (after.job_id, 2)


@pytest.mark.parametrize("stream", ["jobs", NUMBERED_LIVE_JOBS])
async def test_reconnected_viewer_misses_no_change_and_gets_none_twice(plane: Instance, stream: str) -> None:
    viewer = await joined(plane, None, stream)
    _, link = await plane.robot()
    first = await plane.job()
    last = (await told(viewer))[-1]
    plane.hub.detach(viewer.session)
    await plane.dispatch()
    for status in ("claimed", "running", "completed"):
        await plane.report(link, first, status)
    again = await joined(plane, place(last), stream)
    await plane.job()
    begin, *updates = await told(again)
    assert begin.get("payload", begin)["recovered"] is True
    assert [d.get("payload", d)["status"] for d in updates] == ["claimed", "running", "completed", "pending"]
    assert [d["seq"] for d in updates] == [2, 3, 4, 5]


@pytest.mark.parametrize("since", ["other:1", "junk", "", ":", "999"])
async def test_unknown_position_gets_a_snapshot(plane: Instance, since: str) -> None:
    await plane.job()
    begin, *_ = await told(await joined(plane, since))
    assert begin["payload"]["recovered"] is False


async def test_changes_that_memory_no_longer_has_are_read_from_the_store(plane: Instance) -> None:
    viewer = await joined(plane, None)
    await plane.job()
    last = place((await told(viewer))[-1])
    jobs = [await plane.job() for _ in range(3)]
    plane.clock.advance(feed.MAX_SECONDS + 1)
    await plane.job_stream.histories.trim()
    begin, *rest = await told(await joined(plane, last))
    assert begin["payload"]["recovered"] is True
    assert [(d["payload"]["job_id"], d["seq"]) for d in rest] == [(job.job_id, 2 + n) for n, job in enumerate(jobs)]


@pytest.mark.parametrize("parts", [{"job_stream": {"max_missed": 3}}])
@pytest.mark.parametrize(("missed", "recovered"), [(3, True), (4, False)])
async def test_viewer_that_missed_too_much_gets_a_snapshot(plane: Instance, missed: int, recovered: bool) -> None:
    start = place((await told(await joined(plane, None)))[-1])
    for _ in range(missed):
        await plane.job()
    begin, *_ = await told(await joined(await restarted(plane, max_missed=3), start))
    assert begin["payload"]["recovered"] is recovered


@pytest.mark.parametrize("tenant", [None, "default"])
@pytest.mark.parametrize("deleted", [0, 1, 2])
async def test_deleted_change_is_answered_with_a_snapshot(plane: Instance, tenant: str | None, deleted: int) -> None:
    """Retention deletes a job with its changes, wherever they are in the order."""
    start = place((await told(await joined(plane, None, tenant=tenant)))[-1])
    for number in range(3):
        plane.clock.advance(1)
        job = await plane.job()
        if number == deleted:
            await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    again = await restarted(plane)
    begin, *_ = await told(await joined(again, start, tenant=tenant))
    assert begin["payload"]["recovered"] is True
    assert await plane.store.delete_oldest(RetainedKind.JOBS, Instant(plane.clock.now() + 1), 10) == 1
    begin, *rest = await told(await joined(again, start, tenant=tenant))
    assert begin["payload"]["recovered"] is False
    assert [d["type"] for d in rest] == ["job_update", "job_update", "snapshot_end"]


async def test_numbers_are_contiguous_for_each_audience(plane: Instance) -> None:
    from casare_rpa.domain.tenants import Tenant

    await plane.store.add_tenant(Tenant("acme", "", plane.clock.now()), audit=AN_ENTRY)
    everyone, acme = await joined(plane, None), await joined(plane, None, tenant="acme")
    for tenant in ("default", "acme", "default", "acme"):
        await plane.job(tenant_id=tenant)
    assert await numbers(everyone) == [1, 2, 3, 4]
    assert await numbers(acme) == [1, 2]


async def restarted(plane: Instance, **more: Any) -> Instance:
    """The server after a restart, with an empty memory."""
    again = Instance(plane.store, job_stream=more)
    await again.job_stream.load()
    return again


@pytest.mark.parametrize("tenant", [None, "default"])
@pytest.mark.parametrize("stream", ["jobs", NUMBERED_LIVE_JOBS])
async def test_changes_before_a_restart_are_sent_as_they_were_shown(
    plane: Instance, stream: str, tenant: str | None
) -> None:
    """The same bytes, whether a viewer was connected, resumed from memory or resumed after a restart."""
    connected = await joined(plane, None, stream, tenant)
    start = place((await told(connected))[-1])
    _, link = await plane.robot()
    job = await plane.job(max_attempts=2)
    await plane.dispatch()
    await plane.report(link, job, "claimed")
    await plane.report(link, job, "running", progress=33.3)
    await plane.presence.disconnect(link)
    _, link = await plane.robot()
    await plane.report(link, job, "running", progress=40)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    await plane.report(link, job, "failed", progress=50)
    shown = [document for document in await told(connected) if document["type"] == "job_update" and "seq" in document]
    statuses = [d.get("payload", d)["status"] for d in shown]
    assert statuses == ["pending", "claimed", "running", "running", "running", "failed"]
    from_memory = await told(await joined(plane, start, stream, tenant))
    after_a_restart = await told(await joined(await restarted(plane), start, stream, tenant))
    assert from_memory[1:] == shown
    assert after_a_restart == from_memory


async def test_numbers_continue_after_a_restart(plane: Instance) -> None:
    viewer = await joined(plane, None)
    await plane.job()
    last = place((await told(viewer))[-1])
    again = await restarted(plane)
    resumed, newcomer = await joined(again, last), await joined(again, None, tenant="default")
    await again.job()
    assert [d.get("seq") or d["payload"]["seq"] for d in await told(resumed)] == [1, 2]
    assert (await numbers(resumed), await numbers(newcomer)) == ([2], [2])


async def test_changes_during_a_resume_follow_the_missed_ones(plane: Instance) -> None:
    start = place((await told(await joined(plane, None)))[-1])
    await plane.job()
    again = await restarted(plane)

    async def meanwhile(read: Any, *_: Any) -> Any:
        del plane.store.interceptors["changes_after"]
        changes = await read()
        await again.job()
        return changes

    plane.store.interceptors["changes_after"] = meanwhile
    assert await numbers(await joined(again, start)) == [1, 2]


async def test_position_is_unknown_after_a_restore(plane: Instance) -> None:
    viewer = await joined(plane, None)
    await plane.job()
    last = place((await told(viewer))[-1])
    await plane.store.begin_epoch("another", audit=AN_ENTRY)
    begin, *_ = await told(await joined(await restarted(plane), last))
    assert (begin["payload"]["recovered"], begin["payload"]["epoch"]) == (False, "another")


async def test_position_after_the_newest_change_is_answered_with_a_snapshot_and_a_warning(
    plane: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is older than its viewers: it was restored from a backup."""
    start = place((await told(await joined(plane, None)))[-1])
    for _ in range(2):
        begin, *_ = await told(await joined(plane, start.replace(":0", ":5")))
        assert begin["payload"]["recovered"] is False
    assert len([record for record in caplog.records if "casare db restored" in record.getMessage()]) == 1


@pytest.mark.parametrize("parts", [{"bus": LossyBus()}])
@pytest.mark.parametrize("tenant", [None, "default"])
async def test_position_that_another_instance_has_shown_first_is_recovered(plane: Instance, tenant: str | None) -> None:
    start = place((await told(await joined(plane, None, tenant=tenant)))[-1])
    assert isinstance(plane.bus, LossyBus)
    plane.bus.loses = lambda _: True
    for _ in range(2):
        await plane.job()
    begin, *more = await told(await joined(plane, start.replace(":0", ":1"), tenant=tenant))
    assert begin["payload"]["recovered"] is True
    assert [document["seq"] for document in more] == [2]


@pytest.mark.parametrize("parts", [{"bus": LossyBus()}])
async def test_snapshot_ahead_of_the_events_is_not_followed_by_older_states(plane: Instance) -> None:
    """The store shows a commit before its event reaches the viewers."""
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    assert isinstance(plane.bus, LossyBus)
    bus = plane.bus
    bus.loses = lambda _: True
    await plane.report(link, job, "claimed")
    await plane.report(link, job, "running")
    bus.lose()
    assert bus.lost
    viewer = await joined(plane, None)
    for event in bus.lost:
        bus.publish(event)
    assert [d["payload"].get("status") for d in await told(viewer)] == [None, "running", None]


async def test_snapshot_is_sent_while_the_store_cannot_write(plane: Instance) -> None:
    await plane.job()

    async def full(_check: object) -> None:
        raise StoreUnavailable("the disk is full")

    plane.store.interceptors["check"] = full
    assert [d["type"] for d in await told(await joined(plane, None))] == ["subscribed", "job_update", "snapshot_end"]


async def test_progress_has_no_number(plane: Instance) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane, None)
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    await plane.report(link, job, "running", progress=40)
    *_, last = await told(viewer)
    assert last["payload"]["progress"] == 40
    assert "seq" not in last
    assert await numbers(viewer) == [1, 2]


async def test_held_progress_does_not_hide_a_cancel(plane: Instance) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane, None)
    job = await plane.job()
    await plane.dispatch()
    for progress in (None, 10, 20):
        await plane.report(link, job, "running", progress=progress)
    await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
    plane.clock.advance(job_stream.PROGRESS_GAP_SECONDS)
    await plane.job_stream.show_held_progress()
    shown = [(d["payload"]["progress"], d["payload"].get("cancel")) for d in (await told(viewer))[-3:]]
    assert shown == [(10, None), (20, "requested"), (20, "requested")]


async def test_held_progress_does_not_follow_the_end(plane: Instance) -> None:
    _, link = await plane.robot()
    viewer = await joined(plane, None)
    job = await plane.job()
    await plane.dispatch()
    for progress in (None, 10, 20):
        await plane.report(link, job, "running", progress=progress)
    await plane.report(link, job, "completed", progress=100)
    assert (plane.job_stream._held_progress, plane.job_stream._progress_shown_at) == ({}, {}), (
        "an end leaves no held progress"
    )
    plane.clock.advance(job_stream.PROGRESS_GAP_SECONDS)
    await plane.job_stream.show_held_progress()
    shown = [(d["payload"]["status"], d["payload"]["progress"]) for d in (await told(viewer))[-2:]]
    assert shown == [("running", 10), ("completed", 100)]


async def test_outdated_reasons_are_shown_in_the_next_round(plane: Instance) -> None:
    viewer = await plane.viewer(("jobs", None))
    await plane.job_stream.show_reasons()
    job = await plane.job()
    waiting = plane.job_stream._reasons
    found = await waiting.changed()
    assert [one.job_id for one, _ in found] == [job.job_id]
    waiting.discard_shown(job.job_id)
    await plane.job_stream.show_reasons()
    assert "pending_reasons" in (await told(viewer))[-1]["payload"]


@pytest.mark.parametrize(
    "parts", [{"job_stream": {"progress_burst": 1, "burst_per_round": 0, "progress_per_round": 2}}]
)
async def test_progress_of_many_jobs_is_shown_in_rounds_with_the_newest_values(plane: Instance) -> None:
    jobs = []
    for number in range(5):
        _, link = await plane.robot(f"robot-{number}")
        job = await plane.job()
        await plane.dispatch()
        await plane.report(link, job, "running")
        jobs.append((link, job))
    viewer = await joined(plane, None)

    async def shown() -> list[float]:
        return [d["payload"]["progress"] for d in await told(viewer) if d["type"] == "job_update"][len(jobs) :]

    for progress in (10, 20):
        for link, job in jobs:
            await plane.report(link, job, "running", progress=progress)
    assert await shown() == [10], "a few are shown at once"
    plane.clock.advance(job_stream.PROGRESS_GAP_SECONDS)
    told_in_rounds = []
    for _ in range(3):
        before = len(await shown())
        await plane.job_stream.show_held_progress()
        told_in_rounds.append((await shown())[before:])
    assert told_in_rounds == [[20, 20], [20, 20], [20]]


async def test_snapshots_of_a_principal_run_two_at_a_time_and_resumes_do_not_wait(plane: Instance) -> None:
    await plane.job()
    running, release = [0, 0], asyncio.Event()

    async def open_jobs(read: Any, *_: Any) -> Any:
        running[0] += 1
        running[1] = max(running)
        await release.wait()
        running[0] -= 1
        return await read()

    plane.store.interceptors["open_jobs"] = open_jobs
    viewers = [await plane.viewer() for _ in range(5)]
    joining = [asyncio.create_task(plane.job_stream.join(viewer.session, "jobs", None, None)) for viewer in viewers]
    async with asyncio.timeout(5):
        while running != [2, 2]:
            await asyncio.sleep(0.001)
    late = await plane.viewer()
    (position, _) = [begin for viewer in viewers for begin in await seen(viewer, "subscribed")]
    await plane.job_stream.join(late.session, "jobs", None, f"{position['epoch']}:{position['seq']}")
    assert (await seen(late, "subscribed"))[0]["recovered"] is True
    release.set()
    await asyncio.gather(*joining)
    assert running == [0, 2]
    for viewer in viewers:
        assert len(await seen(viewer, "job_update")) == 1


async def test_position_that_is_reached_while_the_viewer_waits_its_turn_is_recovered(plane: Instance) -> None:
    """Another process of the same database showed the viewer a change before its event arrived here."""
    start = place((await told(await joined(plane, None)))[-1])
    release, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def open_jobs(read: Any, *_: Any) -> Any:
        begun.release()
        await release.wait()
        return await read()

    plane.store.interceptors["open_jobs"] = open_jobs
    viewers = [await plane.viewer() for _ in range(3)]
    positions = [None, None, start.replace(":0", ":1")]
    joining = [
        asyncio.create_task(plane.job_stream.join(viewer.session, "jobs", None, since))
        for viewer, since in zip(viewers, positions, strict=True)
    ]
    async with asyncio.timeout(5):
        for _ in range(2):
            await begun.acquire()
    await plane.job()
    release.set()
    await asyncio.gather(*joining)
    assert [one["recovered"] for one in await seen(viewers[2], "subscribed")] == [True]
    assert await numbers(viewers[2]) == []


async def test_others_run_between_the_pages_of_a_resume(plane: Instance) -> None:
    start = place((await told(await joined(plane, None)))[-1])
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    took = []
    for jobs in (1, 3 * job_stream.SNAPSHOT_PAGE):
        for _ in range(jobs):
            await plane.job()
        viewer = await plane.viewer()
        other, before = asyncio.create_task(count()), turns
        await plane.job_stream.join(viewer.session, "jobs", None, start)
        other.cancel()
        took.append(turns - before)
    assert took[1] >= took[0] + 2
    assert len(await numbers(viewer)) == 1 + 3 * job_stream.SNAPSHOT_PAGE
