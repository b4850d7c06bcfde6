"""The parameters of the dashboard's queries, and the errors for invalid ones."""

from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.instants import Instant, after, rfc3339
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.vocabulary import ReportStatus

DAY_SECONDS = 24 * 3600


async def failed(api: Api, workflow_id: str, message: str) -> str:
    """A job that failed on the robot alpha."""
    job = await api.post("/jobs", {"workflow_id": workflow_id})
    await api.give(job, "alpha")
    for status, error in (("running", None), ("failed", f'{{"type": "ValueError", "message": "{message}"}}')):
        report = Report("alpha", "ses-test", 1, ReportStatus(status), error=error)
        await api.plane.store.apply([Change(job["job_id"], report, api.plane.clock.now())])
    job_id: str = job["job_id"]
    return job_id


async def test_jobs_of_a_failure_group_are_listed_and_retried(api: Api) -> None:
    await api.robot("alpha")
    first, second = await failed(api, "w", "row 1 is bad"), await failed(api, "w", "row 2 is bad")
    other = await failed(api, "w", "no such sheet")
    found = await api.get("/failures")
    assert [group["count"] for group in found["items"]] == [2, 1]
    assert (found["scanned"], found["capped"]) == (3, False)
    group = found["items"][0]
    assert (group["workflow_id"], group["error_type"], group["last_job_id"]) == ("w", "ValueError", second)
    listed = await api.get("/jobs", fingerprint=group["fingerprint"])
    assert [job["job_id"] for job in listed["items"]] == [second, first]
    asked = {"action": "retry", "filter": {"fingerprint": group["fingerprint"]}}
    assert (await api.post("/jobs/bulk", asked, 200))["done"] == 2
    assert (await api.post("/jobs/bulk", asked, 200))["matched"] == 0
    assert {job["retry_of"] for job in (await api.get("/jobs", status="pending"))["items"]} == {first, second}
    assert (await api.get("/jobs", reason=group["reason"], q="w", limit=1))["items"][0]["job_id"] == other
    assert await api.get("/jobs/count", robot_id="alpha", status="failed") == {
        "matching": 3, "total": 5, "capped": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        *((path, field, value) for path in ("/jobs", "/jobs/count") for field, value in (
            ("status", "odd"), ("reason", "odd"), ("q", ""), ("robot_id", "a b"), ("fingerprint", "a/b"),
            ("workflow_id", "x" * 129), ("from", "yesterday"), ("to", "soon"),
        )),
        *((path, "minutes", value) for path in ("/overview", "/failures", "/queues/history") for value in (4, 10_081)),
        ("/audit", "action", "Drop Table"),
        ("/audit", "target", ""),
        ("/audit", "cursor", "x"),
        ("/audit", "limit", 0),
        ("/audit", "from", "yesterday"),
        ("/audit", "to", "soon"),
        ("/logs", "node_id", ""),
    ],
)  # fmt: skip
async def test_invalid_parameter_is_refused_by_name(api: Api, path: str, field: str, value: Any) -> None:
    code, sentence = error_of(await api.admin.get(f"/api/v1{path}", params={field: value}), 422)
    assert (code, sentence.split(":")[0].split(".")[0]) == ("INVALID_MESSAGE", field)


@pytest.mark.parametrize(("minutes", "step", "points"), [(5, 60, 5), (60, 60, 60)])
async def test_throughput_has_a_point_for_each_step_and_counts_every_end_once(
    api: Api, minutes: int, step: int, points: int
) -> None:
    await api.robot("alpha")
    await failed(api, "w", "bad")
    found = (await api.get("/overview", minutes=minutes))["throughput"]
    assert (found["bucket_seconds"], len(found["points"])) == (step, points)
    assert sum(point["failed"] for point in found["points"]) == 1
    assert [point["at"] for point in found["points"]] == sorted({point["at"] for point in found["points"]})


@pytest.mark.parametrize(
    ("begin_days", "end_days", "step_minutes"),
    [(-1, None, 30), (-7, None, 180), (-7.9, None, 240), (-2, 2, 60), (-0.01, None, 1), (-0.5, 3000 * 365, 15)],
)
async def test_ends_of_a_range_are_the_jobs_that_the_list_has(
    api: Api, begin_days: float, end_days: float | None, step_minutes: int
) -> None:
    await api.robot("alpha")
    await failed(api, "w", "bad")
    wanted = {"from": rfc3339(after(api.plane.clock.now(), begin_days * DAY_SECONDS))}
    if end_days is not None:
        wanted["to"] = rfc3339(after(api.plane.clock.now(), end_days * DAY_SECONDS))
    found = await api.get("/overview", **wanted)
    assert found["throughput"]["bucket_seconds"] == 60 * step_minutes
    points = found["throughput"]["points"]
    assert len(points) <= 61
    assert (found["ended"]["failed"], sum(point["failed"] for point in points)) == (1, 1)
    assert (found["ended"]["completed"], found["ended"]["finished_to"]) == (0, None)
    listed = await api.get("/jobs", finished_from=found["ended"]["finished_from"], status="failed")
    assert len(listed["items"]) == (await api.get("/failures", **wanted))["items"][0]["count"] == 1


