"""Robots and their keys over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.credentials import key_id_of
from casare_rpa.domain.protocol import Heartbeat
from casare_rpa.domain.vocabulary import RobotStatus
from hub.fake_peer import FakePeer

FIELDS = {
    "robot_id", "name", "tenant_id", "tags", "max_concurrent_jobs", "status", "current_job", "cpu_percent", "memory_mb",
    "last_heartbeat_at", "last_seen_at", "created_at", "draining",
    "clock_skew_seconds",
    "connected_at",
    "version",
    "capabilities",
    "workflows",
    "tags_not_allowed",
}  # fmt: skip


async def test_new_robot_is_offline_with_the_requested_values(api: Api) -> None:
    asked = {"robot_id": "alpha-07", "name": "Büro 7", "tags": ["windows", "excel"], "max_concurrent_jobs": 2}
    robot = await api.post("/robots", asked)
    assert set(robot) == FIELDS
    assert {name: robot[name] for name in asked} == {**asked, "tags": ["excel", "windows"]}
    assert (robot["status"], robot["tenant_id"], robot["current_job"]) == ("offline", "default", None)
    assert (robot["cpu_percent"], robot["memory_mb"], robot["last_heartbeat_at"]) == (0, 0, None)
    assert await api.get("/robots/alpha-07") == robot
    assert await api.get("/robots") == {"items": [robot]}


async def test_existing_robot_is_a_conflict(api: Api) -> None:
    await api.robot("alpha")
    response = await api.admin.post("/api/v1/robots", json={"robot_id": "alpha"})
    assert error_of(response, 409) == ("INVALID_MESSAGE", "robot_id: the robot 'alpha' exists already")


async def test_new_robot_needs_a_known_tenant(api: Api) -> None:
    response = await api.admin.post("/api/v1/robots", json={"robot_id": "alpha", "tenant_id": "nobody"})
    assert error_of(response, 404)[1].startswith("tenant_id: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("robot_id", "a/b"),
        ("robot_id", ""),
        ("robot_id", "x" * 129),
        ("robot_id", "a\n"),
        ("robot_id", None),
        ("name", "a\x00b"),
        ("name", "x" * 257),
        ("tags", ["a b"]),
        ("max_concurrent_jobs", 0),
        ("max_concurrent_jobs", 1001),
    ],
)
async def test_invalid_robot_is_refused_with_the_field(api: Api, field: str, value: Any) -> None:
    response = await api.admin.post("/api/v1/robots", json={"robot_id": "alpha", field: value})
    assert error_of(response, 422)[1].startswith(field)


async def test_robots_are_listed_by_tenant(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    await api.robot("alpha")
    await api.robot("beta", "other")
    for wanted, expected in (({}, ["alpha", "beta"]), ({"tenant_id": "other"}, ["beta"]), ({"tenant_id": "x"}, [])):
        assert sorted(robot["robot_id"] for robot in (await api.get("/robots", **wanted))["items"]) == expected


async def test_unknown_robot_is_not_found(api: Api) -> None:
    for method, path in (("GET", ""), ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/abc")):
        response = await api.admin.request(method, f"/api/v1/robots/nobody{path}")
        assert error_of(response, 404)[0] == "INVALID_MESSAGE"


# Keys


async def test_key_is_shown_once_and_valid_for_its_robot(api: Api) -> None:
    await api.post("/robots", {"robot_id": "alpha"})
    key = await api.post("/robots/alpha/keys")
    assert set(key) == {"key_id", "api_key"}
    assert key_id_of(key["api_key"]) == key["key_id"]
    listed = await api.admin.get("/api/v1/robots/alpha/keys")
    (item,) = listed.json()["items"]
    assert set(item) == {"key_id", "created_at", "revoked_at"}
    assert (item["key_id"], item["revoked_at"]) == (key["key_id"], None)
    assert key["api_key"][20:40] not in listed.text
    robot = api.client({"X-API-Key": key["api_key"]})
    assert (await robot.get("/api/v1/robots/alpha")).status_code == 200


async def test_two_keys_are_valid_at_once_and_are_revoked_one_by_one(api: Api) -> None:
    await api.post("/robots", {"robot_id": "alpha"})
    first, second = [await api.post("/robots/alpha/keys") for _ in range(2)]
    response = await api.admin.delete(f"/api/v1/robots/alpha/keys/{first['key_id']}")
    assert (response.status_code, response.content) == (204, b"")
    old, new = (api.client({"X-API-Key": key["api_key"]}) for key in (first, second))
    assert error_of(await old.get("/api/v1/robots/alpha"), 401)[0] == "AUTH_FAILED"
    assert (await new.get("/api/v1/robots/alpha")).status_code == 200
    revoked = {item["key_id"]: item["revoked_at"] for item in (await api.get("/robots/alpha/keys"))["items"]}
    assert revoked[first["key_id"]] is not None
    assert revoked[second["key_id"]] is None


async def test_foreign_and_revoked_keys_are_not_found(api: Api) -> None:
    for robot_id in ("alpha", "beta"):
        await api.post("/robots", {"robot_id": robot_id})
    key = await api.post("/robots/alpha/keys")
    error_of(await api.admin.delete(f"/api/v1/robots/beta/keys/{key['key_id']}"), 404)
    assert (await api.admin.delete(f"/api/v1/robots/alpha/keys/{key['key_id']}")).status_code == 204
    error_of(await api.admin.delete(f"/api/v1/robots/alpha/keys/{key['key_id']}"), 404)


# Access


async def test_robot_can_read_only_itself(api: Api) -> None:
    alpha = await api.robot("alpha")
    await api.robot("beta")
    assert (await alpha.get("/api/v1/robots/alpha")).json()["robot_id"] == "alpha"
    for method, path in (
        ("GET", "/robots/beta"),
        ("GET", "/robots/nobody"),
        ("GET", "/robots"),
        ("GET", "/robots/alpha/keys"),
        ("POST", "/robots/alpha/keys"),
        ("DELETE", "/robots/alpha/keys/x"),
        ("GET", "/tenants"),
    ):
        assert error_of(await alpha.request(method, f"/api/v1{path}"), 403)[0] == "AUTH_FAILED"


async def test_robot_id_in_a_path_is_checked(api: Api) -> None:
    for robot_id in ("a%00", "%0a", "x" * 129, "a%20b"):
        error_of(await api.admin.get(f"/api/v1/robots/{robot_id}"), 422)


async def test_last_seen_of_a_connected_robot_is_not_before_its_last_heartbeat(api: Api) -> None:
    """All live fields have one owner, before and after the heartbeat is written to the store."""
    await api.robot("alpha")
    plane = api.plane
    robot = await plane.store.robot("alpha")
    assert robot is not None
    connection = await plane.presence.connect(FakePeer(plane.clock, robot_id="alpha").session, robot)
    for _ in range(3):
        connection.frame_unwritten = True
        heartbeat = Heartbeat(
            robot_id="alpha", status=RobotStatus.IDLE, cpu_percent=1, memory_mb=2, timestamp=datetime.now(UTC)
        )
        unfinished = plane.presence.record_heartbeat(connection, heartbeat)
        if unfinished is not None:
            await unfinished
        for shown in (await api.get("/robots/alpha"), (await api.get("/robots"))["items"][0]):
            assert shown["last_seen_at"] >= shown["last_heartbeat_at"]
        await plane.presence.write_heartbeats()
        (stored,) = [one for one in await plane.store.last_heartbeats() if one.robot_id == "alpha"]
        live = plane.fleet.get("alpha")
        assert live is not None
        assert (stored.last_seen_at, stored.last_heartbeat_at) == (live.last_seen_at, live.last_heartbeat_at)
