"""An admin with a token for one tenant can see and change only that tenant."""

from typing import Any

import httpx2
import pytest

from api.conftest import Api, error_of

THEIRS = {"workflow_id": "w", "tenant_id": "other"}


@pytest.fixture
async def bound(api: Api) -> httpx2.AsyncClient:
    """A client with a token for the tenant `default`; there is a tenant `other` with the robot `theirs`."""
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    await api.robot("theirs", "other")
    own, _ = api.plane.authenticator.tokens.issue("admin", tenant_id="default")
    return api.client({"Authorization": f"Bearer {own}"})


async def names(client: httpx2.AsyncClient, path: str, field: str) -> list[Any]:
    response = await client.get(f"/api/v1{path}")
    assert response.status_code == 200
    return [item[field] for item in response.json()["items"]]


async def test_lists_show_the_own_tenant(api: Api, bound: httpx2.AsyncClient) -> None:
    mine = await api.post("/jobs", {"workflow_id": "w"})
    await api.post("/jobs", THEIRS)
    assert await names(bound, "/jobs", "job_id") == [mine["job_id"]]
    assert await names(bound, "/jobs?tenant_id=default", "job_id") == [mine["job_id"]]
    assert await names(bound, "/tenants", "tenant_id") == ["default"]
    assert await names(bound, "/robots", "robot_id") == []
    for path in ("/jobs", "/robots", "/logs"):
        response = await bound.get(f"/api/v1{path}?tenant_id=other")
        assert error_of(response, 403)[1].startswith("tenant_id: ")


async def test_nothing_can_be_created_for_another_tenant(bound: httpx2.AsyncClient) -> None:
    for path, body in (
        ("/jobs", THEIRS),
        ("/jobs/batch", {"jobs": [{"workflow_id": "w"}, THEIRS]}),
        ("/robots", {"robot_id": "new", "tenant_id": "other"}),
        ("/tenants", {"tenant_id": "new", "name": "New"}),
    ):
        assert error_of(await bound.post(f"/api/v1{path}", json=body), 403)[1].startswith("tenant_id: "), path
    assert await names(bound, "/jobs", "job_id") == []


async def test_objects_of_another_tenant_are_not_found(api: Api, bound: httpx2.AsyncClient) -> None:
    job = await api.post("/jobs", THEIRS)
    (key,) = (await api.get("/robots/theirs/keys"))["items"]
    for method, path in (
        ("GET", f"/jobs/{job['job_id']}"),
        ("POST", f"/jobs/{job['job_id']}/cancel"),
        ("POST", f"/jobs/{job['job_id']}/retry"),
        ("GET", "/robots/theirs"),
        ("GET", "/robots/theirs/keys"),
        ("POST", "/robots/theirs/keys"),
        ("DELETE", f"/robots/theirs/keys/{key['key_id']}"),
    ):
        error_of(await bound.request(method, f"/api/v1{path}"), 404)
    assert (await api.get(f"/jobs/{job['job_id']}"))["status"] == "pending"


async def test_commands_to_queues_and_foreign_robots_are_refused(bound: httpx2.AsyncClient) -> None:
    for path, body in (("/queues", {"queue": "mine"}), ("/queues/default/pause", {}), ("/queues/*/resume", {})):
        response = await bound.post(f"/api/v1{path}", json=body)
        assert "queues belong to all tenants" in error_of(response, 403)[1]
    for order in ("drain", "resume", "restart"):
        assert error_of(await bound.post(f"/api/v1/robots/theirs/{order}"), 404)[1].startswith("robot_id: ")


async def test_overview_failures_and_heartbeats_are_limited_to_the_tenant(api: Api, bound: httpx2.AsyncClient) -> None:
    mine = await api.post("/jobs", {"workflow_id": "w"})
    await api.post("/jobs", THEIRS)
    seen = (await bound.get("/api/v1/overview")).json()
    assert (seen["queue"]["pending"], seen["oldest_pending"]["job_id"]) == (1, mine["job_id"])
    assert [one["target"] for one in seen["attention"]] == [mine["job_id"]]
    everybody = await api.get("/overview")
    assert everybody["queue"]["pending"] == 2
    assert await names(bound, "/failures", "last_job_id") == []
    assert await names(bound, "/robots/beats", "robot_id") == []
    assert await names(bound, "/runs", "job_id") == []
    assert error_of(await bound.get("/api/v1/robots/theirs/beats"), 404)[0] == "INVALID_MESSAGE"
    changed = await bound.patch("/api/v1/robots/theirs", json={"name": "mine"})
    assert error_of(changed, 404)[0] == "INVALID_MESSAGE"
    assert (await api.get("/robots/theirs"))["name"] == ""


async def test_shared_objects_are_refused_for_the_admin_of_one_tenant(bound: httpx2.AsyncClient) -> None:
    for path in ("/audit", "/queues/history"):
        assert error_of(await bound.get(f"/api/v1{path}"), 403)[0] == "AUTH_FAILED", path


async def test_bulk_commands_reach_only_the_own_tenant(api: Api, bound: httpx2.AsyncClient) -> None:
    mine, theirs = await api.post("/jobs", {"workflow_id": "w"}), await api.post("/jobs", THEIRS)
    path = "/api/v1/jobs/bulk"
    foreign = await bound.post(path, json={"action": "cancel", "filter": {"tenant_id": "other"}})
    assert error_of(foreign, 403)[1].startswith("tenant_id: ")
    by_id = await bound.post(path, json={"action": "cancel", "job_ids": [theirs["job_id"]]})
    assert (by_id.json()["matched"], by_id.json()["refused"]) == (1, 1)
    every = await bound.post(path, json={"action": "cancel", "filter": {}})
    assert (every.json()["matched"], every.json()["done"]) == (1, 1)
    assert (await api.get(f"/jobs/{theirs['job_id']}"))["status"] == "pending"
    assert (await api.get(f"/jobs/{mine['job_id']}"))["reason"] == "cancelled"


async def test_counts_workflows_and_logs_are_limited_to_the_tenant(api: Api, bound: httpx2.AsyncClient) -> None:
    await api.post("/jobs", {"workflow_id": "mine"})
    theirs = await api.post("/jobs", {"workflow_id": "a-secret", "tenant_id": "other"})
    assert (await bound.get("/api/v1/jobs/count")).json() == {"matching": 1, "total": 1, "capped": False}
    assert error_of(await bound.get("/api/v1/jobs/count?tenant_id=other"), 403)[1].startswith("tenant_id: ")
    assert await names(bound, "/workflows", "workflow_id") == ["mine"]
    assert await names(bound, "/jobs?q=a-", "job_id") == []
    error_of(await bound.get(f"/api/v1/jobs/{theirs['job_id']}/logs/download"), 404)
