"""Cancels and retries of many jobs in one request."""

import asyncio
from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.instants import rfc3339
from casare_rpa.infrastructure.orchestrator.api.routers.bulk import MOST, BulkFilter
from casare_rpa.infrastructure.orchestrator.storage.cold.job_filters import PREFIXED_WORKFLOWS

BULK = "/jobs/bulk"


async def submitted(api: Api, number: int, **more: Any) -> list[str]:
    return [(await api.post("/jobs", {"workflow_id": "w", **more}))["job_id"] for _ in range(number)]


def told(done: Any) -> tuple[Any, ...]:
    return done["matched"], done["done"], done["refused"], done["more"]


async def order(api: Api, **body: Any) -> Any:
    response = await api.admin.post(f"/api/v1{BULK}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_cancel_by_ids_affects_only_these_jobs(api: Api) -> None:
    first, second, third = await submitted(api, 3)
    done = await order(api, action="cancel", job_ids=[first, second, "job-unknown"], reason="wrong month")
    assert told(done) == (3, 2, 1, False)
    assert (await api.get(f"/jobs/{first}"))["reason"] == "cancelled"
    assert (await api.get(f"/jobs/{third}"))["status"] == "pending"
    again = await order(api, action="cancel", job_ids=[first])
    assert told(again) == (1, 0, 1, False)
    (entry,) = (await api.get("/audit", action="cancel_jobs"))["items"]  # no entry for the call that changed nothing
    assert (entry["by"], entry["note"]) == ("admin", "2 of 3 jobs: wrong month")


async def test_cancel_by_filter_affects_matching_jobs(api: Api) -> None:
    await submitted(api, 3, priority=7)
    await api.post("/queues", {"queue": "payroll"})
    await submitted(api, 2, queue="payroll")
    done = await order(api, action="cancel", filter={"queue": "payroll"})
    assert told(done) == (2, 2, 0, False)
    assert (await order(api, action="cancel", filter={"queue": "payroll"}))["matched"] == 0
    assert (await api.get("/jobs/count", status="pending"))["matching"] == 3


async def test_null_in_a_filter_matches_any_value(api: Api) -> None:
    await submitted(api, 2)
    nothing = dict.fromkeys(BulkFilter.model_json_schema()["properties"])
    assert len(nothing) > 10
    done = await order(api, action="cancel", filter={**nothing, "q": "w"})
    assert told(done) == (2, 2, 0, False)


async def test_retry_of_failed_jobs_creates_one_job_for_each(api: Api) -> None:
    jobs = await submitted(api, 3)
    await order(api, action="cancel", job_ids=jobs)
    done = await order(api, action="retry", filter={"reason": "cancelled"})
    assert told(done) == (3, 3, 0, False)
    assert (await order(api, action="retry", filter={"reason": "cancelled"}))["matched"] == 0
    again = (await api.get("/jobs", status="pending"))["items"]
    assert {job["retry_of"] for job in again} == set(jobs)


async def test_retry_of_a_job_that_has_not_ended_is_refused_and_counted(api: Api) -> None:
    (job,) = await submitted(api, 1)
    assert told(await order(api, action="retry", job_ids=[job])) == (1, 0, 1, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "cancel"}, "job_ids"),
        ({"action": "explode", "job_ids": []}, "action"),
        ({"action": "cancel", "filter": {"status": "odd"}}, "status"),
        ({"action": "cancel", "job_ids": ["x"] * 1001}, "job_ids"),
        ({"action": "cancel", "filter": {}, "dry_run": 0}, "dry_run"),
    ],
)
async def test_invalid_bulk_command_is_refused_with_the_field(api: Api, body: Any, field: str) -> None:
    code, sentence = error_of(await api.admin.post(f"/api/v1{BULK}", json=body), 422)
    assert (code, field in sentence) == ("INVALID_MESSAGE", True), sentence


async def test_job_listed_twice_is_retried_once(api: Api) -> None:
    (job,) = await submitted(api, 1)
    await order(api, action="cancel", job_ids=[job])
    done = await order(api, action="retry", job_ids=[job, job])
    assert (done["matched"], done["done"], done["refused"], done["more"]) == (1, 1, 0, False)
    assert (await api.get("/jobs/count"))["total"] == 2


async def test_unknown_filter_cancels_nothing(api: Api) -> None:
    (job,) = await submitted(api, 1)
    body = {"action": "cancel", "filter": {"quue": "payroll"}}
    sentence = error_of(await api.admin.post(f"/api/v1{BULK}", json=body), 422)[1]
    assert "filter.quue" in sentence
    assert (await api.get(f"/jobs/{job}"))["status"] == "pending"


async def batch(api: Api, number: int) -> None:
    """Submits this many jobs at once."""
    await api.post("/jobs/batch", {"jobs": [{"workflow_id": "w"}] * number})


