"""POST /api/v1/robots/bulk, the filters of GET /api/v1/robots, and the names."""

from typing import Any

import pytest

from api.conftest import Api, error_of

ROBOTS: dict[str, dict[str, Any]] = {
    "desk-1": {"name": "Büro 1", "tags": ["sap", "windows"]},
    "desk-2": {"name": "", "tags": ["sap"]},
    "web-1": {"name": "Portal", "tags": ["web"]},
}


async def prepare(api: Api) -> None:
    for robot_id, more in ROBOTS.items():
        await api.post("/robots", {"robot_id": robot_id, **more})


async def drained(api: Api) -> list[str]:
    return [robot["robot_id"] for robot in (await api.get("/robots"))["items"] if robot["draining"] is not None]


async def test_robots_by_id_are_drained_once_with_an_entry_each(api: Api) -> None:
    await prepare(api)
    order = {"action": "drain", "robot_ids": ["desk-1", "nobody", "web-1", "desk-1"], "reason": "patch day"}
    refused = {"robot_id": "nobody", "code": "INVALID_MESSAGE", "message": "there is no robot 'nobody'"}
    expected = {"matched": 3, "robot_ids": ["desk-1", "web-1"], "unchanged": 0, "refused": [refused]}
    assert await api.post("/robots/bulk", order, 200) == expected
    assert await drained(api) == ["desk-1", "web-1"]
    again = await api.post("/robots/bulk", order, 200)
    assert again == {"matched": 3, "robot_ids": [], "unchanged": 2, "refused": [refused]}
    entries = [one for one in (await api.get("/audit"))["items"] if one["action"] == "drain_robot"]
    assert sorted((one["target"], one["note"]) for one in entries) == [("desk-1", "patch day"), ("web-1", "patch day")]


async def test_robots_are_resumed_and_others_are_left_as_they_are(api: Api) -> None:
    await prepare(api)
    await api.post("/robots/bulk", {"action": "drain", "robot_ids": ["desk-1", "desk-2"]}, 200)
    resumed = await api.post("/robots/bulk", {"action": "resume", "robot_ids": ["desk-2", "web-1"]}, 200)
    assert resumed == {"matched": 2, "robot_ids": ["desk-2"], "unchanged": 1, "refused": []}
    assert await drained(api) == ["desk-1"]


async def test_restart_that_is_repeated_is_one_restart(api: Api) -> None:
    await prepare(api)
    order = {"action": "restart", "robot_ids": ["desk-1"]}
    for _ in range(2):
        assert (await api.post("/robots/bulk", order, 200))["robot_ids"] == ["desk-1"]
    ids = {(await api.plane.store.robot("desk-1")).restart_command_id}  # type: ignore[union-attr]
    await api.post("/robots/desk-1/restart", status=200)
    ids.add((await api.plane.store.robot("desk-1")).restart_command_id)  # type: ignore[union-attr]
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "stop", "robot_ids": []}, "action"),
        ({"action": "drain", "robot_ids": ["a"], "filter": {"tag": ["sap"]}}, "filter"),
        ({"action": "drain", "robot_ids": ["a/b"]}, "robot_ids"),
        ({"action": "drain", "robot_ids": ["a"] * 1001}, "robot_ids"),
        ({"action": "drain"}, "robot_ids"),
    ],
)
async def test_invalid_order_is_refused_and_changes_no_robot(api: Api, body: dict[str, Any], field: str) -> None:
    await prepare(api)
    assert field in error_of(await api.admin.post("/api/v1/robots/bulk", json=body), 422)[1]
    assert await drained(api) == []


async def test_robot_may_not_order_robots(api: Api) -> None:
    robot = await api.robot("alpha")
    order = {"action": "drain", "robot_ids": ["alpha"]}
    assert error_of(await robot.post("/api/v1/robots/bulk", json=order), 403)[0] == "AUTH_FAILED"
    assert error_of(await robot.get("/api/v1/robots/names"), 403)[0] == "AUTH_FAILED"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["desk-1", "desk-2", "web-1"]),
        ({"tag": ["sap", "windows"]}, ["desk-1"]),
        ({"q": "BÜRO"}, ["desk-1"]),
        ({"q": "eb"}, ["web-1"]),
        ({"state": ["idle", "busy"]}, []),
        ({"state": ["offline", "draining"], "q": "desk"}, ["desk-1", "desk-2"]),
    ],
)
async def test_list_is_filtered(api: Api, filters: dict[str, Any], expected: list[str]) -> None:
    await prepare(api)
    listed = await api.admin.get("/api/v1/robots", params=filters)
    assert [robot["robot_id"] for robot in listed.json()["items"]] == expected


async def test_names_are_listed_by_id_without_empty_ones(api: Api) -> None:
    await prepare(api)
    assert await api.get("/robots/names") == {"names": {"desk-1": "Büro 1", "web-1": "Portal"}}


async def test_heartbeats_are_listed_for_the_named_robots(api: Api) -> None:
    await prepare(api)
    named = await api.get("/robots/beats", robot_id=["web-1", "nobody", "desk-2", "web-1"])
    assert named == {"items": [{"robot_id": "web-1", "beats": []}, {"robot_id": "desk-2", "beats": []}]}
    error_of(await api.admin.get("/api/v1/robots/beats", params={"robot_id": ["a"] * 101}), 422)


async def test_figures_count_each_robot_of_the_list_once(api: Api) -> None:
    await prepare(api)
    figures = (await api.get("/overview"))["robots"]
    assert figures == {"idle": 0, "busy": 0, "draining": 0, "offline": 3}
    for state, number in figures.items():
        assert len((await api.get("/robots", state=state))["items"]) == number


async def test_null_slots_are_the_value_of_the_robot_and_omitted_ones_stay(api: Api) -> None:
    await api.post("/robots", {"robot_id": "alpha", "max_concurrent_jobs": 3, "tags": ["sap", "web"]})
    for change, slots in (({"name": "A"}, 3), ({"max_concurrent_jobs": None}, None), ({"max_concurrent_jobs": 2}, 2)):
        response = await api.admin.patch("/api/v1/robots/alpha", json=change)
        assert response.json()["max_concurrent_jobs"] == slots
    changed = await api.admin.patch("/api/v1/robots/alpha", json={"add_tags": ["pdf"], "remove_tags": ["web", "none"]})
    assert changed.json()["tags"] == ["pdf", "sap"]
