"""Two instances on one store: a viewer of one sees the commits of the other, each once and in order.

The bus between them loses, repeats or delays hints. Rounds of both run in any order, on a clock that the test controls.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.feed import PATIENCE_SECONDS
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.logs import LogFilter
from casare_rpa.domain.protocol import RobotLog
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.bus.ringer import GAP_SECONDS, Ringer
from casare_rpa.infrastructure.orchestrator.clock import SystemClock
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.views.channels import NUMBERED_LIVE_JOBS
from casare_rpa.infrastructure.orchestrator.views.job_stream import LOOK_SECONDS, PROGRESS_GAP_SECONDS
from casare_rpa.infrastructure.orchestrator.views.log_stream import audience_of
from fake_clock import FakeClock
from hub.fake_peer import FakePeer, documents
from new_database import new_database
from orchestrator.doorbells import Doorbells
from orchestrator.slices import ADMIN, Instance, InterceptedStore


@dataclass(slots=True)
class Pair:
    """Two instances, `here` and `there`, and the bus between them."""

    here: Instance
    there: Instance
    bells: Doorbells
    clock: FakeClock

    async def settle(self) -> None:
        """Let both ringers send the hints of all commits so far."""
        for _ in range(2):
            for _ in range(20):
                await asyncio.sleep(0)
            self.clock.advance(GAP_SECONDS)

    async def later(self, seconds: float) -> None:
        """Let time pass, then run one round of each stream."""
        await self.settle()
        self.clock.advance(seconds)
        for one in (self.here, self.there):
            await one.job_stream.show_held_progress()
            await one.log_stream.show_missed()

    async def two_seconds(self) -> None:
        """The time in which everything is shown without a bus, except for progress."""
        await self.later(1.1 * LOOK_SECONDS)
        await self.later(1.1 * PATIENCE_SECONDS)
        await self.later(1.1 * PROGRESS_GAP_SECONDS)


@asynccontextmanager
async def two(folder: Path, bells: Doorbells) -> AsyncIterator[Pair]:
    store = await InterceptedStore.open(new_database(folder))
    clock = FakeClock()
    planes = [Instance(store, clock=clock, job_stream={"shared": True}) for _ in range(2)]
    ringers = [Ringer(one.bus, bells.end(), clock, f"{n}", one.hub.robot) for n, one in enumerate(planes)]
    loops = [asyncio.create_task(_forever(one)) for one in ringers]
    for one in planes:
        await one.job_stream.load()
        await one.job_stream.compare()
    try:
        yield Pair(planes[0], planes[1], bells, clock)
    finally:
        for loop in loops:
            loop.cancel()
        await store.close()


async def _forever(ringer: Ringer) -> None:
    while True:
        await ringer.ring()


@pytest.fixture
def lost() -> float:
    """The share of lost hints; a test overrides it with a parameter of this name."""
    return 0.0


@pytest.fixture
async def pair(tmp_path: Path, lost: float) -> AsyncIterator[Pair]:
    async with two(tmp_path, Doorbells(lost=lost)) as opened:
        yield opened


async def joined(plane: Instance, since: str | None = None, stream: str = "jobs") -> FakePeer:
    viewer = await plane.viewer()
    await plane.job_stream.join(viewer.session, stream, None, since)
    return viewer


async def updates(viewer: FakePeer) -> list[dict[str, Any]]:
    """The updates of jobs, numbered ones with `seq`."""
    return [
        {**document.get("payload", document), "seq": document.get("seq")}
        for document in await documents(viewer)
        if document["type"] == "job_update"
    ]


async def position(viewer: FakePeer) -> str:
    """The position at which the messages of a viewer begin."""
    begin = next(d for d in await documents(viewer) if d["type"] == "subscribed")
    fields = begin.get("payload", begin)
    return f"{fields['epoch']}:{fields['seq']}"


async def end_of_snapshot(viewer: FakePeer) -> int:
    """The number after which a viewer gets every change: that of its snapshot, or of its position."""
    for document in reversed(await documents(viewer)):
        if document["type"] in ("snapshot_end", "subscribed"):
            return int(document.get("payload", document)["seq"])
    raise AssertionError


async def working(plane: Instance, robot_id: str) -> tuple[Any, Job]:
    _, link = await plane.robot(robot_id)
    job = await plane.job(target_robot_id=robot_id)
    await plane.dispatch()
    await plane.report(link, job, "claimed")
    await plane.report(link, job, "running")
    return link, job


# Changes of status


@pytest.mark.parametrize("lost", [0.0, 1.0])
async def test_changes_that_another_instance_commits_are_shown(pair: Pair, lost: float) -> None:
    viewer = await joined(pair.here)
    link, job = await working(pair.there, "robot-1")
    await pair.there.report(link, job, "completed")
    await pair.settle()
    await pair.later(1.1 * PATIENCE_SECONDS)
    shown = [(one["seq"], one["status"]) for one in await updates(viewer)]
    assert shown == ([] if lost else [(1, "pending"), (2, "claimed"), (3, "running"), (4, "completed")])
    await pair.two_seconds()
    shown = [(one["seq"], one["status"]) for one in await updates(viewer)]
    assert shown == [(1, "pending"), (2, "claimed"), (3, "running"), (4, "completed")]


async def test_instance_without_viewers_reads_no_changes(pair: Pair) -> None:
    reads: list[int] = []

    async def count(read: Any, _: str | None, after: int, *__: Any) -> Any:
        reads.append(after)
        return await read()

    pair.here.store.interceptors["changes_after"] = count
    for number in range(10):
        await (pair.here if number % 3 == 0 else pair.there).job()
        await pair.two_seconds()
        await pair.here.job_stream.compare()
    assert reads == []
    viewer = await joined(pair.here)
    assert (await position(viewer)).endswith(":10")
    await pair.there.job()
    await pair.two_seconds()
    assert [one["seq"] for one in await updates(viewer) if one["seq"] is not None] == [11]


async def test_viewer_without_a_position_gets_later_changes_only(pair: Pair) -> None:
    await pair.there.job()
    viewer = await pair.here.viewer()
    await pair.here.job_stream.join_later_changes(viewer.session, None)
    new = await pair.there.job()
    await pair.two_seconds()
    assert [one["job_id"] for one in await updates(viewer)] == [new.job_id]


@pytest.mark.parametrize("lost", [1.0])
@pytest.mark.parametrize("watched", [True, False])
async def test_viewer_continues_on_an_instance_that_has_not_seen_its_position(
    pair: Pair, lost: float, watched: bool
) -> None:
    if watched:
        await joined(pair.here)
    viewer = await joined(pair.there)
    for _ in range(3):
        await pair.there.job()
    epoch = (await position(viewer)).partition(":")[0]
    moved = await joined(pair.here, f"{epoch}:2")
    begin = next(d for d in await documents(moved) if d["type"] == "subscribed")
    assert begin["payload"]["recovered"] is True
    await pair.there.job()
    await pair.two_seconds()
    assert [one["seq"] for one in await updates(moved)] == [3, 4]


async def test_tenant_that_another_instance_served_has_its_numbers(pair: Pair) -> None:
    """The numbers of a tenant continue after changes for which this instance had no viewer."""

    await pair.here.store.add_tenant(Tenant("acme", "", pair.clock.now()), audit=AN_ENTRY)
    await pair.here.job(tenant_id="acme")
    for _ in range(3):
        await pair.there.job(tenant_id="acme")
        await pair.there.job()
    viewer = await pair.here.viewer()
    await pair.here.job_stream.join(viewer.session, "jobs", "acme", None)
    assert (await position(viewer)).endswith(":4")
    await pair.there.job(tenant_id="acme")
    await pair.here.job(tenant_id="acme")
    await pair.two_seconds()
    assert [one["seq"] for one in await updates(viewer) if one["seq"] is not None] == [5, 6]


async def test_viewer_that_joins_during_the_jump_misses_nothing(pair: Pair) -> None:
    await pair.there.job()
    first: list[FakePeer] = []

    async def another_joins(read: Any) -> Any:
        found = await read()
        if not first:
            first.append(await pair.here.viewer())
            await joined_again(first[0])
            await pair.there.job()
            await pair.two_seconds()
        return found

    async def joined_again(viewer: FakePeer) -> None:
        await pair.here.job_stream.join_later_changes(viewer.session, None)

    pair.here.store.interceptors["stream"] = another_joins
    second = await joined(pair.here)
    await pair.there.job()
    await pair.two_seconds()
    assert len(await updates(first[0])) == 2
    assert [one["seq"] for one in await updates(second) if one["seq"] is not None][-1] == 3


# State without a number


async def progress_of(viewer: FakePeer) -> list[float]:
    return [one["progress"] for one in await updates(viewer) if one["seq"] is None and one["status"] == "running"]


async def test_progress_is_shown_by_hints(pair: Pair) -> None:
    link, job = await working(pair.there, "robot-1")
    viewer = await joined(pair.here)
    await pair.two_seconds()
    before = len(await progress_of(viewer))
    await pair.there.report(link, job, "running", progress=40.0)
    await pair.later(1.1 * PROGRESS_GAP_SECONDS)
    assert (await progress_of(viewer))[before:] == [40]


@pytest.mark.parametrize("lost", [1.0])
async def test_progress_without_a_hint_is_found_by_the_comparison(pair: Pair, lost: float) -> None:
    mine, here = await working(pair.here, "robot-2")
    link, job = await working(pair.there, "robot-1")
    viewer = await joined(pair.here)
    await pair.here.job_stream.compare()
    await pair.two_seconds()
    before = len(await progress_of(viewer))
    await pair.here.report(mine, here, "running", progress=10.0)
    await pair.there.report(link, job, "running", progress=40.0)
    for _ in range(3):
        await pair.here.job_stream.compare()
        await pair.two_seconds()
    assert (await progress_of(viewer))[before:] == [10, 40], "each once"


@pytest.mark.parametrize("lost", [0.0, 1.0])
async def test_progress_of_a_cancel_is_shown(pair: Pair, lost: float) -> None:
    _, job = await working(pair.there, "robot-1")
    viewer = await joined(pair.here)
    await pair.there.commands.jobs.cancel(ADMIN, job.job_id, "stop")
    await pair.there.dispatcher.keep_receipts()
    await pair.two_seconds()
    if lost:
        await pair.here.job_stream.compare()
    assert [one["cancel"] for one in await updates(viewer) if "cancel" in one][-1] == "sent"


async def test_progress_never_overtakes_the_end_of_its_job(pair: Pair) -> None:
    link, job = await working(pair.there, "robot-1")
    viewer = await joined(pair.here)
    await pair.there.report(link, job, "running", progress=40.0)
    await pair.there.report(link, job, "completed")
    pair.here.bus.publish(Hint("there", progress=(job.job_id, "unknown")))
    await pair.two_seconds()
    pair.here.bus.publish(Hint("there", progress=(job.job_id,)))
    await pair.two_seconds()
    assert [(one["status"], one["seq"]) for one in await updates(viewer)][-1] == ("completed", 4)


async def test_hint_of_changes_that_do_not_exist_holds_up_no_progress(pair: Pair) -> None:
    link, job = await working(pair.here, "robot-1")
    viewer = await joined(pair.here)
    pair.here.bus.publish(Hint("there", jobs=1_000))
    await pair.two_seconds()
    before = len(await progress_of(viewer))
    await pair.here.report(link, job, "running", progress=40.0)
    assert (await progress_of(viewer))[before:] == [40]


async def test_hinted_progress_is_not_read_without_a_viewer(pair: Pair) -> None:
    link, job = await working(pair.there, "robot-1")
    await pair.there.report(link, job, "running", progress=40.0)
    await pair.settle()
    assert pair.here.job_stream._others._hinted == {}


# Everything at random


@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(6))
async def test_every_change_and_line_comes_once_in_order(tmp_path: Path, seed: int, lost: float) -> None:
    chance = random.Random(seed)
    bells = Doorbells(lost=lost, repeated=0.2, chance=chance)
    async with two(tmp_path, bells) as pair:
        planes = (pair.here, pair.there)
        links = [(await one.robot(f"robot-{number}"))[1] for number, one in enumerate(planes)]
        open_jobs: list[tuple[int, Job]] = []
        viewers: list[FakePeer] = []
        for _ in range(150):
            number = chance.randrange(2)
            plane, link = planes[number], links[number]
            match chance.randrange(9):
                case 0 | 1:
                    open_jobs.append((number, await plane.job(target_robot_id=f"robot-{number}")))
                case 2:
                    await plane.dispatch()
                case 3 | 4 if open_jobs:
                    at, job = chance.choice(open_jobs)
                    status = chance.choice(("claimed", "running", "completed", "failed"))
                    await planes[at].report(links[at], job, status)
                case 5 if open_jobs:
                    at, job = chance.choice(open_jobs)
                    stored = await plane.store.job(job.job_id)
                    if stored is not None and stored.finished_at is None:
                        await plane.commands.jobs.cancel(ADMIN, job.job_id, "enough")
                case 6 if len(viewers) < 6:
                    since = f"{pair.here.job_stream._epoch}:0" if chance.random() < 0.7 else None
                    viewers.append(await joined(plane, since, chance.choice(("jobs", NUMBERED_LIVE_JOBS))))
                    plane.hub.subscribe(viewers[-1].session, audience_of(LogFilter()))
                case 7:
                    lines = [
                        RobotLog(robot_id=f"robot-{number}", level="info", message="x", timestamp=datetime.now(UTC))
                    ]
                    plane.log_stream.ingest(link, lines, None)
                    await plane.log_stream.write()
                case _:
                    await pair.later(chance.choice((0.01, 0.06, 1.1)))
                    if chance.random() < 0.2:
                        await plane.job_stream.compare()
        await pair.two_seconds()
        last = (await pair.here.store.stream()).last
        newest = (await pair.here.store.lines_after(0, 0)).last
        for viewer in viewers:
            begin = await end_of_snapshot(viewer)
            seen = [one["seq"] for one in await updates(viewer) if one["seq"] is not None]
            assert seen == sorted(set(seen))
            assert [seq for seq in seen if seq > begin] == list(range(begin + 1, last + 1))
            ids = [d["log_id"] for d in await documents(viewer) if d["type"] == "log"]
            assert ids == list(range(newest + 1))[len(ids) and ids[0] :]
            assert not ids or ids[-1] == newest


# Whole control planes


@pytest.mark.parametrize("lost", [0.0, 1.0])
async def test_loops_of_two_control_planes_show_each_other(tmp_path: Path, lost: float) -> None:
    """With the loops of the product and a clock that runs."""

    bells = Doorbells(lost=lost)
    store = await SqliteStore.open(new_database(tmp_path))
    settings, clock = Settings(data_dir=tmp_path), SystemClock()
    try:
        async with (
            ControlPlane.started(settings, store, clock, None, bells.end()) as here,
            ControlPlane.started(settings, store, clock, None, bells.end()) as there,
        ):
            viewer = FakePeer(FakeClock())
            here.hub.attach(viewer.session)
            await here.job_stream.join(viewer.session, "jobs", None, None)

            for number in range(5):
                plane = (here, there)[number % 2]
                await plane.commands.jobs.submit(ADMIN, NewSubmission(workflow_id="w", tenant_id="default"))
            async with asyncio.timeout(10):
                while len([one for one in await updates(viewer) if one["seq"]]) < 5:
                    await asyncio.sleep(0.01)
            assert [one["seq"] for one in await updates(viewer) if one["seq"]] == [1, 2, 3, 4, 5]
            counted = [plane.metrics.jobs_submitted.totals[()] for plane in (here, there)]
            assert counted == [3, 2], "each instance counts its own"
            assert here.instance != there.instance
    finally:
        await store.close()
