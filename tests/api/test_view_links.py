"""View links: a browser reads until the link is revoked; each order of /openapi.json is refused."""

import logging
import re
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest

from api.conftest import PASSWORD, Api, error_of
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND

LINKS, USE, SESSION = "/api/v1/view-links", "/api/v1/auth/link", "/api/v1/auth/session"
READ_ONLY = "this link is for reading only; sign in with a password to do this"
FOR_ADMINS = {"/api/v1/sessions", "/api/v1/instances", LINKS}
"""What a viewer does not read: credentials of others, and the machines."""
ALLOWED = {"/api/v1/ws-tickets", "/api/v1/auth/logout"}
"""What a viewer may send. Routes of /api/v1/auth take a credential in the body or cookie."""


async def made(api: Api, **more: Any) -> Any:
    return await api.post("/view-links", {"name": "lobby", **more})


async def used(api: Api, code: str) -> httpx2.Response:
    return await api.client().post(USE, json={"code": code})


async def viewer(api: Api, code: str) -> httpx2.AsyncClient:
    answer = await used(api, code)
    assert (answer.status_code, answer.json()["username"], answer.json()["role"]) == (200, "lobby", "viewer")
    return api.client({"Authorization": f"Bearer {answer.json()['access_token']}"})


async def test_link_signs_in_any_number_of_browsers_for_reading(api: Api) -> None:
    link = await made(api)
    job = await api.post("/jobs", {"workflow_id": "w"})
    for _ in range(2):
        screen = await viewer(api, link["code"])
        assert (await screen.get(f"/api/v1/jobs/{job['job_id']}")).json()["workflow_id"] == "w"


async def test_cookie_of_a_link_continues_after_the_end_of_its_token(api: Api) -> None:
    answer = await used(api, (await made(api))["code"])
    ((name, morsel),) = SimpleCookie(answer.headers["set-cookie"]).items()
    headers = {"Cookie": f"{name}={morsel.value}", "Origin": "http://127.0.0.1"}
    resumed = await api.client(headers).post(SESSION)
    assert (resumed.status_code, resumed.json()["role"]) == (200, "viewer")
    year_seconds = 365 * 86_400
    assert year_seconds - 60 < int(morsel["max-age"]) <= year_seconds


async def test_viewer_reads_every_route_and_no_credentials_of_others(api: Api) -> None:
    screen = await viewer(api, (await made(api))["code"])
    for path, operations in api.app.openapi()["paths"].items():
        if "get" not in operations or not path.startswith("/api/"):
            continue
        answer = await screen.get(re.sub(r"{\w+}", "x", path))
        if path in FOR_ADMINS | {"/api/v1/tenants"}:
            assert error_of(answer, 403) == ("AUTH_FAILED", READ_ONLY), path
        else:
            assert answer.status_code in (200, 404, 422), (path, answer.text)


async def test_every_order_of_a_viewer_is_refused(api: Api) -> None:
    screen = await viewer(api, (await made(api))["code"])
    orders = [
        (method, path, operation)
        for path, operations in api.app.openapi()["paths"].items()
        for method, operation in operations.items()
        if method != "get" and path not in ALLOWED and operation.get("security")
    ]
    assert len(orders) > 20
    for method, path, _ in orders:
        answer = await screen.request(method, re.sub(r"{\w+}", "x", path), json={})
        assert error_of(answer, 403) == ("AUTH_FAILED", READ_ONLY), (method, path)


async def test_sign_out_of_one_screen_leaves_the_link_to_the_others(api: Api) -> None:
    code = (await made(api))["code"]
    first, second = await viewer(api, code), await viewer(api, code)
    signed_out = await first.post("/api/v1/auth/logout")
    assert (signed_out.status_code, SimpleCookie(signed_out.headers["set-cookie"])["casare_session"].value) == (204, "")
    assert (await second.get("/api/v1/jobs")).status_code == 200


