"""Jobs over HTTP: valid and invalid submits, the answers, and the access of robots."""

import asyncio
import json
import re
from typing import Any

import pytest

from api.conftest import Api, error_of, without_reasons
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.vocabulary import ReportStatus

FIELDS = {
    "job_id", "workflow_id", "status", "reason", "progress", "message", "robot_id", "tenant_id", "priority",
    "parameters", "tags", "attempt", "max_attempts", "timeout_seconds", "created_at", "started_at", "finished_at",
    "result", "error", "queue", "contact", "not_before", "cancel_requested_at", "target_robot_id",
    "queue_ttl_seconds", "cancel", "pending_reasons", "queue_position", "fitting_robots",
    "retry_of",
    "fingerprint",
}  # fmt: skip


async def report(api: Api, job: Any, robot_id: str, status: ReportStatus, **more: Any) -> None:
    event = Report(robot_id, "ses-test", 1, status, **more)
    await api.plane.store.apply([Change(job["job_id"], event, api.plane.clock.now())])


async def test_submitted_job_has_every_field_and_its_defaults(api: Api) -> None:
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "invoices"})
    assert response.status_code == 201
    job = response.json()
    assert response.headers["location"] == f"/api/v1/jobs/{job['job_id']}"
    assert response.headers["cache-control"] == "no-store"
    assert set(job) == FIELDS
    assert job["created_at"].endswith("Z")
    assert {name: job[name] for name in ("status", "priority", "timeout_seconds", "max_attempts", "attempt")} == {
        "status": "pending",
        "priority": 5,
        "timeout_seconds": 3600,
        "max_attempts": 1,
        "attempt": 0,
    }
    assert (job["tenant_id"], job["queue"], job["parameters"], job["tags"]) == ("default", "default", {}, [])
    for name in ("reason", "robot_id", "started_at", "finished_at", "result", "error", "contact", "not_before"):
        assert job[name] is None
    assert without_reasons(await api.get(f"/jobs/{job['job_id']}")) == job


