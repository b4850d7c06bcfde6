"""NUL characters are not accepted over HTTP, because the database would truncate texts at them."""

from typing import Any

import pytest

from api.conftest import Api, error_of

NUL = "a\x00b"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/tenants", {"tenant_id": NUL, "name": "n"}, "tenant_id"),
        ("/tenants", {"tenant_id": "t", "name": NUL}, "name"),
        ("/robots", {"robot_id": NUL}, "robot_id"),
        ("/robots", {"robot_id": "r", "name": NUL}, "name"),
        ("/robots", {"robot_id": "r", "tags": [NUL]}, "tags.0"),
        ("/jobs", {"workflow_id": NUL}, "workflow_id"),
        ("/jobs", {"workflow_id": "w", "tags": [NUL]}, "tags.0"),
        ("/jobs/batch", {"jobs": [{"workflow_id": NUL}]}, "jobs.0.workflow_id"),
        ("/jobs/job-1/cancel", {"reason": NUL}, "reason"),
    ],
)
async def test_nul_is_refused_in_bodies(api: Api, path: str, body: Any, field: str) -> None:
    assert error_of(await api.admin.post(f"/api/v1{path}", json=body), 422)[1].startswith(f"{field}: ")


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/a%00b",
        "/jobs/a%00b/logs",
        "/jobs/a%00b/events",
        "/robots/a%00b",
        "/robots/a%00b/keys",
        "/jobs?robot_id=a%00b",
        "/jobs?workflow_id=a%00b",
        "/jobs?tenant_id=a%00b",
        "/jobs?cursor=a%00b",
        "/robots?tenant_id=a%00b",
        "/logs?q=a%00b",
    ],
)
async def test_nul_is_refused_in_addresses(api: Api, path: str) -> None:
    error_of(await api.admin.get(f"/api/v1{path}"), 422)


async def test_job_is_not_found_by_its_id_with_a_nul_and_more_text(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    for verb in ("cancel", "retry"):
        error_of(await api.admin.post(f"/api/v1/jobs/{job['job_id']}%00x/{verb}"), 422)
    assert (await api.get(f"/jobs/{job['job_id']}"))["status"] == "pending"


async def test_nul_in_parameters_is_replaced_without_truncation(api: Api) -> None:
    sent = {"workflow_id": "w", "parameters": {NUL: ["x\x00y", "\\u0000"]}}
    job = await api.post("/jobs", sent)
    assert (await api.get(f"/jobs/{job['job_id']}"))["parameters"] == {"a\ufffdb": ["x\ufffdy", "\\u0000"]}
