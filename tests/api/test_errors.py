"""Every error response has the contract's form."""

import gzip
from pathlib import Path

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from api.conftest import Api, error_of, running
from casare_rpa.domain.errors import CasareError, StaleAttempt, StoreUnavailable
from casare_rpa.infrastructure.orchestrator.api.error_responses import status_of


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v1/nothing", "/api/v2/jobs", "/ws", "/health", "/.env"])
async def test_unknown_path_is_not_found(api: Api, path: str) -> None:
    assert error_of(await api.admin.get(path), 404)[0] == "INVALID_MESSAGE"


async def test_unknown_method_is_not_allowed(api: Api) -> None:
    response = await api.admin.put("/api/v1/tenants")
    assert error_of(response, 405)[0] == "INVALID_MESSAGE"
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "{'workflow_id': 'w'}",
        '{"workflow_id": "w"',
        "[" * 100_000,
        '{"workflow_id": ' + "9" * 5000 + "}",
    ],
)
async def test_body_that_is_not_a_json_object_is_refused(api: Api, text: str) -> None:
    code, message = error_of(await api.submit_text(text), 422)
    assert code == "INVALID_MESSAGE"
    assert message.startswith("body: ")


async def test_body_that_is_not_utf8_is_refused(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    response = await api.admin.post("/api/v1/jobs", content=b'{"workflow_id": "\xff"}', headers=headers)
    assert error_of(response, 422) == ("INVALID_MESSAGE", "body: not valid JSON")


async def test_body_of_another_type_is_refused_with_the_expected_type(api: Api) -> None:
    response = await api.admin.post("/api/v1/jobs", data={"workflow_id": "w"})
    assert error_of(response, 422)[1] == "body: send JSON, with Content-Type: application/json"


async def test_every_wrong_field_is_named(api: Api) -> None:
    response = await api.admin.post("/api/v1/jobs", json={"priority": 99, "tags": ["ok", "not ok"]})
    message = error_of(response, 422)[1]
    for field in ("workflow_id: ", "priority: ", "tags.1: "):
        assert field in message


async def failures_of(app: FastAPI, path: str) -> list[Exception]:
    """What the application raises to its server."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        try:
            await client.get(path)
        except Exception as error:
            return [error]
    return []


async def test_unexpected_failure_reveals_no_details(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    router = APIRouter()

    @router.get("/api/fails")
    async def fails() -> None:
        raise RuntimeError("canary detail")

    api.app.include_router(router)
    response = await api.client().get("/api/fails")
    assert error_of(response, 500) == ("INTERNAL_ERROR", "the server failed; try again")
    assert "canary detail" in caplog.text, "the log has the reason"
    assert len(caplog.records) == 1, "the error is logged once"
    assert response.headers["X-Request-ID"]
    assert await failures_of(api.app, "/api/fails") == [], "the server would log it again"


async def test_failed_commit_is_unavailable_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, failpoints="store.commit:error@1") as api:
        response = await api.admin.post("/api/v1/tenants", json={"tenant_id": "acme", "name": "Acme"})
        assert error_of(response, 503)[0] == "INTERNAL_ERROR"
        await api.post("/tenants", {"tenant_id": "acme", "name": "Acme"})


def test_errors_without_their_own_status_are_internal_errors() -> None:
    assert status_of(CasareError("x")) == 500
    assert status_of(StoreUnavailable("x")) == 503
    assert status_of(StaleAttempt("x")) == 409


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br"])
async def test_compressed_body_is_refused_with_the_next_step(api: Api, coding: str) -> None:
    content = gzip.compress(b'{"workflow_id": "w"}')
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    for body in (content, b'{"workflow_id": "w"}'):
        response = await api.admin.post("/api/v1/jobs", content=body, headers=headers)
        assert error_of(response, 422)[1] == "body: send it uncompressed, without Content-Encoding"
    headers["Content-Encoding"] = "identity"
    response = await api.admin.post("/api/v1/jobs", content=b'{"workflow_id": "w"}', headers=headers)
    assert response.status_code == 201
