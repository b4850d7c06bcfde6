"""POST /api/v1/jobs/batch: all jobs or none, in the order sent."""

from typing import Any

import pytest

from api.conftest import Api, error_of, without_reasons
from casare_rpa.domain.robots import Profile
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.infrastructure.orchestrator.bus.events import JobsAdded

PATH = "/api/v1/jobs/batch"


def numbered(count: int, **wishes: Any) -> dict[str, Any]:
    return {"jobs": [{"workflow_id": f"w{number}", **wishes} for number in range(count)]}


async def listed(api: Api) -> list[str]:
    return [job["workflow_id"] for job in (await api.get("/jobs", limit=500))["items"]]


async def test_batch_creates_its_jobs_in_order(api: Api) -> None:
    await api.robot("alpha")
    jobs = [
        {"workflow_id": "a", "priority": 9, "parameters": {"x": 1}},
        {"workflow_id": "b", "robot_id": "alpha", "tags": ["sap"]},
        {"workflow_id": "a", "not_before": "2030-01-01T00:00:00Z", "max_attempts": 3},
    ]
    items = (await api.post("/jobs/batch", {"jobs": jobs}))["items"]
    assert [(job["workflow_id"], job["priority"], job["target_robot_id"]) for job in items] == [
        ("a", 9, None),
        ("b", 5, "alpha"),
        ("a", 5, None),
    ]
    for job in items:
        assert without_reasons(await api.get(f"/jobs/{job['job_id']}")) == job
        assert [entry["transition"] for entry in (await api.get(f"/jobs/{job['job_id']}/events"))["items"]] == ["T1"]


async def test_jobs_of_a_batch_are_queued_and_listed_in_order(api: Api) -> None:
    await api.post("/jobs/batch", numbered(50))
    assert await listed(api) == [f"w{number}" for number in reversed(range(50))]
    slot = Slot("alpha", "ses-test", Profile("default", frozenset()), free=50, capacity=50)
    offered = await api.plane.store.claim(Slots([slot]), api.plane.clock.now())
    assert [job.workflow_id for job in offered] == [f"w{number}" for number in range(len(offered))]
    assert offered


@pytest.mark.slow
async def test_batch_adds_a_thousand_jobs_in_one_commit(api: Api) -> None:
    before = api.statistics.commits
    items = (await api.post("/jobs/batch", numbered(1000)))["items"]
    assert len({job["job_id"] for job in items}) == 1000
    assert api.statistics.commits - before < 5  # regular work of the server may commit meanwhile
    counted = await api.client().get("/metrics")
    assert "casare_jobs_submitted_total 1000.0" in counted.text


async def test_viewers_get_each_job_of_a_batch(api: Api) -> None:
    told: list[str] = []

    def note(event: JobsAdded) -> None:
        told.extend(one.job.job_id for one in event.added)

    api.plane.events.subscribe(note)
    items = (await api.post("/jobs/batch", numbered(3), headers={"Idempotency-Key": "k"}))["items"]
    await api.post("/jobs/batch", numbered(3), headers={"Idempotency-Key": "k"})
    assert told == [job["job_id"] for job in items]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "jobs: "),
        ({"jobs": []}, "jobs: "),
        ({"jobs": {"workflow_id": "w"}}, "jobs: "),
        (numbered(1001), "jobs: "),
        ({"jobs": [*numbered(3)["jobs"], {"workflow_id": "w", "priority": 11}]}, "jobs.3.priority: "),
        ({"jobs": [*numbered(1)["jobs"], 7]}, "jobs.1: "),
        (
            numbered(1, parameters={"x": "y" * 2**18}),
            "jobs.0.parameters: ",
        ),
    ],
)
async def test_invalid_batch_is_refused_with_the_job_and_creates_none(api: Api, body: Any, field: str) -> None:
    assert error_of(await api.admin.post(PATH, json=body), 422)[1].startswith(field)
    assert await listed(api) == []


async def test_error_of_a_batch_lists_only_the_first_wrong_fields(api: Api) -> None:
    message = error_of(await api.admin.post(PATH, json=numbered(1000, priority=11)), 422)[1]
    assert message.startswith("jobs.0.priority: ")
    assert message.endswith("; and 980 more")


@pytest.mark.parametrize("wrong", [{"tenant_id": "nobody"}, {"robot_id": "nobody"}, {"robot_id": "theirs"}])
async def test_batch_is_refused_when_a_tenant_or_robot_is_unknown(api: Api, wrong: Any) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    await api.robot("theirs", "other")
    body = {"jobs": [*numbered(3)["jobs"], {"workflow_id": "w", **wrong}]}
    assert error_of(await api.admin.post(PATH, json=body), 404)[1].startswith(f"jobs.3.{next(iter(wrong))}: ")
    assert await listed(api) == []


async def test_batch_over_the_body_limit_is_refused(api: Api) -> None:
    body = numbered(8, parameters={"x": "y" * 150_000})
    assert error_of(await api.admin.post(PATH, json=body), 413)[1] == "body: over 1048576 bytes"


async def test_idempotency_key_is_for_the_whole_batch(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    header = {"Idempotency-Key": "march"}
    body = {"jobs": [*numbered(3)["jobs"], *numbered(2, tenant_id="other")["jobs"]]}
    first = await api.post("/jobs/batch", body, headers=header)
    assert await api.post("/jobs/batch", body, headers=header) == first
    for other in (numbered(2), numbered(4), numbered(1, tenant_id="other"), {"jobs": body["jobs"][::-1]}):
        response = await api.admin.post(PATH, json=other, headers=header)
        assert error_of(response, 409)[1].startswith("Idempotency-Key: ")
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "v"}, headers=header)
    assert error_of(response, 409)[1].startswith("Idempotency-Key: ")
    assert len(await listed(api)) == 5


async def test_robot_cannot_submit_a_batch(api: Api) -> None:
    assert error_of(await (await api.robot("alpha")).post(PATH, json=numbered(1)), 403)[0] == "AUTH_FAILED"
