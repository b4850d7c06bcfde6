"""Tenants over HTTP."""

from typing import Any

import pytest

from api.conftest import Api, error_of


async def test_default_tenant_exists_and_others_are_added(api: Api) -> None:
    assert [tenant["tenant_id"] for tenant in (await api.get("/tenants"))["items"]] == ["default"]
    made = await api.post("/tenants", {"tenant_id": "acme", "name": "Acme & Söhne"})
    assert set(made) == {"tenant_id", "name", "created_at"}
    assert made in (await api.get("/tenants"))["items"]


async def test_existing_tenant_is_a_conflict(api: Api) -> None:
    for tenant_id in ("default", "acme"):
        await api.admin.post("/api/v1/tenants", json={"tenant_id": tenant_id, "name": "A"})
        response = await api.admin.post("/api/v1/tenants", json={"tenant_id": tenant_id, "name": "B"})
        assert error_of(response, 409)[0] == "INVALID_MESSAGE"


@pytest.mark.parametrize(
    ("field", "value"), [("tenant_id", "a b"), ("tenant_id", ""), ("name", ""), ("name", "a\x07"), ("name", None)]
)
async def test_invalid_tenant_is_refused_with_the_field(api: Api, field: str, value: Any) -> None:
    response = await api.admin.post("/api/v1/tenants", json={"tenant_id": "acme", "name": "Acme", field: value})
    assert error_of(response, 422)[1].startswith(f"{field}: ")
