"""The limits of every request."""

from collections.abc import AsyncIterator

import pytest

from api.conftest import Api, error_of
from casare_rpa.infrastructure.orchestrator.api.guard import MAX_BODY_BYTES

HEADERS = {"Content-Type": "application/json"}


def body(size: int) -> bytes:
    """A job of exactly this many bytes, most of them in a key that is ignored."""
    start = b'{"workflow_id": "w", "ignored": "'
    return start + b"x" * (size - len(start) - 2) + b'"}'


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 64 * 1024):
        yield content[start : start + 64 * 1024]


@pytest.mark.parametrize("streamed", [False, True])
async def test_body_is_refused_only_over_the_limit(api: Api, streamed: bool) -> None:
    for size, status in ((MAX_BODY_BYTES, 201), (MAX_BODY_BYTES + 1, 413)):
        content = chunks(body(size)) if streamed else body(size)
        response = await api.admin.post("/api/v1/jobs", content=content, headers=HEADERS)
        assert response.status_code == status
    assert error_of(response, 413) == ("INVALID_MESSAGE", f"body: over {MAX_BODY_BYTES} bytes")
    assert response.headers["connection"] == "close"


async def test_no_answer_is_cached(api: Api) -> None:
    for path in ("/api/v1/jobs", "/health/live", "/metrics", "/openapi.json", "/api/v1/nothing"):
        response = await api.admin.get(path)
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_refused_host_is_logged_once_with_the_setting(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        response = await api.client().get("/health/live", headers={"Host": "other.example"})
        assert error_of(response, 421)[1].startswith("host: 'other.example' is not a name of this server; ")
    (warning,) = [record for record in caplog.records if "other.example" in record.getMessage()]
    assert warning.levelname == "WARNING"
    assert warning.getMessage().endswith("to allow it, add it to CASARE_ALLOWED_HOSTS")