async def test_range_that_ends_before_a_job_leaves_it_out(api: Api) -> None:
    await api.robot("alpha")
    await failed(api, "w", "bad")
    wanted = {
        "from": rfc3339(after(api.plane.clock.now(), -DAY_SECONDS)),
        "to": rfc3339(after(api.plane.clock.now(), -3600)),
    }
    found = await api.get("/overview", **wanted)
    assert (found["ended"]["failed"], sum(point["failed"] for point in found["throughput"]["points"])) == (0, 0)
    assert (
        found["throughput"]["points"][-1]["at"]
        < found["ended"]["finished_to"]
        <= rfc3339(after(api.plane.clock.now(), -3540))
    )
    assert (await api.get("/failures", **wanted))["items"] == []
    assert (await api.get("/queues/history", **wanted))["queues"] == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"from": "2020-01-01T00:00:00Z"}, "from"),
        ({"to": "2020-01-01T00:00:00Z"}, "from"),
        ({"minutes": 5, "to": "2020-01-01T00:00:00Z"}, "minutes"),
    ],
)
async def test_range_without_counts_is_refused(api: Api, wanted: dict[str, Any], field: str) -> None:
    for path in ("/overview", "/queues/history"):
        assert error_of(await api.admin.get(f"/api/v1{path}", params=wanted), 422)[1].startswith(f"{field}: ")


async def test_range_must_begin_before_its_end_and_failures_have_no_earliest_begin(api: Api) -> None:
    turned = {"from": "2020-01-02T00:00:00Z", "to": "2020-01-01T00:00:00Z"}
    assert error_of(await api.admin.get("/api/v1/failures", params=turned), 422)[1].startswith("to: ")
    assert (await api.get("/failures", **{"from": "0001-01-01T00:00:00Z"}))["items"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "a\x00b"), ("name", "x" * 257), ("tags", ["a b"]), ("max_concurrent_jobs", 0)],
)
async def test_invalid_change_of_a_robot_is_refused_and_changes_nothing(api: Api, field: str, value: Any) -> None:
    await api.robot("alpha")
    before = await api.get("/robots/alpha")
    response = await api.admin.patch("/api/v1/robots/alpha", json={"tags": ["sap"], field: value})
    assert error_of(response, 422)[1].startswith(field)
    assert await api.get("/robots/alpha") == before


async def test_robot_can_read_only_its_own_heartbeats(api: Api) -> None:
    alpha = await api.robot("alpha")
    await api.robot("beta")
    error_of(await alpha.patch("/api/v1/robots/alpha", json={"tags": ["sap"]}), 403)
    error_of(await alpha.get("/api/v1/robots/beta/beats"), 403)
    assert (await alpha.get("/api/v1/robots/alpha/beats")).json() == {"beats": []}
    for path in (
        "/robots/beats",
        "/runs",
        "/overview",
        "/failures",
        "/audit",
        "/workflows",
        "/jobs/count",
        "/queues/history",
    ):
        error_of(await alpha.get(f"/api/v1{path}"), 403)
    error_of(await alpha.post("/api/v1/jobs/bulk", json={"action": "cancel", "filter": {}}), 403)


async def test_workflow_has_the_request_of_its_newest_job(api: Api) -> None:
    await api.post("/jobs", {"workflow_id": "w", "parameters": {"page": 1}})
    job = await api.post("/jobs", {"workflow_id": "w", "parameters": {"page": 2}, "tags": ["sap"]})
    assert (await api.get("/workflows"))["items"] == [
        {
            "workflow_id": "w",
            "last_submitted_at": job["created_at"],
            "last_parameters": {"page": 2},
            "last_tags": ["sap"],
            "last_queue": "default",
        }
    ]


async def test_log_lines_are_filtered_by_node(api: Api) -> None:
    now = Instant(1_772_452_800_000_000)
    await api.plane.store.append_logs(
        [LogLine("default", "alpha", Level.INFO, node, now, now, "job-1", node_id=node) for node in ("open", "close")]
    )
    assert [line["message"] for line in (await api.get("/logs", node_id="open"))["items"]] == ["open"]
    assert (await api.get("/logs", node_id="ope"))["items"] == []


async def test_runs_of_all_robots_are_listed_for_a_time_range(api: Api) -> None:
    await api.robot("alpha")
    ended = await failed(api, "w", "row 1 is bad")
    going_on = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(going_on, "alpha")
    report = Report("alpha", "ses-test", 1, ReportStatus.RUNNING)
    await api.plane.store.apply([Change(going_on["job_id"], report, api.plane.clock.now())])
    found = await api.get("/runs", minutes=5)
    assert not found["more"]
    assert [(run["job_id"], run["robot_id"], run["status"]) for run in found["items"]] == [
        (going_on["job_id"], "alpha", "running"),
        (ended, "alpha", "failed"),
    ]
    assert [run["finished_at"] is None for run in found["items"]] == [True, False]
    assert found["since"] < found["items"][1]["started_at"] <= found["until"]
    past = await api.get("/runs", **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    assert (past["items"], past["until"]) == ([], "2020-01-02T00:00:00.000Z")
    error_of(await api.admin.get("/api/v1/runs", params={"minutes": 4}), 422)