async def test_submitted_job_has_the_requested_values(api: Api) -> None:
    await api.robot("alpha")
    asked = {
        "workflow_id": "Rechnungen prüfen/2",
        "parameters": {"a": [1, 2.5, None, True], "ü": "\u2028", "nested": {"x": {}}},
        "priority": 10,
        "timeout_seconds": 604_800,
        "tags": ["windows", "excel", "excel"],
        "max_attempts": 100,
        "not_before": "2030-01-01T12:00:00+02:00",
    }
    job = await api.post("/jobs", {**asked, "robot_id": "alpha", "unknown": 1})
    assert {name: job[name] for name in asked} == {
        **asked,
        "tags": ["excel", "windows"],
        "not_before": "2030-01-01T10:00:00.000Z",
    }
    assert job["target_robot_id"] == "alpha"
    assert job["robot_id"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workflow_id", ""),
        ("workflow_id", "x" * 129),
        ("workflow_id", "a\nb"),
        ("workflow_id", 7),
        ("workflow_id", None),
        ("workflow_id", "\ud800"),
        ("parameters", []),
        ("parameters", "{}"),
        ("parameters", {"x": "y" * 256 * 1024}),
        ("priority", 11),
        ("priority", -1),
        ("priority", "high"),
        ("priority", 1.5),
        ("timeout_seconds", 0),
        ("timeout_seconds", 604_801),
        ("max_attempts", 0),
        ("max_attempts", 101),
        ("tags", "windows"),
        ("tags", ["a b"]),
        ("tags", ["x"] * 65),
        ("robot_id", "../x"),
        ("robot_id", "x\n"),
        ("tenant_id", ""),
        ("not_before", "tomorrow"),
        ("not_before", 1_772_452_800),
        ("not_before", "9999-12-31T23:59:59-14:00"),
        ("not_before", "0001-01-01T00:00:00+14:00"),
    ],
)
async def test_invalid_submit_is_refused_with_the_field(api: Api, field: str, value: Any) -> None:
    response = await api.submit_text(json.dumps({"workflow_id": "w", field: value}))
    code, message = error_of(response, 422)
    assert code == "INVALID_MESSAGE"
    assert message.startswith(field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_invalid_number_is_refused_in_a_submit(api: Api, number: str) -> None:
    response = await api.submit_text(f'{{"workflow_id": "w", "parameters": {{"x": {number}}}}}')
    assert error_of(response, 422)[1].startswith("parameters: not plain JSON")


@pytest.mark.parametrize(("depth", "status"), [(31, 201), (32, 422), (5000, 422)])
async def test_parameters_are_at_most_32_deep(api: Api, depth: int, status: int) -> None:
    value = "[" * depth + "]" * depth
    response = await api.submit_text(f'{{"workflow_id": "w", "parameters": {{"x": {value}}}}}')
    assert response.status_code == status


async def test_size_of_parameters_is_that_of_their_stored_bytes(api: Api) -> None:
    text = "ü" * (128 * 1024 - 4)
    assert (await api.post("/jobs", {"workflow_id": "w", "parameters": {"x": text}}))["parameters"] == {"x": text}
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w", "parameters": {"x": text + "ü"}})
    assert error_of(response, 422)[1].startswith("parameters: over 262144 bytes")


async def test_unstorable_text_in_parameters_is_repaired(api: Api) -> None:
    content = '{"workflow_id": "w", "parameters": {"a\\u0000": "\\ud800", "b": ["\\ud83d\\ude00"]}}'
    response = await api.submit_text(content)
    assert response.json()["parameters"] == {"a\ufffd": "\ufffd", "b": ["😀"]}


async def test_submit_is_refused_when_tenant_or_robot_is_unknown(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    await api.robot("theirs", "other")
    for body in ({"tenant_id": "nobody"}, {"robot_id": "nobody"}, {"robot_id": "theirs"}):
        response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w", **body})
        assert error_of(response, 404)[1].startswith(next(iter(body)))


async def test_same_idempotency_key_creates_one_job(api: Api) -> None:
    header = {"Idempotency-Key": "order-1"}
    first = await api.post("/jobs", {"workflow_id": "w", "parameters": {"a": 1}}, headers=header)
    again = await api.post("/jobs", {"parameters": {"a": 1}, "workflow_id": "w"}, headers=header)
    assert again == first
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "v"}, headers=header)
    assert error_of(response, 409)[0] == "INVALID_MESSAGE"
    assert len((await api.get("/jobs"))["items"]) == 1


async def test_idempotency_keys_belong_to_a_tenant(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    header = {"Idempotency-Key": "order-1"}
    first = await api.post("/jobs", {"workflow_id": "w"}, headers=header)
    assert (await api.post("/jobs", {"workflow_id": "w", "tenant_id": "other"}, headers=header)) != first


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_idempotency_key_of_a_wrong_length_is_refused(api: Api, key: str) -> None:
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w"}, headers={"Idempotency-Key": key})
    assert error_of(response, 422)[1].startswith("idempotency-key: ")


async def test_simultaneous_submits_share_commits(api: Api) -> None:
    before = api.statistics.commits
    client = api.admin
    answers = await asyncio.gather(
        *(client.post("/api/v1/jobs", json={"workflow_id": f"w{number}"}) for number in range(100))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["job_id"] for answer in answers}) == 100
    assert api.statistics.commits - before < 50


# Lists


