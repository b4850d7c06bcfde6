"""/health/live, /health/ready and /metrics."""

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.conftest import ADMIN_SECRET, Api, error_of, running
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore

METRICS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
OF_THE_DATABASE = set(re.findall(r"max without \(instance\) \((\w+)\)", METRICS.read_text(encoding="utf-8")))
"""The gauges of which the page takes the maximum."""


async def test_live_needs_no_credential(api: Api) -> None:
    response = await api.client(address="192.0.2.7").get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_confirms_that_the_store_commits(api: Api) -> None:
    response = await api.client().get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_is_unavailable_when_draining(api: Api) -> None:
    await api.plane.drain()
    answer = await api.client().get("/health/ready")
    assert error_of(answer, 503)[1].startswith("draining")
    assert answer.json()["payload"]["status"] == "draining"
    assert (await api.client().get("/health/live")).status_code == 200


async def test_ready_is_unavailable_when_the_store_cannot_commit(tmp_path: Path) -> None:
    async with running(tmp_path, failpoints="store.commit:error") as api:
        assert error_of(await api.client().get("/health/ready"), 503)[0] == "INTERNAL_ERROR"


class Disk:
    """While it is full, every write of a row fails."""

    full = False

    def authorize(self, action: int, *_: object) -> int:
        writes = action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE)
        return sqlite3.SQLITE_DENY if self.full and writes else sqlite3.SQLITE_OK


async def test_ready_writes_a_row_and_has_the_reason_when_that_fails(tmp_path: Path) -> None:
    """An empty transaction commits on a full or read-only disk."""
    async with running(tmp_path) as api:
        store = api.plane.store
        assert isinstance(store, SqliteStore)
        # Not full before this call is answered: writes of the start can be in the same transaction.
        disk = Disk()
        await store._batcher.write(lambda connection: connection.set_authorizer(disk.authorize))
        disk.full = True
        await store.check()
        answer = error_of(await api.client().get("/health/ready"), 503)
        assert answer == ("INTERNAL_ERROR", "the store cannot be written: not authorized")
        assert (await api.client().get("/health/live")).status_code == 200
        disk.full = False
        await store._batcher.write(lambda connection: connection.set_authorizer(None))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
async def test_metrics_need_no_credential_on_this_machine(api: Api, address: str) -> None:
    response = await api.client(address=address).get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "", "a-socket"])
async def test_metrics_need_an_admin_from_another_machine(api: Api, address: str) -> None:
    assert error_of(await api.client(address=address).get("/metrics"), 401)[0] == "AUTH_FAILED"
    admin = api.client({"X-API-Secret": ADMIN_SECRET}, address)
    assert (await admin.get("/metrics")).status_code == 200
    robot = await api.robot("alpha")
    elsewhere = api.client({"X-API-Key": robot.headers["x-api-key"]}, address)
    assert error_of(await elsewhere.get("/metrics"), 403)[0] == "AUTH_FAILED"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_metrics_need_an_admin_through_a_proxy(api: Api, header: str) -> None:
    response = await api.client({header: "127.0.0.1"}).get("/metrics")
    assert error_of(response, 401)[0] == "AUTH_FAILED"


async def figures(api: Api) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by its name and the values of its labels."""
    text = (await api.client().get("/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_have_the_current_figures(api: Api) -> None:
    await api.robot("alpha")
    before = await figures(api)
    header = {"Idempotency-Key": "1"}
    for _ in range(2):
        job = await api.post("/jobs", {"workflow_id": "w"}, headers=header)
    ended = await api.post("/jobs", {"workflow_id": "v"})
    await api.give(job, "alpha")
    report = Report("alpha", "ses-test", 1, ReportStatus.COMPLETED)
    await api.plane.store.apply([Change(job["job_id"], report, api.plane.clock.now())])
    await api.post(f"/jobs/{ended['job_id']}/cancel", status=200)
    await api.post("/jobs", {"workflow_id": "u"})
    found = await figures(api)
    assert found["casare_jobs", "pending"] == 1
    assert found["casare_jobs", "running"] == 0
    assert found["casare_jobs_submitted_total",] == 3, "a repeated Idempotency-Key adds no job"
    assert found["casare_jobs_ended_total", "cancelled", "failed"] == 1
    assert found["casare_jobs_ended_24h", "completed"] == 1
    assert found["casare_jobs_ended_24h", "failed"] == 0, "cancelled jobs are not counted"
    assert found["casare_robots", "idle"] == 0
    assert found["casare_store_commits_total",] >= before["casare_store_commits_total",] + 5
    assert found["casare_store_failures_total",] == 0
    assert found["casare_loop_failures_total", "dispatch"] == 0


@pytest.fixture
async def other(api: Api) -> AsyncIterator[Api]:
    """A second instance on the same store."""
    plane = api.plane
    async with ControlPlane.started(plane.settings, plane.store, plane.clock) as second:
        app = create_app(plane.settings)
        app.state.control_plane, app.state.connection_gate = second, None
        yield Api(app)


async def test_each_end_is_counted_by_the_instance_that_committed_it(api: Api, other: Api) -> None:
    """The sum over all instances is the number of ends: an instance counts no end that another instance wrote."""
    jobs = [await api.post("/jobs", {"workflow_id": "w"}) for _ in range(3)]
    await api.post(f"/jobs/{jobs[0]['job_id']}/cancel", status=200)
    for job in jobs[1:]:
        await other.post(f"/jobs/{job['job_id']}/cancel", status=200)
    repeated = await api.admin.post(f"/api/v1/jobs/{jobs[2]['job_id']}/cancel")
    assert repeated.status_code == 409, "it has ended"
    for one in (api, other):
        for copy in one.plane.copies.values():
            await copy.compare()
    ended = ("casare_jobs_ended_total", "cancelled", "failed")
    assert [(await figures(one)).get(ended, 0) for one in (api, other)] == [1, 2]
    submitted = ("casare_jobs_submitted_total",)
    assert [(await figures(one))[submitted] for one in (api, other)] == [3, 0]


async def test_gauges_of_the_database_are_the_same_on_every_instance(api: Api, other: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.post("/jobs", {"workflow_id": "w"})
    await api.post(f"/jobs/{job['job_id']}/cancel", status=200)
    line = LogLine("default", "alpha", Level.INFO, "text", api.plane.clock.now(), api.plane.clock.now())
    await other.plane.store.append_logs([line])
    for one in (api, other):
        await one.plane.retention.delete_expired()
    first, second = await figures(api), await figures(other)
    shared = {name for name, *_ in first if name in OF_THE_DATABASE}
    assert shared == OF_THE_DATABASE
    for sample, value in first.items():
        if sample[0] in OF_THE_DATABASE:
            assert second[sample] == value
    assert first["casare_jobs", "pending"] == 1
    assert first["casare_log_bytes",] > 0
