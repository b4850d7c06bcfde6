"""A submit that is read and answered without the framework's models has the same result as one with them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from api.conftest import ADMIN_SECRET, Api
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.job_views import JobItems, job_json, job_view, jobs_json
from casare_rpa.infrastructure.orchestrator.api.new_jobs import (
    MAX_BATCH_JOBS,
    MAX_PARAMETERS_BYTES,
    NewJob,
    NewJobs,
    read_submissions,
    submission_of,
)

WORKFLOW = {"workflow_id": "invoices"}
TEXTS = st.text(max_size=12) | st.sampled_from(["a", "é", "🤖" * 128, "a\n", "a\x00", "a\u202e", "", "x" * 129])
NUMBERS = st.integers(-2, 12) | st.sampled_from([2**31, 2**63, 2**64, 10**30, 1.0, 1.5, 1e300, True, None, "5"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {"workflow_id": TEXTS},
    optional={
        "tenant_id": TEXTS | st.none(),
        "parameters": st.dictionaries(TEXTS, VALUES, max_size=3) | VALUES,
        "priority": NUMBERS,
        "timeout_seconds": NUMBERS,
        "robot_id": TEXTS | st.none(),
        "tags": st.lists(TEXTS, max_size=3) | st.none() | st.just(["t"] * 65),
        "max_attempts": NUMBERS,
        "not_before": st.sampled_from([None, "2026-03-02T08:15:00Z", "soon", 5]),
        "queue": TEXTS,
        "queue_ttl_seconds": NUMBERS,
        "unknown": VALUES,
        "retry_of": TEXTS,
    },
)


def by_the_models(body: bytes, many: bool) -> list[NewSubmission] | None:
    """What the framework's route reads: the requests, or `None` for a refused body."""
    try:
        given = json.loads(body)
        news = NewJobs.model_validate(given).jobs if many else [NewJob.model_validate(given)]
        return [submission_of(new, "key") for new in news]
    except (ValueError, ValidationError):
        return None


def assert_the_same(body: bytes, *, many: bool = False) -> None:
    read = read_submissions(body, many, "key")
    assert read is None or read == by_the_models(body, many)


@given(BODIES, st.booleans())
def test_body_that_is_read_has_the_meaning_that_the_models_give_it(body: dict[str, Any], ascii_only: bool) -> None:
    try:
        text = json.dumps(body, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # a lone surrogate outside an escape is not UTF-8
        return
    assert_the_same(text)
    assert_the_same(b'{"jobs":[%b,%b]}' % (text, text), many=True)


@pytest.mark.parametrize(
    "body",
    [
        WORKFLOW,
        {
            **WORKFLOW,
            "parameters": {"invoice": "R-1042", "path": "C:\\data", "deep": [[{"a": 1.5e300}]]},
            "priority": 9,
        },
        {**WORKFLOW, "tags": ["sap", "sap", "eu"], "robot_id": "robot-1", "queue": "night", "not_before": None},
        {**WORKFLOW, "parameters": {"number": 10**400, "text": "é\u2028🤖"}, "queue_ttl_seconds": None},
    ],
)
def test_usual_body_is_read(body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    assert read_submissions(text, False, "key") == by_the_models(text, False)
    assert read_submissions(b'{"jobs":[%b]}' % text, True, "key") == by_the_models(text, False)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"workflow_id":"w","parameters":{"a":1e999}}',
        b'{"workflow_id":"w","parameters":{"a":NaN}}',
        b'{"workflow_id":"w","parameters":[]}',
        b'{"workflow_id":"w","parameters":{"a":"\\u0000"}}',
        b'{"workflow_id":"w","parameters":{"a":"\\ud800"}}',
        b'{"workflow_id":"w","parameters":{"a":"\xff"}}',
        b'{"workflow_id":"w","parameters":' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
        b'{"workflow_id":"w","parameters":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"workflow_id":"w","parameters":{"a":"' + b"x" * MAX_PARAMETERS_BYTES + b'"}}',
        b'{"workflow_id":"w","tenant_id":"t\\n"}',
        b'{"workflow_id":"w","not_before":"2026-03-02T08:15:00Z"}',
        '{"workflow_id":"w"}'.encode("utf-16"),
    ],
)
def test_unusual_or_wrong_body_is_left_to_the_models(text: bytes) -> None:
    assert read_submissions(text, False, None) is None


