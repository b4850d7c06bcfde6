"""Reports are stored in order and answered after the commit; of progress, only the newest is written."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.limits import MAX_RESULT_BYTES, MAX_WRITE_CHARACTERS
from casare_rpa.domain.protocol import JobError, JobReport
from casare_rpa.domain.vocabulary import JobStatus, ReportStatus
from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from hub.fake_peer import FakePeer, documents
from orchestrator.slices import Instance, hello, instance


@pytest.fixture
def parts() -> dict[str, Any]:
    """Arguments of `instance`; a test overrides them with a parameter of this name."""
    return {}


@pytest.fixture
async def plane(tmp_path: Path, parts: dict[str, Any]) -> AsyncIterator[Instance]:
    async with instance(tmp_path, **parts) as opened:
        yield opened


@pytest.fixture
def written(plane: Instance) -> list[str]:
    """The names of the events that the store got, in order."""
    names: list[str] = []

    async def noting(apply: Callable[[], Awaitable[Any]], changes: Sequence[Change]) -> Any:
        names.extend(getattr(change.event, "status", None) or change.event.name for change in changes)
        return await apply()

    plane.store.interceptors["apply"] = noting
    return names


async def at_work(plane: Instance) -> tuple[FakePeer, RobotConnection, Job]:
    peer, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    return peer, link, job


def said(job: Job, status: str, **fields: Any) -> JobReport:
    return JobReport(job_id=job.job_id, status=ReportStatus(status), timestamp=datetime.now(UTC), **fields)


async def answers(peer: FakePeer) -> list[tuple[str, Any]]:
    heard = [one for one in await documents(peer) if one["type"] in ("ack", "error")]
    return [(one["type"], one["payload"]["id"] if one["type"] == "ack" else one.get("id")) for one in heard]


async def test_superseded_progress_is_acknowledged_without_being_written(plane: Instance, written: list[str]) -> None:
    peer, link, job = await at_work(plane)
    written.clear()
    assert plane.reports.report(link, said(job, "running", progress=10, message="opening"), "a") is None
    assert plane.reports.report(link, said(job, "running", progress=20), None) is None
    assert plane.reports.report(link, said(job, "running"), "c") is None
    await plane.reports.write()
    assert written == ["running"]
    now = await plane.stored(job)
    assert (now.progress, now.message) == (20, "opening"), "the newest progress of each"
    assert await answers(peer) == [("ack", "a"), ("ack", "c")]


async def test_merged_progress_has_the_newest_value_and_message(plane: Instance, written: list[str]) -> None:
    _, link, job = await at_work(plane)
    written.clear()
    for progress, message in ((10, "opening"), (20, "reading"), (15, "closing")):
        assert plane.reports.report(link, said(job, "running", progress=progress, message=message), None) is None
    await plane.reports.write()
    assert written == ["running"]
    now = await plane.stored(job)
    assert (now.progress, now.message) == (15, "closing")


async def test_reports_other_than_progress_keep_their_order(plane: Instance, written: list[str]) -> None:
    peer, link, job = await at_work(plane)
    written.clear()
    failed = said(job, "failed", error=JobError(type="business", message="no file"))
    for number, report in enumerate([said(job, "running", progress=10), failed, said(job, "running", progress=90)]):
        assert plane.reports.report(link, report, number) is None
    await plane.reports.write()
    assert written == ["running", "failed", "running"]
    assert (await plane.stored(job)).progress == 10
    assert await answers(peer) == [("ack", 0), ("ack", 1), ("ack", 2)], "a late report is accepted and changes nothing"


async def test_progress_of_different_attempts_and_jobs_is_not_merged(plane: Instance, written: list[str]) -> None:
    _, link, job = await at_work(plane)
    written.clear()
    other = await plane.job()
    for report in (said(job, "running", attempt=1), said(job, "running", attempt=2), said(other, "running")):
        assert plane.reports.report(link, report, None) is None
    await plane.reports.write()
    assert written == ["running", "running", "running"]


async def test_every_message_of_refused_progress_gets_its_error(plane: Instance) -> None:
    peer, link = await plane.robot()
    stranger = await plane.job()
    for message_id in ("a", "b"):
        assert plane.reports.report(link, said(stranger, "running"), message_id) is None
    assert plane.reports.report(link, said(stranger, "completed"), None) is None
    await plane.reports.write()
    assert await answers(peer) == [("error", "a"), ("error", "b"), ("error", None)]


@pytest.mark.parametrize("parts", [{"reports": {"queue_size": 1}}])
async def test_robots_that_report_faster_than_the_store_writes_wait_in_order(plane: Instance) -> None:
    peer, link, job = await at_work(plane)
    assert plane.reports.report(link, said(job, "completed"), "first") is None
    waiting = plane.reports.report(link, said(job, "completed"), "second")
    assert waiting is not None
    second = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    await plane.reports.write()
    later = plane.reports.report(link, said(job, "completed"), "third")
    assert later is not None, "room is free, but reserved for earlier reports"
    third = asyncio.ensure_future(later)
    await second
    await plane.reports.write()
    await third
    await plane.reports.write()
    assert await answers(peer) == [("ack", "first"), ("ack", "second"), ("ack", "third")]


async def test_reports_with_large_results_are_written_by_several_calls_of_the_store(
    plane: Instance, written: list[str]
) -> None:
    peer, link, job = await at_work(plane)
    written.clear()
    result = Raw(json.dumps("x" * (MAX_RESULT_BYTES - 2)).encode())
    at_once = MAX_WRITE_CHARACTERS // MAX_RESULT_BYTES
    for number in range(at_once + 2):
        assert plane.reports.report(link, said(job, "completed", result=result), str(number)) is None
    await plane.reports.write()
    assert written == ["completed"] * at_once
    assert plane.reports.unwritten == 2
    await plane.reports.write()
    assert await answers(peer) == [("ack", str(number)) for number in range(at_once + 2)]


async def test_only_reports_on_jobs_that_the_robot_holds_are_stored(plane: Instance) -> None:
    _, link, job = await at_work(plane)
    _, other_link = await plane.robot("robot-2")
    pending = await plane.job(target_robot_id="robot-2")
    assert link.reported.keys() == {job.job_id}
    unknown = JobReport(job_id="job-of-nobody", status=ReportStatus.RUNNING, timestamp=datetime.now(UTC))
    for report in (unknown, said(pending, "running"), said(pending, "completed"), said(job, "running", progress=10)):
        assert plane.reports.report(link, report, None) is None
    await plane.reports.write()
    assert link.reported.keys() == {job.job_id}
    await plane.dispatch()
    await plane.report(other_link, pending, "running")
    await plane.report(other_link, job, "running")
    assert other_link.reported.keys() == {pending.job_id}
    for status in ("completed", "running"):
        await plane.report(link, job, status)
        assert not link.reported, "it has ended"


@pytest.mark.parametrize(("code", "status"), [("bad_result", "failed"), ("E42", "pending")])
async def test_code_of_an_error_decides_whether_another_attempt_follows(
    plane: Instance, code: str, status: str
) -> None:
    _, link = await plane.robot()
    job = await plane.job(max_attempts=3)
    await plane.dispatch()
    await plane.report(link, job, "running")
    failure = said(job, "failed", error=JobError(type="error", code=code, message="m"))
    assert plane.reports.report(link, failure, None) is None
    await plane.reports.write()
    assert (await plane.stored(job)).status == status


@pytest.mark.parametrize(("attempt", "status"), [(1, JobStatus.CLAIMED), (7, JobStatus.FAILED)])
async def test_frames_renew_the_lease_of_an_attempt_claimed_after_the_last_list(
    plane: Instance, attempt: int, status: JobStatus
) -> None:
    """The list is older than the claim, so it does not say that the robot has the job no longer."""
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello("a process"))
    job = await plane.job(max_attempts=1)
    await plane.dispatch()
    assert plane.reports.report(link, said(job, "claimed", attempt=1), "a") is None
    await plane.reports.write()
    link.active_jobs = ()
    link.note_reports([(job.job_id, attempt)], plane.clock.now())
    await plane.talks_on(link, 200)
    assert (await plane.stored(job)).status is status


async def test_next_list_of_a_robot_replaces_its_reports(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.presence.introduce(link, hello("a process"))
    job = await plane.job()
    await plane.dispatch()
    for _ in range(2):
        assert plane.reports.report(link, said(job, "claimed", attempt=1), None) is None
    assert link.active_jobs == ((job.job_id, 1),)
    await plane.beat(link, active=[])
    assert link.active_jobs == ()


async def test_reports_of_one_message_have_one_answer_after_the_last_of_them(plane: Instance) -> None:
    peer, link, job = await at_work(plane)
    other = await plane.job()
    reports = [said(job, "running", progress=10), said(other, "running"), said(job, "completed")]
    assert plane.reports.report_all(link, reports, "batch") is None
    assert plane.reports.report(link, said(job, "completed"), "later") is None
    await plane.reports.write()
    assert (await plane.stored(job)).status is JobStatus.COMPLETED, "a report that is refused stops no other"
    assert await answers(peer) == [("error", "batch"), ("ack", "later")]


@pytest.mark.parametrize("parts", [{"reports": {"queue_size": 1}}])
async def test_reports_of_one_message_wait_for_room_in_their_order(plane: Instance, written: list[str]) -> None:
    peer, link, job = await at_work(plane)
    written.clear()
    statuses = ("claimed", "running", "completed")
    waiting = plane.reports.report_all(link, [said(job, status) for status in statuses], "batch")
    assert waiting is not None
    put = asyncio.ensure_future(waiting)
    for number in range(1, len(statuses) + 1):
        await asyncio.sleep(0)
        assert await answers(peer) == [], "not all are written"
        await plane.reports.write()
        assert written == [*statuses[:number]]
        plane.clock.advance(1)
    await put
    now = await plane.stored(job)
    assert now.finished_at is not None
    assert now.started_at is not None
    assert now.finished_at > now.started_at, "a report that waits behind another one is not older than it"
    assert await answers(peer) == [("ack", "batch")]


async def test_answers_to_reports_of_one_write_are_sent_in_order_with_one_system_call(plane: Instance) -> None:
    peer, link, job = await at_work(plane)
    writes = len(peer.transport.written)
    other = Job(workflow_id="w", tenant_id="default", job_id="job-unknown", submitted_at=job.submitted_at)
    for place, report in enumerate([said(job, "running", message="on"), said(job, "completed", result=Raw(b"1"))]):
        assert plane.reports.report(link, report, f"first {place}") is None
    await plane.reports.write()
    assert await answers(peer) == [("ack", "first 0"), ("ack", "first 1")]
    assert len(peer.transport.written) == writes + 1
    assert plane.reports.report(link, said(job, "completed"), "repeated") is None
    assert plane.reports.report(link, said(other, "completed"), "refused") is None
    assert plane.reports.report(link, said(job, "completed"), "last") is None
    await plane.reports.write()
    assert (await answers(peer))[2:] == [("ack", "repeated"), ("error", "refused"), ("ack", "last")]


async def test_answers_of_one_write_wait_in_the_outbox_of_a_robot_that_is_behind(plane: Instance) -> None:
    peer, link, job = await at_work(plane)
    peer.transport.buffered = FAST_LANE_BYTES
    peer.session.lane = None
    for place in range(3):
        assert plane.reports.report(link, said(job, "running" if place < 2 else "completed"), place) is None
    await plane.reports.write()
    assert await answers(peer) == [("ack", 0), ("ack", 1), ("ack", 2)]


async def test_store_that_fails_refuses_a_message_of_several_reports_once(plane: Instance) -> None:
    peer, link, job = await at_work(plane)

    async def failing(_apply: Callable[[], Awaitable[Any]], _changes: Sequence[Change]) -> Any:
        raise StoreUnavailable("the store is away")

    plane.store.interceptors["apply"] = failing
    assert plane.reports.report_all(link, [said(job, "running"), said(job, "completed")], "batch") is None
    await plane.reports.write()
    assert await answers(peer) == [("error", "batch")]
