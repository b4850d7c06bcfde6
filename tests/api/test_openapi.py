"""/openapi.json describes everything that a client needs."""

from typing import Any

import pytest

from api.conftest import Api
from casare_rpa.infrastructure.orchestrator.server import HTTP_ROUTES

EXPECTED = {
    "/api/v1/auth/login": {"post"},
    "/api/v1/tenants": {"get", "post"},
    "/api/v1/robots": {"get", "post"},
    "/api/v1/robots/{robot_id}": {"delete", "get", "patch"},
    "/api/v1/robots/{robot_id}/keys": {"get", "post"},
    "/api/v1/robots/{robot_id}/keys/{key_id}": {"delete"},
    "/api/v1/robots/{robot_id}/drain": {"post"},
    "/api/v1/robots/{robot_id}/resume": {"post"},
    "/api/v1/robots/{robot_id}/restart": {"post"},
    "/api/v1/instances": {"get"},
    "/api/v1/queues": {"get", "post"},
    "/api/v1/queues/{queue}/pause": {"post"},
    "/api/v1/queues/{queue}/resume": {"post"},
    "/api/v1/jobs": {"get", "post"},
    "/api/v1/jobs/batch": {"post"},
    "/api/v1/jobs/{job_id}": {"get"},
    "/api/v1/jobs/{job_id}/retry": {"post"},
    "/api/v1/logs": {"get"},
    "/api/v1/jobs/{job_id}/cancel": {"post"},
    "/api/v1/jobs/{job_id}/logs": {"get"},
    "/api/v1/jobs/{job_id}/events": {"get"},
    "/api/v1/auth/refresh": {"post"},
    "/api/v1/auth/session": {"post"},
    "/api/v1/auth/link": {"post"},
    "/api/v1/auth/links": {"post"},
    "/api/v1/auth/logout": {"post"},
    "/api/v1/sessions": {"get"},
    "/api/v1/sessions/{session_id}": {"delete"},
    "/api/v1/view-links": {"get", "post"},
    "/api/v1/view-links/{link_id}": {"delete"},
    "/api/v1/ws-tickets": {"post"},
    "/api/v1/jobs/bulk": {"post"},
    "/api/v1/jobs/count": {"get"},
    "/api/v1/jobs/export": {"get"},
    "/api/v1/jobs/{job_id}/logs/download": {"get"},
    "/api/v1/jobs/{job_id}/steps": {"get"},
    "/api/v1/jobs/{job_id}/comparison": {"get"},
    "/api/v1/workflows": {"get"},
    "/api/v1/presets": {"get", "put", "delete"},
    "/api/v1/overview": {"get"},
    "/api/v1/failures": {"get"},
    "/api/v1/failures/{fingerprint}": {"get", "patch"},
    "/api/v1/failures/{fingerprint}/mute": {"post"},
    "/api/v1/failures/{fingerprint}/unmute": {"post"},
    "/api/v1/queues/history": {"get"},
    "/api/v1/robots/beats": {"get"},
    "/api/v1/robots/bulk": {"post"},
    "/api/v1/runs": {"get"},
    "/api/v1/robots/names": {"get"},
    "/api/v1/robots/{robot_id}/beats": {"get"},
    "/api/v1/events": {"get"},
    "/api/v1/audit": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/metrics": {"get"},
}


TEXTS = {"/metrics", "/api/v1/jobs/export", "/api/v1/jobs/{job_id}/logs/download"}


@pytest.fixture
async def document(api: Api) -> Any:
    return (await api.client().get("/openapi.json")).json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, text) for path, methods in document["paths"].items() for method, text in methods.items()]


async def test_paths_and_methods_are_those_of_the_reference(document: Any) -> None:
    assert {path: set(methods) for path, methods in document["paths"].items()} == EXPECTED


async def test_every_operation_has_a_description_and_its_answers(document: Any) -> None:
    for path, method, operation in operations(document):
        assert operation.get("description"), (method, path)
        (good,) = [status for status in operation["responses"] if status.startswith("2")]
        if good != "204" and path not in TEXTS:
            schema = operation["responses"][good]["content"]["application/json"]["schema"]
            assert "$ref" in schema, (method, path)


async def test_every_error_is_documented_in_the_contracts_form(document: Any) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, method, operation in operations(document):
        errors = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
        if path != "/health/live":
            assert {"422", "500"} <= set(errors), (method, path)
        if operation.get("security"):
            assert {"401", "403", "503"} <= set(errors), (method, path)
        if "requestBody" in operation:
            assert "413" in errors, (method, path)
        for answer in errors.values():
            assert answer["description"]
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


async def test_credentials_are_documented_where_they_are_needed(document: Any) -> None:
    assert set(document["components"]["securitySchemes"]) == {"AdminSecret", "Token", "RobotKey"}
    for path, method, operation in operations(document):
        by_password = path in tuple(f"/api/v1/auth/{name}" for name in ("login", "refresh", "link", "session"))
        needed = (path.startswith("/api/v1/") and not by_password) or path == "/metrics"
        found = {name for scheme in operation.get("security", []) for name in scheme}
        allowed = (
            {"AdminSecret", "Token"} if found and "RobotKey" not in found else {"AdminSecret", "Token", "RobotKey"}
        )
        assert found == (allowed if needed else set()), (method, path)


async def test_limits_of_a_job_are_documented(document: Any) -> None:
    job = document["components"]["schemas"]["NewJob"]
    assert job["required"] == ["workflow_id"]
    assert job["properties"]["workflow_id"]["maxLength"] == 128
    assert (job["properties"]["priority"]["minimum"], job["properties"]["priority"]["maximum"]) == (0, 10)
    limit = next(p for p in document["paths"]["/api/v1/jobs"]["get"]["parameters"] if p["name"] == "limit")
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (50, 500)


async def test_routes_are_built_once_for_all_requests(api: Api) -> None:
    served = {id(route) for route in api.app.router.routes}
    assert HTTP_ROUTES
    assert all(id(route) in served for route in HTTP_ROUTES), "`include_router` would build each of them again"