def test_batch_has_at_least_one_job_and_not_too_many() -> None:
    job = b'{"workflow_id":"w"}'
    for number, taken in ((0, False), (1, True), (MAX_BATCH_JOBS, True), (MAX_BATCH_JOBS + 1, False)):
        read = read_submissions(b'{"jobs":[' + b",".join([job] * number) + b"]}", True, None)
        assert (read is not None) is taken


def test_last_of_equal_keys_counts_as_for_the_models() -> None:
    assert_the_same(b'{"workflow_id":"w","workflow_id":"v","parameters":{"a":1,"a":2}}')


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "status": JobStatus.RUNNING,
            "robot_id": "robot-1",
            "progress": 45.0,
            "started_at": Instant(1_772_439_304_120_000),
        },
        {"status": JobStatus.RUNNING, "robot_id": "robot-1", "progress": 45.25, "contact_lost_at": Instant(5)},
        {
            "status": JobStatus.FAILED,
            "reason": Reason.CANCELLED,
            "finished_at": Instant(1_772_439_304_120_000),
            "cancel_requested_at": Instant(1_772_439_304_000_000),
            "cancel_requested_by": "ana",
            "cancel_reason": "wrong\nmonth",
            "error": '{"message":"é","type":"business"}',
        },
        {"status": JobStatus.COMPLETED, "result": '[1.5,{"a":null}]', "finished_at": Instant(6), "tags": ("a", "b")},
    ],
)
def test_json_of_a_job_is_that_of_its_view(changes: dict[str, Any]) -> None:
    job = replace(
        Job(workflow_id="w", tenant_id="t", job_id="job-1", submitted_at=Instant(1_772_439_304_000_000)), **changes
    )
    shown = json.loads(job_view(job).model_dump_json())
    assert json.loads(job_json(job)) == shown
    assert list(json.loads(job_json(job))) == list(shown)
    assert json.loads(b'{"items":%b}' % jobs_json([job, job])) == json.loads(
        JobItems(items=[job_view(job), job_view(job)]).model_dump_json()
    )


@pytest.mark.parametrize("kind", ["application/json", "application/JSON; charset=utf-8", "application/vnd.api+json"])
async def test_answer_is_the_same_with_each_type_of_json(api: Api, kind: str) -> None:
    response = await api.admin.post("/api/v1/jobs", content=b'{"workflow_id":"w"}', headers={"Content-Type": kind})
    assert response.status_code == 201
    job = response.json()
    assert response.headers["Location"] == f"/api/v1/jobs/{job['job_id']}"
    assert (await api.get(f"/jobs/{job['job_id']}"))["job_id"] == job["job_id"]


async def test_idempotency_key_counts_for_a_job_and_a_batch(api: Api) -> None:
    for path, body in (("/jobs", WORKFLOW), ("/jobs/batch", {"jobs": [WORKFLOW, WORKFLOW]})):
        headers = {"Idempotency-Key": f"once{len(path)}"}
        first = await api.post(path, body, headers=headers)
        assert await api.post(path, body, headers=headers) == first


@pytest.mark.parametrize("key", ["", "x" * 300, "a\x7fb"])
async def test_wrong_idempotency_key_is_refused(api: Api, key: str) -> None:
    response = await api.admin.post("/api/v1/jobs", json=WORKFLOW, headers={"Idempotency-Key": key})
    assert response.status_code == 422
    assert "idempotency-key" in response.text


async def test_client_that_leaves_in_its_body_causes_no_error_of_the_server(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"host", b"127.0.0.1"),
        (b"x-api-secret", ADMIN_SECRET.encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"100"),
    ]
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/jobs", "raw_path": b"/api/v1/jobs", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 80), "scheme": "http",
        "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await api.app(scope, receive, send)
    assert sent[0]["status"] == 422
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
