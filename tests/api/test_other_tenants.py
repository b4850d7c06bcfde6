"""No route shows or changes what belongs to another tenant: every operation of /openapi.json, also a new one."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from api.conftest import Api
from casare_rpa.domain.instants import after
from casare_rpa.domain.job_events import QueueExpired
from casare_rpa.domain.job_records import Change

SECRET = "of-the-other-tenant"
THEIRS = {
    "tenant_id": f"tenant-{SECRET}",
    "robot_id": f"robot-{SECRET}",
    "workflow_id": f"workflow-{SECRET}",
    "queue": "default",
}
VALUES: dict[str, Any] = {
    **THEIRS,
    "name": "mine",
    "username": "admin",
    "password": "wrong",
    "token": "wrong",
    "code": "wrong",
    "path": "/ws/admin",
    "action": "cancel",
    "session_id": "lgn-00",
    "link_id": "vwl-00",
    "limit": 10,
    "minutes": 60,
    "status": "pending",
    "q": SECRET,
}
"""Values of parameters and of required fields, by name. Ids are added when they exist."""
SHARED = {"/api/v1/auth/logout"}
"""Ends the session of the test itself."""


def _sample(schema: dict[str, Any], document: dict[str, Any], values: dict[str, Any]) -> Any:
    """A body with the required fields of a schema, and all fields that name an object."""
    if "$ref" in schema:
        return _sample(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, values)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _sample(schema[several][0], document, values)
    if schema.get("type") == "array":
        return [_sample(schema["items"], document, values)]
    if schema.get("type") != "object":
        return schema.get("enum", ["x" if schema.get("type") == "string" else 1])[0]
    required = schema.get("required", [])
    return {
        name: values[name] if name in values else _sample(field, document, values)
        for name, field in schema.get("properties", {}).items()
        if name in required or name in THEIRS or name.endswith(("_id", "_ids"))
    }


def _bodies(operation: dict[str, Any], document: dict[str, Any], values: dict[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return [None]
    schema = content["schema"]
    return [_sample(one, document, values) for one in schema.get("oneOf") or schema.get("anyOf") or [schema]]


def _requests(document: dict[str, Any], values: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """Method, path, query and body: without a query, and with each parameter alone."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/api/") or path in SHARED:
                continue
            filled = path.format_map(values)
            names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            for body in _bodies(operation, document, values):
                for query in ({}, *({name: values[name]} for name in names if name in values)):
                    yield method.upper(), filled, query, body


async def _state(api: Api, job_id: str, key_id: str, fingerprint: str) -> Any:
    """All that the other tenant has."""
    robot_id = THEIRS["robot_id"]
    keys = (await api.get(f"/robots/{robot_id}/keys"))["items"]
    assert [key["key_id"] for key in keys] == [key_id]
    group = await api.get(f"/failures/{fingerprint}")
    return (
        keys,
        (group["note"], group["owner"], group["muted"]),
        await api.get(f"/robots/{robot_id}"),
        await api.get(f"/jobs/{job_id}"),
        await api.get(f"/jobs/{job_id}/events"),
        (await api.get("/jobs", tenant_id=THEIRS["tenant_id"]))["items"],
        (await api.get("/robots", tenant_id=THEIRS["tenant_id"]))["items"],
    )


@pytest.mark.slow
@pytest.mark.parametrize("holder", ["admin of one tenant", "robot"])
async def test_no_route_shows_or_changes_another_tenant(api: Api, holder: str) -> None:
    await api.post("/tenants", {"tenant_id": THEIRS["tenant_id"], "name": SECRET})
    await api.robot(THEIRS["robot_id"], THEIRS["tenant_id"])
    (key,) = (await api.get(f"/robots/{THEIRS['robot_id']}/keys"))["items"]
    job = await api.post("/jobs", {name: THEIRS[name] for name in ("tenant_id", "robot_id", "workflow_id")})
    wanted = {"workflow_id": THEIRS["workflow_id"], "tenant_id": THEIRS["tenant_id"], "queue_ttl_seconds": 60}
    expired = await api.post("/jobs", wanted)
    await api.plane.store.apply([Change(expired["job_id"], QueueExpired(), after(api.plane.clock.now(), 61))])
    fingerprint = (await api.get(f"/jobs/{expired['job_id']}"))["fingerprint"]
    client: httpx2.AsyncClient
    if holder == "robot":
        client = await api.robot("mine")
    else:
        token, _ = api.plane.authenticator.tokens.issue("admin", tenant_id="default")
        client = api.client({"Authorization": f"Bearer {token}"})
    ids = {"job_id": job["job_id"], "key_id": key["key_id"], "fingerprint": fingerprint}
    values = VALUES | ids | {"job_ids": [job["job_id"]], "robot_ids": [THEIRS["robot_id"]]}
    document = api.app.openapi()
    before, sent = await _state(api, **ids), 0
    for method, path, query, body in _requests(document, values):
        response = await client.request(method, path, params=query, json=body)
        what = f"{method} {path} {query} {body}: {response.status_code} {response.text[:300]}"
        assert response.status_code < 500, what
        if response.is_success:
            shown = response.text.replace(str(query), "")
            assert SECRET not in shown, what
            assert key["key_id"] not in shown, what
            # A bulk order names the ids that it was sent, and refuses each.
            assert job["job_id"] not in shown or response.json().get("done") == 0, what
        sent += 1
    assert sent > len(document["paths"])
    assert await _state(api, **ids) == before
