"""Failure groups over HTTP: list, one group, note, owner, mute."""

from typing import Any

import pytest

from api.conftest import Api, error_of
from api.test_insight_filters import failed
from casare_rpa.domain.instants import after, rfc3339


async def group_of(api: Api, message: str = "row 1 is bad") -> str:
    """The fingerprint of a new failure."""
    job_id = await failed(api, "w", message)
    fingerprint: str = (await api.get(f"/jobs/{job_id}"))["fingerprint"]
    return fingerprint


async def test_group_has_its_trend_robots_and_first_failure(api: Api) -> None:
    await api.robot("alpha")
    first = await group_of(api, "row 1 is bad")
    assert await group_of(api, "row 2 is bad") == first
    listed = await api.get("/failures")
    (group,) = listed["items"]
    assert (sum(group["trend"]), listed["bar_seconds"], len(group["trend"])) == (2, 3600, len(group["trend"]))
    assert listed["bars_from"] <= group["first_at"] < group["last_at"]
    assert (group["robots"], group["robot_count"]) == ([{"robot_id": "alpha", "count": 2}], 1)
    assert (group["is_new"], group["note"], group["owner"], group["muted"]) == (True, "", "", None)
    assert await api.get(f"/failures/{first}") == group
    assert await api.get(f"/failures/{first}", tenant_id="default") == group
    week = await api.get("/failures", minutes=7 * 24 * 60)
    assert (week["bar_seconds"], sum(week["items"][0]["trend"])) == (6 * 3600, 2)


async def test_note_owner_and_mute_are_stored_and_audited(api: Api) -> None:
    await api.robot("alpha")
    fingerprint = await group_of(api)
    noted = (await api.admin.patch(f"/api/v1/failures/{fingerprint}", json={"note": "SAP is down"})).json()
    assert (noted["note"], noted["owner"]) == ("SAP is down", "")
    owned = (await api.admin.patch(f"/api/v1/failures/{fingerprint}", json={"owner": "ana"})).json()
    assert (owned["note"], owned["owner"]) == ("SAP is down", "ana")
    assert (await api.admin.patch(f"/api/v1/failures/{fingerprint}", json={})).json() == owned
    until = rfc3339(after(api.plane.clock.now(), 3600))
    muted = await api.post(f"/failures/{fingerprint}/mute", {"until": until, "reason": "known"}, 200)
    assert (muted["muted"]["by"], muted["muted"]["until"]) == ("admin", until)
    listed = await api.get("/failures", muted=False)
    assert (listed["items"], listed["muted_groups"], listed["muted_failures"]) == ([], 1, 1)
    assert [one["fingerprint"] for one in (await api.get("/failures", muted=True))["items"]] == [fingerprint]
    again = await api.admin.post(f"/api/v1/failures/{fingerprint}/mute")
    assert again.json()["muted"]["until"] is None
    assert (await api.post(f"/failures/{fingerprint}/unmute", None, 200))["muted"] is None
    entries = [(one["action"], one["note"]) for one in (await api.get("/audit", target=fingerprint))["items"]]
    assert entries[::-1] == [
        ("note_failures", "w: note 'SAP is down'"),
        ("note_failures", "w: owner ana"),
        ("mute_failures", f"w: until {until}: known"),
        ("mute_failures", "w: until unmuted"),
        ("unmute_failures", "w"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), ("PATCH", "", {"note": "x"}), ("POST", "/mute", {}), ("POST", "/unmute", {})],
)
async def test_unknown_group_and_that_of_another_tenant_are_not_found(
    api: Api, method: str, path: str, body: Any
) -> None:
    await api.robot("alpha")
    fingerprint = await group_of(api)
    await api.post("/tenants", {"tenant_id": "other", "name": "Other"})
    token, _ = api.plane.authenticator.tokens.issue("admin", tenant_id="other")
    theirs = api.client({"Authorization": f"Bearer {token}"})
    for client, group in ((api.admin, "0000000000000000"), (theirs, fingerprint)):
        response = await client.request(method, f"/api/v1/failures/{group}{path}", json=body)
        assert error_of(response, 404)[1] == (f"fingerprint: there is no stored failure with the fingerprint {group!r}")
    asked = {"tenant_id": "default"}
    response = await theirs.request(method, f"/api/v1/failures/{fingerprint}{path}", json=body, params=asked)
    assert error_of(response, 403)[1].startswith("tenant_id: ")


@pytest.mark.parametrize(
    ("path", "method", "body", "field"),
    [
        ("/mute", "POST", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("/mute", "POST", {"until": "soon"}, "until"),
        ("", "PATCH", {"owner": "a\nb"}, "owner"),
        ("", "PATCH", {"owner": "x" * 257}, "owner"),
        ("", "PATCH", {"note": "x" * 1025}, "note"),
    ],
)
async def test_invalid_change_names_the_field(api: Api, path: str, method: str, body: Any, field: str) -> None:
    await api.robot("alpha")
    fingerprint = await group_of(api)
    response = await api.admin.request(method, f"/api/v1/failures/{fingerprint}{path}", json=body)
    assert error_of(response, 422)[1].startswith(f"{field}: ")
    assert (await api.get(f"/failures/{fingerprint}"))["muted"] is None
