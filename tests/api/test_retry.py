"""POST /api/v1/jobs/{job_id}/retry: a new job with the same request."""

import sqlite3
from pathlib import Path
from typing import Any

from api.conftest import Api, error_of, without_reasons

SAME = (
    "workflow_id", "parameters", "priority", "timeout_seconds", "tags", "target_robot_id", "tenant_id", "max_attempts",
)  # fmt: skip


async def ended(api: Api, **wishes: Any) -> Any:
    job = await api.post("/jobs", {"workflow_id": "invoices", **wishes})
    return await api.post(f"/jobs/{job['job_id']}/cancel", {}, 200)


async def test_retry_creates_a_job_with_the_same_request(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "acme", "name": "Acme"})
    await api.robot("alpha", "acme")
    old = await ended(
        api,
        parameters={"a": [1, "ü"]},
        priority=8,
        timeout_seconds=77,
        tags=["sap", "excel"],
        robot_id="alpha",
        tenant_id="acme",
        max_attempts=4,
        not_before="2030-01-01T00:00:00Z",
    )
    response = await api.admin.post(f"/api/v1/jobs/{old['job_id']}/retry")
    assert response.status_code == 201
    new = response.json()
    assert response.headers["location"] == f"/api/v1/jobs/{new['job_id']}"
    assert {name: new[name] for name in SAME} == {name: old[name] for name in SAME}
    assert new["job_id"] != old["job_id"]
    assert (new["retry_of"], old["retry_of"]) == (old["job_id"], None)
    assert (new["status"], new["attempt"], new["reason"], new["not_before"]) == ("pending", 0, None, None)
    assert without_reasons(await api.get(f"/jobs/{new['job_id']}")) == new
    assert await api.get(f"/jobs/{old['job_id']}") == old, "an end is final"
    (first,) = (await api.get(f"/jobs/{new['job_id']}/events"))["items"]
    assert (first["transition"], first["note"]) == ("T1", f"retry of {old['job_id']}")


async def test_retry_of_a_retry_names_the_retried_job(api: Api) -> None:
    old = await ended(api)
    second = await api.post(f"/jobs/{old['job_id']}/retry")
    await api.post(f"/jobs/{second['job_id']}/cancel", {}, 200)
    assert (await api.post(f"/jobs/{second['job_id']}/retry"))["retry_of"] == second["job_id"]


async def test_retry_is_refused_while_the_job_has_not_ended(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    code, message = error_of(await api.admin.post(f"/api/v1/jobs/{job['job_id']}/retry"), 409)
    assert (code, message) == ("INVALID_MESSAGE", "job_id: this job is pending; cancel it first, or wait for its end")
    assert len((await api.get("/jobs"))["items"]) == 1


async def test_retry_of_an_unknown_job_is_refused(api: Api) -> None:
    response = await api.admin.post("/api/v1/jobs/job-none/retry")
    assert error_of(response, 404) == ("INVALID_MESSAGE", "job_id: there is no job 'job-none'")


async def test_retry_with_the_same_idempotency_key_creates_one_job(api: Api) -> None:
    old, other = await ended(api), await ended(api)
    header = {"Idempotency-Key": "again"}
    first = await api.post(f"/jobs/{old['job_id']}/retry", headers=header)
    assert await api.post(f"/jobs/{old['job_id']}/retry", headers=header) == first
    response = await api.admin.post(f"/api/v1/jobs/{other['job_id']}/retry", headers=header)
    assert error_of(response, 409)[1].startswith("Idempotency-Key: ")
    assert (await api.post(f"/jobs/{old['job_id']}/retry"))["job_id"] != first["job_id"]


async def test_retry_is_audited_once(api: Api, tmp_path: Path) -> None:
    old = await ended(api)
    header = {"Idempotency-Key": "again"}
    for _ in range(2):
        new = await api.post(f"/jobs/{old['job_id']}/retry", headers=header)
    with sqlite3.connect(next(tmp_path.rglob("casare.db"))) as connection:
        rows = connection.execute("SELECT \"by\", target, note FROM audit WHERE action = 'retry_job'").fetchall()
    connection.close()
    assert rows == [("admin", old["job_id"], f"as {new['job_id']}")]


async def test_robot_cannot_retry_jobs(api: Api) -> None:
    alpha = await api.robot("alpha")
    old = await ended(api)
    assert error_of(await alpha.post(f"/api/v1/jobs/{old['job_id']}/retry"), 403)[0] == "AUTH_FAILED"
