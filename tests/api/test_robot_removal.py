"""DELETE /api/v1/robots/{robot_id}."""

from api.conftest import Api, error_of


async def test_removed_robot_is_gone_with_its_key(api: Api) -> None:
    robot = await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w", "robot_id": "alpha"})
    assert (await api.admin.delete("/api/v1/robots/alpha")).status_code == 204
    assert error_of(await robot.get("/api/v1/robots/alpha"), 401)[0] == "AUTH_FAILED"
    assert error_of(await api.admin.get("/api/v1/robots/alpha"), 404)[0] == "INVALID_MESSAGE"
    assert error_of(await api.admin.delete("/api/v1/robots/alpha"), 404)[0] == "INVALID_MESSAGE"
    assert (await api.get("/robots"))["items"] == []
    assert (await api.get(f"/jobs/{job['job_id']}"))["status"] == "pending"


async def test_robot_cannot_remove_a_robot(api: Api) -> None:
    robot = await api.robot("alpha")
    assert error_of(await robot.delete("/api/v1/robots/alpha"), 403)[0] == "AUTH_FAILED"
    assert (await api.get("/robots/alpha"))["robot_id"] == "alpha"


async def test_robot_can_be_added_again_without_its_old_key(api: Api) -> None:
    old = await api.robot("alpha")
    await api.admin.delete("/api/v1/robots/alpha")
    new = await api.robot("alpha")
    assert error_of(await old.get("/api/v1/robots/alpha"), 401)[0] == "AUTH_FAILED"
    assert (await new.get("/api/v1/robots/alpha")).status_code == 200