async def test_cancel_by_filter_continues_until_no_job_matches(api: Api) -> None:
    for number in (MOST, MOST, 1):
        await batch(api, number)
    answers = [await order(api, action="cancel", filter={"workflow_id": "w"}) for _ in range(3)]
    assert [(one["done"], one["more"]) for one in answers] == [(MOST, True), (MOST, True), (1, False)]
    assert await api.get("/jobs/count", status="pending") == {"matching": 0, "total": 2 * MOST + 1, "capped": False}


async def test_offered_and_waiting_jobs_of_a_queue_are_cancelled_together(api: Api) -> None:
    await api.robot("alpha")
    offered = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(offered, "alpha")
    (waits,) = await submitted(api, 1)
    done = await order(api, action="cancel", filter={"queue": "default"})
    assert (done["matched"], done["done"], done["more"]) == (2, 2, False)
    assert (await order(api, action="cancel", filter={"queue": "default"}))["matched"] == 0
    assert (await api.get(f"/jobs/{waits}"))["status"] == "failed"


async def test_retry_with_an_end_time_excludes_its_own_jobs(api: Api) -> None:
    jobs = await submitted(api, 2)
    await order(api, action="cancel", job_ids=jobs)
    asked = {"reason": "cancelled", "to": rfc3339(api.plane.clock.now())}
    assert (await order(api, action="retry", filter=asked))["done"] == 2
    made = [job["job_id"] for job in (await api.get("/jobs", status="pending"))["items"]]
    await order(api, action="cancel", job_ids=made)
    assert (await order(api, action="retry", filter=asked))["matched"] == 0
    assert (await order(api, action="retry", filter={"reason": "cancelled"}))["matched"] == 2


async def test_concurrent_retries_of_a_filter_create_each_job_once(api: Api) -> None:
    jobs = await submitted(api, 3)
    await order(api, action="cancel", job_ids=jobs)
    await asyncio.gather(*(order(api, action="retry", filter={"reason": "cancelled"}) for _ in range(2)))
    assert (await api.get("/jobs/count", status="pending"))["matching"] == 3


async def test_retry_without_an_end_time_ends(api: Api) -> None:
    for number in (MOST, 1):
        await batch(api, number)
        await order(api, action="cancel", filter={"status": "pending"})
    first = await order(api, action="retry", filter={"reason": "cancelled"})
    await order(api, action="cancel", filter={"status": "pending"})
    last = await order(api, action="retry", filter={"reason": "cancelled", "to": first["at"]})
    assert (first["done"], first["more"], last["done"], last["more"]) == (MOST, True, 1, False)


async def test_ids_and_a_filter_together_are_refused(api: Api) -> None:
    body = {"action": "cancel", "job_ids": [], "filter": {}}
    error_of(await api.admin.post(f"/api/v1{BULK}", json=body), 422)


async def test_bulk_command_with_a_prefix_reaches_all_matching_workflows(api: Api) -> None:
    jobs = [{"workflow_id": f"w-{number:02}"} for number in range(PREFIXED_WORKFLOWS + 2)]
    await api.post("/jobs/batch", {"jobs": jobs})
    await api.post("/jobs", {"workflow_id": "x"})
    assert (await api.get("/jobs/count", q="w-"))["matching"] == len(jobs)
    assert len((await api.get("/jobs", q="w-", limit=100))["items"]) == len(jobs)
    assert (await order(api, action="cancel", filter={"q": "w-"}))["done"] == len(jobs)
    assert (await api.get("/jobs/count", status="pending"))["matching"] == 1


async def test_dry_run_counts_exactly_the_jobs_that_the_command_takes(api: Api) -> None:
    jobs = await submitted(api, 3)
    await order(api, action="cancel", job_ids=jobs[:1])
    counted = await order(api, action="cancel", filter={}, dry_run=True)
    assert told(counted) == (2, 0, 0, False)
    assert (await api.get("/jobs/count", status="pending"))["matching"] == 2, "nothing was cancelled"
    assert told(await order(api, action="retry", filter={"status": ["failed", "completed"]}, dry_run=True)) == (
        1,
        0,
        0,
        False,
    )
    limited = await order(api, action="cancel", filter={"to": counted["at"]}, limit=1)
    assert told(limited) == (1, 1, 0, True)


async def test_retry_by_ids_that_is_repeated_with_its_key_adds_no_further_job(api: Api) -> None:
    jobs = await submitted(api, 2)
    await order(api, action="cancel", job_ids=jobs)
    body = {"action": "retry", "job_ids": jobs}
    for key, expected in (("one", 2), ("one", 2), ("two", 4)):
        response = await api.admin.post(f"/api/v1{BULK}", json=body, headers={"Idempotency-Key": key})
        assert response.json()["done"] == 2
        assert (await api.get("/jobs/count", status="pending"))["matching"] == expected