async def test_revoked_link_is_refused_everywhere(api: Api) -> None:
    link = await made(api)
    screen = await viewer(api, link["code"])
    (listed,) = (await api.get("/view-links"))["items"]
    assert listed == {name: link[name] for name in ("link_id", "name", "created_at", "expires_at")}
    path = f"{LINKS}/{link['link_id']}"
    assert (await api.admin.delete(path)).status_code == 204
    assert error_of(await screen.get("/api/v1/jobs"), 401)[0] == "AUTH_FAILED"
    assert error_of(await used(api, link["code"]), 401)[1].startswith("code: unknown, revoked or expired; an admin can")
    assert error_of(await api.admin.delete(path), 404)[1].startswith("link_id: there is no open view link")
    assert (await api.get("/view-links"))["items"] == []
    entries = (await api.get("/audit"))["items"]
    assert [(entry["action"], entry["target"], entry["note"]) for entry in entries] == [
        ("revoke_view_link", link["link_id"], ""),
        ("create_view_link", link["link_id"], "lobby"),
    ]


async def test_links_and_sessions_are_ended_separately(api: Api) -> None:
    link = await made(api)
    await api.client().post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD})
    (session,) = (await api.get("/sessions"))["items"]
    assert session["username"] == "admin"
    assert (await api.admin.delete(f"/api/v1/sessions/{link['link_id']}")).status_code == 404
    assert (await api.admin.delete(f"{LINKS}/{session['session_id']}")).status_code == 404
    assert len((await api.get("/view-links"))["items"]) == 1


async def test_repeated_request_with_its_idempotency_key_creates_one_link(api: Api) -> None:
    async def asked(key: str, **body: Any) -> httpx2.Response:
        return await api.admin.post(LINKS, json={"name": "lobby", **body}, headers={"Idempotency-Key": key})

    first, again, other = await asked("k"), await asked("k"), await asked("l")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert other.json()["code"] != first.json()["code"]
    assert len((await api.get("/view-links"))["items"]) == 2
    assert len([entry for entry in (await api.get("/audit"))["items"] if entry["action"] == "create_view_link"]) == 2
    for changed in ({"name": "canteen"}, {"life_days": 1}):
        assert error_of(await asked("k", **changed), 409)[1].startswith("Idempotency-Key: it was used before")
    await api.admin.delete(f"{LINKS}/{first.json()['link_id']}")
    assert error_of(await asked("k"), 409)[1].startswith("Idempotency-Key: it was used before")


async def test_link_lasts_for_its_days(api: Api) -> None:
    link = await made(api, life_days=30)
    stored = await api.plane.store.login(link["link_id"])
    assert stored is not None
    assert stored.expires_at - stored.signed_in_at == 30 * 86_400 * MICROSECONDS_PER_SECOND
    for days in (0, 3651, "x"):
        answer = await api.admin.post(LINKS, json={"name": "n", "life_days": days})
        assert "life_days" in error_of(answer, 422)[1]


async def test_code_is_in_no_log_and_not_in_the_store(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link = await made(api)
    await viewer(api, link["code"])
    stored = await api.plane.store.login(link["link_id"])
    assert link["code"] not in caplog.text
    assert link["code"] not in str(stored)
    assert link["code"] not in str(await api.get("/view-links"))


async def test_only_admins_of_all_tenants_manage_links(api: Api) -> None:
    token, _ = api.plane.authenticator.tokens.issue("ana", tenant_id="default")
    for client in (api.client({"Authorization": f"Bearer {token}"}), await api.robot("alpha")):
        assert (await client.post(LINKS, json={"name": "n"})).status_code == 403
        assert (await client.get(LINKS)).status_code == 403
        assert (await client.delete(f"{LINKS}/vwl-1")).status_code == 403


async def test_name_of_a_link_is_not_taken_for_a_user(api: Api) -> None:
    link = await api.post("/view-links", {"name": "admin"})
    token = (await used(api, link["code"])).json()["access_token"]
    principal = await api.plane.authenticator.bearer(token)
    assert (principal.role, principal.name) == ("viewer", "viewer admin")
    assert (await api.get("/sessions"))["items"] == []
