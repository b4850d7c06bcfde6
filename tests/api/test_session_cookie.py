"""The cookie of a sign-in, and POST /api/v1/auth/session, which exchanges it for a token."""

from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest

from api.conftest import PASSWORD, Api, error_of, running

LOGIN = "/api/v1/auth/login"
SESSION = "/api/v1/auth/session"
HTTPS = "https://127.0.0.1"


async def sign_in(api: Api, base: str = "") -> httpx2.Response:
    answer = await api.client().post(base + LOGIN, json={"username": "admin", "password": PASSWORD})
    assert answer.status_code == 200
    return answer


def set_by(answer: httpx2.Response) -> tuple[str, str]:
    """The name and the value of the only cookie of a response."""
    ((name, morsel),) = SimpleCookie(answer.headers["set-cookie"]).items()
    return name, morsel.value


async def resume(api: Api, cookie: tuple[str, str], origin: str | None, base: str = "") -> httpx2.Response:
    headers = {"Cookie": "=".join(cookie)} | ({} if origin is None else {"Origin": origin})
    return await api.client(headers).post(base + SESSION)


def own_origin(answer: httpx2.Response) -> str:
    return f"{answer.request.url.scheme}://{answer.request.headers['host']}"


async def test_another_tab_gets_a_token_of_the_same_session(api: Api) -> None:
    signed_in = await sign_in(api)
    resumed = await resume(api, set_by(signed_in), own_origin(signed_in))
    assert resumed.status_code == 200
    assert "set-cookie" not in resumed.headers
    user = api.client({"Authorization": f"Bearer {resumed.json()['access_token']}"})
    assert (await user.get("/api/v1/jobs")).status_code == 200
    assert len((await api.get("/sessions"))["items"]) == 1


@pytest.mark.parametrize(
    ("base", "name", "secure"), [("", "casare_session", False), (HTTPS, "__Host-casare_session", True)]
)
async def test_scripts_and_other_sites_cannot_use_the_cookie(api: Api, base: str, name: str, secure: bool) -> None:
    signed_in = await sign_in(api, base)
    found, value = set_by(signed_in)
    attributes = {part.strip().lower() for part in signed_in.headers["set-cookie"].split(";")[1:]}
    assert (found, len(value)) == (name, 43)
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= attributes
    assert ("secure" in attributes) is secure
    assert not any(one.startswith("domain") for one in attributes)
    assert (await resume(api, (found, value), own_origin(signed_in), base)).status_code == 200


@pytest.mark.parametrize("origin", [None, "", "null", "http://evil.example", "http://127.0.0.1:1", "https://{host}"])
async def test_cookie_is_refused_from_other_pages(api: Api, origin: str | None) -> None:
    signed_in = await sign_in(api)
    given = origin and origin.format(host=signed_in.request.headers["host"])
    refused = await resume(api, set_by(signed_in), given)
    assert error_of(refused, 403) == ("AUTH_FAILED", "origin: only a page of this server may use the cookie")


async def test_other_routes_refuse_the_cookie(api: Api) -> None:
    signed_in = await sign_in(api)
    page = api.client({"Cookie": "=".join(set_by(signed_in)), "Origin": own_origin(signed_in)})
    assert error_of(await page.get("/api/v1/jobs"), 401)[0] == "AUTH_FAILED"
    assert error_of(await page.post("/api/v1/jobs", json={"workflow_id": "w"}), 401)[0] == "AUTH_FAILED"
    assert error_of(await page.post("/api/v1/auth/logout"), 401)[0] == "AUTH_FAILED"


async def test_cookie_ends_with_its_session(api: Api) -> None:
    signed_in = await sign_in(api)
    user = api.client({"Authorization": f"Bearer {signed_in.json()['access_token']}"})
    signed_out = await user.post("/api/v1/auth/logout")
    assert signed_out.status_code == 204
    assert set_by(signed_out) == ("casare_session", "")
    assert "max-age=0" in signed_out.headers["set-cookie"].lower()
    refused = await resume(api, set_by(signed_in), own_origin(signed_in))
    assert error_of(refused, 401) == ("AUTH_FAILED", "cookie: its session has ended; sign in again")


async def test_settings_limit_the_life_of_a_session(tmp_path: Path) -> None:
    async with running(tmp_path, session_idle_seconds=600, session_max_seconds=3600) as api:
        signed_in = await sign_in(api)
        assert "max-age=3600" in signed_in.headers["set-cookie"].lower()
        assert signed_in.json()["expires_in"] == 600
        (session,) = (await api.get("/sessions"))["items"]
        signed_in_at, expires_at = (datetime.fromisoformat(session[key]) for key in ("signed_in_at", "expires_at"))
        assert expires_at - signed_in_at == timedelta(seconds=600)


@pytest.mark.parametrize(("base", "name"), [("http://127.0.0.1", "casare_session"), (HTTPS, "__Secure-casare_session")])
async def test_below_a_base_path_the_cookie_is_for_that_path_alone(tmp_path: Path, base: str, name: str) -> None:
    async with running(tmp_path, base_path="/casare") as api:
        for prefix in ("", "/casare"):  # a proxy may remove the path or pass it on
            signed_in = await sign_in(api, base + prefix)
            assert "path=/casare;" in signed_in.headers["set-cookie"].lower()
            assert set_by(signed_in)[0] == name
            assert (await resume(api, set_by(signed_in), base, base + prefix)).status_code == 200
            assert (await api.client().get(f"{base}{prefix}/health/live")).status_code == 200
        assert (await api.client().get(f"{base}/casarex/health/live")).headers["content-type"] != "application/json"


async def test_each_sign_in_makes_a_new_cookie(api: Api) -> None:
    chosen = api.client({"Cookie": "casare_session=chosen-by-another"})
    first = await chosen.post(LOGIN, json={"username": "admin", "password": PASSWORD})
    second = await sign_in(api)
    assert len({"chosen-by-another", set_by(first)[1], set_by(second)[1]}) == 3
    refused = await resume(api, ("casare_session", "chosen-by-another"), own_origin(second))
    assert error_of(refused, 401)[0] == "AUTH_FAILED"


async def test_store_has_a_digest_of_the_cookie(api: Api) -> None:
    signed_in = await sign_in(api)
    _, value = set_by(signed_in)
    (session,) = (await api.get("/sessions"))["items"]
    assert value not in str(session)
    as_cookie = ("casare_session", session["session_id"])
    assert error_of(await resume(api, as_cookie, own_origin(signed_in)), 401)[0] == "AUTH_FAILED"


async def test_orchestrators_at_two_ports_of_a_machine_have_a_cookie_each(api: Api) -> None:
    first, second = [await sign_in(api, f"http://127.0.0.1:{port}") for port in (8000, 8001)]
    assert [set_by(one)[0] for one in (first, second)] == ["casare_session_8000", "casare_session_8001"]
    resumed = await resume(api, set_by(first), "http://127.0.0.1:8000", "http://127.0.0.1:8000")
    assert (resumed.status_code, resumed.json()["username"]) == (200, "admin")
    refused = await resume(api, set_by(first), "http://127.0.0.1:8001", "http://127.0.0.1:8001")
    assert error_of(refused, 401) == ("AUTH_FAILED", "cookie: missing; sign in")


async def test_request_without_a_cookie_is_asked_to_sign_in(api: Api) -> None:
    origin = own_origin(await sign_in(api))
    refused = await api.client({"Origin": origin}).post(SESSION)
    assert error_of(refused, 401) == ("AUTH_FAILED", "cookie: missing; sign in")