async def test_jobs_are_paged_newest_first_without_gaps_or_repeats(api: Api) -> None:
    made = [(await api.post("/jobs", {"workflow_id": "w"}))["job_id"] for _ in range(7)]
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    for size in (3, 3, 1):
        page = await api.get("/jobs", limit=3, **cursor)
        assert len(page["items"]) == size
        seen += [job["job_id"] for job in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        await api.post("/jobs", {"workflow_id": "later"})
    assert seen == made[::-1]
    assert cursor == {"cursor": None}


async def test_full_last_page_has_no_next_cursor(api: Api) -> None:
    for _ in range(2):
        await api.post("/jobs", {"workflow_id": "w"})
    page = await api.get("/jobs", limit=2)
    assert (len(page["items"]), page["next_cursor"]) == (2, None)


async def test_jobs_are_filtered(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    await api.robot("alpha")
    mine = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(mine, "alpha")
    await report(api, mine, "alpha", ReportStatus.RUNNING)
    theirs = await api.post("/jobs", {"workflow_id": "v", "tenant_id": "other"})
    for wanted, expected in (
        ({"status": "running"}, mine),
        ({"status": "pending"}, theirs),
        ({"robot_id": "alpha"}, mine),
        ({"workflow_id": "v"}, theirs),
        ({"tenant_id": "other"}, theirs),
        ({"tenant_id": "default", "workflow_id": "w", "status": "running", "robot_id": "alpha"}, mine),
    ):
        assert [job["job_id"] for job in (await api.get("/jobs", **wanted))["items"]] == [expected["job_id"]]
    assert (await api.get("/jobs", workflow_id="nothing"))["items"] == []


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "many"),
        ("status", "lost"),
        ("cursor", "x"),
        ("cursor", "é"),
        ("cursor", "bnVsbA=="),
        ("cursor", "WzEsMl0="),
        ("cursor", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJqIl0="),
        ("cursor", ""),
    ],
)
async def test_invalid_list_is_refused_with_the_parameter(api: Api, parameter: str, value: str) -> None:
    response = await api.admin.get("/api/v1/jobs", params={parameter: value})
    assert re.match(rf"{parameter}(\.\d+)?: ", error_of(response, 422)[1]), "a list names the place of its value"


# One job


async def test_unknown_job_is_not_found(api: Api) -> None:
    for method, path in (("GET", ""), ("GET", "/logs"), ("GET", "/events"), ("POST", "/cancel")):
        response = await api.admin.request(method, f"/api/v1/jobs/job-none{path}")
        assert error_of(response, 404) == ("INVALID_MESSAGE", "job_id: there is no job 'job-none'")


async def test_ended_job_shows_its_result_or_its_error(api: Api) -> None:
    await api.robot("alpha")
    done, failed = await api.post("/jobs", {"workflow_id": "w"}), await api.post("/jobs", {"workflow_id": "w"})
    for job in (done, failed):
        await api.give(job, "alpha")
        await report(api, job, "alpha", ReportStatus.RUNNING, progress=40.0, message="step 2")
        seen = await api.get(f"/jobs/{job['job_id']}")
        assert (seen["status"], seen["robot_id"], seen["progress"], seen["message"]) == (
            "running",
            "alpha",
            40,
            "step 2",
        )
        assert seen["started_at"] is not None
        if job is done:
            await report(api, job, "alpha", ReportStatus.COMPLETED, result='{"total":3}')
        else:
            await report(api, job, "alpha", ReportStatus.FAILED, error='{"type":"business","message":"no"}')
    seen = await api.get(f"/jobs/{done['job_id']}")
    assert (seen["status"], seen["reason"], seen["progress"], seen["result"]) == ("completed", None, 100, {"total": 3})
    seen = await api.get(f"/jobs/{failed['job_id']}")
    assert (seen["status"], seen["reason"], seen["error"]["type"]) == ("failed", "error", "business")
    assert seen["finished_at"] is not None


async def test_pending_job_is_cancelled_at_once_and_only_once(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    path = f"/api/v1/jobs/{job['job_id']}/cancel"
    response = await api.admin.post(path)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["reason"]) == ("failed", "cancelled")
    assert error_of(await api.admin.post(path, json={"reason": "again"}), 409)[0] == "INVALID_MESSAGE"


async def test_running_job_waits_for_its_robot_to_confirm_a_cancel(api: Api) -> None:
    await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    await report(api, job, "alpha", ReportStatus.RUNNING)
    seen = await api.post(f"/jobs/{job['job_id']}/cancel", {"reason": "wrong month"}, 200)
    assert seen["status"] == "running"
    assert seen["cancel_requested_at"] is not None


@pytest.mark.parametrize("reason", [7, "x" * 1025, "a\x00b"])
async def test_invalid_cancel_is_refused_with_the_field(api: Api, reason: Any) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    response = await api.admin.post(f"/api/v1/jobs/{job['job_id']}/cancel", json={"reason": reason})
    assert error_of(response, 422)[1].startswith("reason: ")


