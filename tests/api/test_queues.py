"""Queues over HTTP, and the commands to robots with user, time and reason."""

import pytest

from api.conftest import Api, error_of


async def test_default_queue_always_exists(api: Api) -> None:
    queue = {"queue": "default", "pending": 0, "paused": None, "created_at": None, "created_by": None}
    assert await api.get("/queues") == {"items": [queue], "all_paused": None}


async def test_queue_is_created_once_and_counts_its_own_jobs(api: Api) -> None:
    made = await api.post("/queues", {"queue": "payroll"})
    assert (made["queue"], made["pending"], made["created_by"]) == ("payroll", 0, "admin")
    for body in ({"queue": "payroll"}, {"queue": "default"}):
        response = await api.admin.post("/api/v1/queues", json=body)
        assert error_of(response, 409)[1].startswith("queue: ")
    job = await api.post("/jobs", {"workflow_id": "w", "queue": "payroll"})
    assert job["queue"] == "payroll"
    assert [(q["queue"], q["pending"]) for q in (await api.get("/queues"))["items"]] == [("default", 0), ("payroll", 1)]
    assert [j["job_id"] for j in (await api.get("/jobs", queue="payroll"))["items"]] == [job["job_id"]]
    assert (await api.get("/jobs", queue="default"))["items"] == []


async def test_job_for_an_unknown_queue_is_refused(api: Api) -> None:
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w", "queue": "nope"})
    assert error_of(response, 404)[1].startswith("queue: ")


@pytest.mark.parametrize("queue", ["default", "*"])
async def test_pause_records_user_time_and_reason_of_the_first_command(api: Api, queue: str) -> None:
    await api.post(f"/queues/{queue}/pause", {"reason": "month end"}, 200)
    paused = await api.post(f"/queues/{queue}/pause", {"reason": "again"}, 200)
    shown = paused["all_paused"] if queue == "*" else paused["items"][0]["paused"]
    assert (shown["by"], shown["reason"]) == ("admin", "month end")
    resumed = await api.post(f"/queues/{queue}/resume", None, 200)
    assert (resumed["all_paused"], resumed["items"][0]["paused"]) == (None, None)


async def test_unknown_queue_cannot_be_paused(api: Api) -> None:
    response = await api.admin.post("/api/v1/queues/nope/pause")
    assert error_of(response, 404)[1] == "queue: there is no queue 'nope'; existing queues: default, or * for all"


async def test_robot_is_drained_and_resumed(api: Api) -> None:
    await api.robot("alpha")
    drained = await api.post("/robots/alpha/drain", {"reason": "patch day"}, 200)
    assert (drained["draining"]["by"], drained["draining"]["reason"]) == ("admin", "patch day")
    assert await api.get("/robots/alpha") == drained
    assert (await api.post("/robots/alpha/resume", None, 200))["draining"] is None
    assert (await api.post("/robots/alpha/restart", None, 200))["robot_id"] == "alpha"


@pytest.mark.parametrize("order", ["drain", "resume", "restart"])
async def test_commands_to_an_unknown_robot_are_not_found(api: Api, order: str) -> None:
    response = await api.admin.post(f"/api/v1/robots/nobody/{order}")
    assert error_of(response, 404)[1].startswith("robot_id: ")


async def test_pending_job_has_reasons_position_and_matching_robots(api: Api) -> None:
    await api.robot("alpha")
    first = await api.post("/jobs", {"workflow_id": "w"})
    second = await api.post("/jobs", {"workflow_id": "w", "queue_ttl_seconds": 60})
    assert second["queue_ttl_seconds"] == 60
    shown = await api.get(f"/jobs/{second['job_id']}")
    assert shown["queue_position"] == 2
    assert shown["fitting_robots"] == [{"robot_id": "alpha", "availability": "offline"}]
    assert [reason["code"] for reason in shown["pending_reasons"]] == ["robots_unavailable", "jobs_ahead"]
    await api.post(f"/jobs/{first['job_id']}/cancel", None, 200)
    ended = await api.get(f"/jobs/{first['job_id']}")
    assert (ended["pending_reasons"], ended["queue_position"], ended["fitting_robots"]) == (None, None, None)
