"""The queries of the dashboard about the fleet and its jobs."""

from api.conftest import Api, error_of
from casare_rpa import __version__


async def test_lists_are_filtered_and_counted(api: Api) -> None:
    for name in ("invoices", "invoices-eu", "archive"):
        await api.post("/jobs", {"workflow_id": name})
    jobs = (await api.get("/jobs"))["items"]
    by_name = await api.get("/jobs", q="invoices")
    assert [job["workflow_id"] for job in by_name["items"]] == ["invoices-eu", "invoices"]
    assert [job["job_id"] for job in (await api.get("/jobs", q=jobs[0]["job_id"]))["items"]] == [jobs[0]["job_id"]]
    assert len((await api.get("/jobs", q="job-"))["items"]) == 3
    assert await api.get("/jobs/count", q="invoices") == {"matching": 2, "total": 3, "capped": False}
    assert await api.get("/jobs/count", status="failed") == {"matching": 0, "total": 3, "capped": False}
    since = jobs[0]["created_at"]
    assert len((await api.get("/jobs", **{"from": since}))["items"]) >= 1
    assert (await api.get("/jobs", to="2020-01-01T00:00:00Z"))["items"] == []
    names = [one["workflow_id"] for one in (await api.get("/workflows"))["items"]]
    assert names == ["archive", "invoices", "invoices-eu"]


async def test_pages_of_a_prefix_are_complete(api: Api) -> None:
    for number in range(7):
        await api.post("/jobs", {"workflow_id": f"w-{number % 3}"})
    seen: list[str] = []
    cursor = None
    while True:
        page = await api.get("/jobs", q="w-", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [job["job_id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)


async def test_overview_of_an_empty_instance_has_no_problems(api: Api) -> None:
    overview = await api.get("/overview", minutes=60)
    assert overview["server_version"] == __version__
    assert overview["robots"] == {"idle": 0, "busy": 0, "offline": 0, "draining": 0}
    assert overview["oldest_pending"] is None
    assert len(overview["throughput"]["points"]) == 60
    assert overview["attention"] == []
    failures = await api.get("/failures")
    assert (failures["items"], failures["scanned"], failures["capped"]) == ([], 0, False)
    assert (failures["muted_groups"], failures["muted_failures"]) == (0, 0)


async def test_overview_lists_the_problems(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "payroll", "tags": ["nobody-has-this"]})
    await api.post("/queues/default/pause", {"reason": "month end"}, status=200)
    overview = await api.get("/overview")
    assert overview["queue"]["pending"] == 1
    assert overview["oldest_pending"]["job_id"] == job["job_id"]
    assert [(one["kind"], one["target"]) for one in overview["attention"]] == [
        ("no_robot", job["job_id"]),
        ("queue_paused", "default"),
    ]
    assert overview["attention"][1]["message"] == "queue default paused by admin: month end"


async def test_throughput_counts_ends_without_cancelled_jobs(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.post(f"/jobs/{job['job_id']}/cancel", status=200)
    overview = await api.get("/overview", minutes=5)
    assert sum(point["failed"] for point in overview["throughput"]["points"]) == 0
    assert (await api.get("/failures"))["items"] == []


async def test_changed_robot_can_run_a_waiting_job(api: Api) -> None:
    await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w", "tags": ["sap"]})
    assert (await api.get(f"/jobs/{job['job_id']}"))["fitting_robots"] == []
    response = await api.admin.patch("/api/v1/robots/alpha", json={"tags": ["sap", "excel", "sap"], "name": "Desk"})
    assert response.status_code == 200
    assert (response.json()["tags"], response.json()["name"]) == (["excel", "sap"], "Desk")
    assert await api.get("/robots/alpha") == response.json()
    (fitting,) = (await api.get(f"/jobs/{job['job_id']}"))["fitting_robots"]
    assert fitting["robot_id"] == "alpha"
    assert error_of(await api.admin.patch("/api/v1/robots/nobody", json={}), 404)[0] == "INVALID_MESSAGE"


async def test_audit_lists_commands_with_user_and_reason(api: Api) -> None:
    await api.robot("alpha")
    await api.post("/robots/alpha/drain", {"reason": "update"}, status=200)
    await api.post("/queues/default/pause", {"reason": "month end"}, status=200)
    (drain,) = [one for one in (await api.get("/audit", target="alpha"))["items"] if one["action"] == "drain_robot"]
    assert (drain["by"], drain["note"]) == ("admin", "update")
    queues = await api.get("/audit", action=["pause_queue", "resume_queue"])
    assert [one["target"] for one in queues["items"]] == ["default"]
    first = await api.get("/audit", limit=1)
    assert len(first["items"]) == 1
    second = await api.get("/audit", limit=1, cursor=first["next_cursor"])
    assert second["items"][0]["audit_id"] < first["items"][0]["audit_id"]


async def test_queue_depths_are_sampled_every_minute(api: Api) -> None:
    await api.post("/jobs", {"workflow_id": "w"})
    await api.plane.queue_sampler.sample()
    await api.plane.queue_sampler.sample()
    history = await api.get("/queues/history", minutes=5)
    (default,) = history["queues"]
    assert default["queue"] == "default"
    assert default["points"][-1]["pending"] == 1
    assert default["points"][-1]["oldest_wait_seconds"] is not None


async def test_robot_that_never_connected_has_no_heartbeats(api: Api) -> None:
    await api.robot("alpha")
    assert await api.get("/robots/alpha/beats") == {"beats": []}
    assert await api.get("/robots/beats") == {"items": []}


async def test_log_of_a_job_is_downloaded_as_text(api: Api) -> None:
    job = await api.post("/jobs", {"workflow_id": "w"})
    response = await api.admin.get(f"/api/v1/jobs/{job['job_id']}/logs/download")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="{job["job_id"]}.log"'
    assert response.text == ""
