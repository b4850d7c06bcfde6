"""Lists of jobs by several values and by the end, in every order, and as CSV."""

import csv
import io

from api.conftest import Api, error_of


async def submitted(api: Api, number: int, **more: object) -> list[str]:
    return [(await api.post("/jobs", {"workflow_id": "w", **more}))["job_id"] for _ in range(number)]


async def listed(api: Api, **wanted: object) -> list[str]:
    return [job["job_id"] for job in (await api.get("/jobs", **wanted))["items"]]


async def test_list_takes_several_statuses_and_reasons(api: Api) -> None:
    first, second, third = await submitted(api, 3)
    await api.post(f"/jobs/{first}/cancel", status=200)
    assert await listed(api, status=["pending", "running"]) == [third, second]
    assert await listed(api, status=["pending", "failed"], reason=["cancelled", "error"]) == [first]
    assert await listed(api, status="failed") == [first], "one value needs no list"
    refused = await api.admin.get("/api/v1/jobs", params={"status": ["pending", "lost"]})
    assert "status" in error_of(refused, 422)[1]


async def test_list_by_end_has_the_last_ended_first_and_pages(api: Api) -> None:
    jobs = await submitted(api, 3)
    for job_id in (jobs[1], jobs[0]):
        await api.post(f"/jobs/{job_id}/cancel", status=200)
    assert await listed(api, sort="-finished") == [jobs[0], jobs[1]]
    assert await listed(api, sort="finished") == [jobs[1], jobs[0]]
    assert await listed(api, sort="created") == jobs
    first = await api.get("/jobs", sort="-finished", limit=1)
    rest = await api.get("/jobs", sort="-finished", limit=1, cursor=first["next_cursor"])
    assert [job["job_id"] for job in (*first["items"], *rest["items"])] == [jobs[0], jobs[1]]
    ended_at = (await api.get(f"/jobs/{jobs[1]}"))["finished_at"]
    assert await listed(api, finished_to=ended_at) == []
    assert await listed(api, finished_from=ended_at, limit=9) == [jobs[0], jobs[1]]
    assert (await api.get("/jobs/count", finished_from=ended_at))["matching"] == 2


async def test_list_by_end_cannot_be_sorted_by_the_submit(api: Api) -> None:
    refused = await api.admin.get("/api/v1/jobs", params={"finished_from": "2026-03-02T08:15:00Z", "sort": "-created"})
    assert error_of(refused, 422)[1].startswith("sort: ")


async def test_csv_has_all_matching_jobs_and_no_formula(api: Api) -> None:
    jobs = await submitted(api, 2, workflow_id='=HYPERLINK("x")')
    await submitted(api, 1)
    await api.post(f"/jobs/{jobs[0]}/cancel", status=200)
    response = await api.admin.get("/api/v1/jobs/export", params={"q": "=HYPER", "sort": "created"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["job_id"] for row in rows] == jobs
    assert [row["workflow_id"] for row in rows] == ['\'=HYPERLINK("x")'] * 2
    assert (rows[0]["status"], rows[0]["reason"], rows[1]["finished_at"]) == ("failed", "cancelled", "")


async def test_csv_has_the_range_and_the_order_of_the_list(api: Api) -> None:
    jobs = await submitted(api, 3)
    for job_id in reversed(jobs[:2]):
        await api.post(f"/jobs/{job_id}/cancel", status=200)
    ends = [(await api.get(f"/jobs/{job_id}"))["finished_at"] for job_id in jobs[:2]]
    for wanted in (
        {"sort": "finished"},
        {"sort": "-finished"},
        {"finished_from": min(ends)},
        {"finished_from": min(ends), "sort": "finished"},
        {"finished_to": min(ends)},
        {"to": "2020-01-01T00:00:00Z", "sort": "created"},
    ):
        response = await api.admin.get("/api/v1/jobs/export", params=wanted)
        rows = [row["job_id"] for row in csv.DictReader(io.StringIO(response.text))]
        assert rows == await listed(api, **wanted), wanted
    assert await listed(api, sort="finished") == [jobs[1], jobs[0]]


async def test_csv_is_read_page_by_page(api: Api) -> None:
    body = {"jobs": [{"workflow_id": "w"}] * 601}
    await api.post("/jobs/batch", body)
    response = await api.admin.get("/api/v1/jobs/export")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len({row["job_id"] for row in rows}) == len(rows) == 601


async def test_csv_with_a_refused_filter_is_an_error_response(api: Api) -> None:
    refused = await api.admin.get("/api/v1/jobs/export", params={"status": "lost"})
    assert error_of(refused, 422)[0] == "INVALID_MESSAGE"