async def test_events_are_the_history_of_the_job(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.post(f"/jobs/{job['job_id']}/cancel", {"reason": "wrong month"}, 200)
    first, second = (await api.get(f"/jobs/{job['job_id']}/events"))["items"]
    assert (first["transition"], first["status"]) == ("T1", "pending")
    assert (second["transition"], second["status"], second["by"]) == ("T11", "failed", "admin")
    assert second["note"] == "wrong month"


async def test_events_are_paged_oldest_first(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.post(f"/jobs/{job['job_id']}/cancel", {}, 200)
    path = f"/jobs/{job['job_id']}/events"
    every = (await api.get(path))["items"]
    first = await api.get(path, limit=1)
    assert first["items"] == every[:1]
    second = await api.get(path, limit=1, cursor=first["next_cursor"])
    assert second["items"] == every[1:]
    last = await api.get(path, limit=1, cursor=second["next_cursor"])
    assert last == {"items": [], "next_cursor": None}
    assert (await api.get(path))["next_cursor"] is None


def log_line(api: Api, job_id: str, number: int) -> LogLine:
    now = api.plane.clock.now()
    return LogLine("default", "alpha", Level.INFO, f"line {number}", now, now, job_id, "node-1")


async def test_logs_are_paged_oldest_first_and_can_be_followed(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.robot("alpha")
    await api.give(job, "alpha")
    path = f"/jobs/{job['job_id']}/logs"
    assert await api.get(path) == {"items": [], "next_cursor": None}
    await api.plane.store.append_logs([log_line(api, job["job_id"], number) for number in range(3)])
    await api.plane.store.append_logs([log_line(api, "job-other", 9)])
    page = await api.get(path, limit=2)
    assert [line["message"] for line in page["items"]] == ["line 0", "line 1"]
    assert (page["items"][0]["level"], page["items"][0]["node_id"]) == ("INFO", "node-1")
    page = await api.get(path, cursor=page["next_cursor"])
    assert [line["message"] for line in page["items"]] == ["line 2"]
    after = page["next_cursor"]
    assert await api.get(path, cursor=after) == {"items": [], "next_cursor": after}
    await api.plane.store.append_logs([log_line(api, job["job_id"], 3)])
    assert [line["message"] for line in (await api.get(path, cursor=after))["items"]] == ["line 3"]


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 30, "１"])
async def test_invalid_cursor_is_refused_for_logs(api: Api, cursor: str) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    response = await api.admin.get(f"/api/v1/jobs/{job['job_id']}/logs", params={"cursor": cursor})
    assert error_of(response, 422)[1].startswith("cursor: ")


# Robots


async def test_robot_can_read_only_its_own_jobs(api: Api) -> None:
    alpha, beta = await api.robot("alpha"), await api.robot("beta")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    for path in ("", "/logs", "/events"):
        address = f"/api/v1/jobs/{job['job_id']}{path}"
        assert (await alpha.get(address)).status_code == 200
        assert error_of(await beta.get(address), 403)[0] == "AUTH_FAILED"


async def test_job_of_another_tenant_is_not_found_by_a_robot(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    stranger = await api.robot("stranger", "other")
    job = await api.post("/jobs", {"workflow_id": "w"})
    assert error_of(await stranger.get(f"/api/v1/jobs/{job['job_id']}"), 404)[1].startswith("job_id: there is no")


async def test_robot_cannot_submit_list_or_cancel_jobs(api: Api) -> None:
    alpha = await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    for response in (
        await alpha.post("/api/v1/jobs", json={"workflow_id": "w"}),
        await alpha.get("/api/v1/jobs"),
        await alpha.post(f"/api/v1/jobs/{job['job_id']}/cancel"),
    ):
        assert error_of(response, 403)[0] == "AUTH_FAILED"


async def test_not_before_without_an_offset_means_utc(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w", "not_before": "2030-01-01T00:00:00"})
    stored = await api.plane.store.job(job["job_id"])
    assert job["not_before"] == "2030-01-01T00:00:00.000Z"
    assert stored is not None
    assert stored.not_before is not None
    assert stored.not_before % 1_000_000 == 0
