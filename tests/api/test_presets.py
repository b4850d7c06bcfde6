"""Presets over HTTP."""

from typing import Any

import pytest

from api.conftest import Api, error_of

PATH = "/api/v1/presets"
MARCH = {"workflow_id": "invoices", "name": "march", "parameters": {"page": 3}, "tags": ["sap"], "priority": 7}


async def saved(api: Api, **fields: Any) -> Any:
    response = await api.admin.put(PATH, json={**MARCH, **fields})
    assert response.status_code == 200, response.text
    return response.json()


async def test_saved_preset_has_the_fields_to_submit_a_job(api: Api) -> None:
    await api.robot("alpha")
    preset = await saved(api, robot_id="alpha", max_attempts=2)
    assert (preset["name"], preset["workflow_id"], preset["tenant_id"]) == ("march", "invoices", "default")
    assert preset["changed_by"] == "admin"
    assert preset["job"]["parameters"] == {"page": 3}
    assert (await api.get("/presets", workflow_id="invoices"))["items"] == [preset]
    job = await api.post("/jobs", {"workflow_id": "invoices", **preset["job"]})
    assert {name: job[name] for name in ("parameters", "tags", "priority", "max_attempts", "target_robot_id")} == {
        "parameters": {"page": 3},
        "tags": ["sap"],
        "priority": 7,
        "max_attempts": 2,
        "target_robot_id": "alpha",
    }


async def test_save_replaces_and_delete_removes_with_audit_entries(api: Api) -> None:
    await saved(api)
    await saved(api, parameters={"page": 4})
    (only,) = (await api.get("/presets", workflow_id="invoices"))["items"]
    assert only["job"]["parameters"] == {"page": 4}
    wanted = {"workflow_id": "invoices", "name": "march"}
    assert (await api.admin.delete(PATH, params=wanted)).status_code == 204
    assert error_of(await api.admin.delete(PATH, params=wanted), 404)[1].startswith("name: there is no preset")
    assert (await api.get("/presets", workflow_id="invoices"))["items"] == []
    entries = (await api.get("/audit", target="invoices"))["items"]
    assert [(one["action"], one["note"]) for one in entries] == [
        ("delete_preset", "march"),
        ("save_preset", "march"),
        ("save_preset", "march"),
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"workflow_id": ""}, "workflow_id"),
        ({"priority": 11}, "priority"),
        ({"priority": False}, "priority"),
        ({"not_before": "2026-03-02T08:15:00Z"}, "not_before"),
        ({"parameters": {"text": "x" * 65_536}}, "parameters"),
    ],
)
async def test_invalid_preset_is_refused_by_field(api: Api, fields: dict[str, Any], field: str) -> None:
    assert error_of(await api.admin.put(PATH, json={**MARCH, **fields}), 422)[1].startswith(field)
    assert (await api.get("/presets", workflow_id="invoices"))["items"] == []


async def test_preset_of_an_unknown_tenant_is_refused(api: Api) -> None:
    assert error_of(await api.admin.put(PATH, json={**MARCH, "tenant_id": "nobody"}), 404)[1].startswith("tenant_id")


async def test_preset_over_the_limit_is_refused(api: Api) -> None:
    for number in range(100):
        await saved(api, name=str(number))
    assert "delete one" in error_of(await api.admin.put(PATH, json=MARCH), 409)[1]
    await saved(api, name="7", parameters={})
