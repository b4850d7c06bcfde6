"""POST /api/v1/auth/login, and the validity of its token."""

import asyncio
from typing import Any

import pytest

from api.conftest import PASSWORD, Api, error_of
from casare_rpa.infrastructure.orchestrator.auth.login_turns import MOST_WAITING

LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"


async def test_password_is_exchanged_for_a_token_valid_for_the_api(api: Api) -> None:
    response = await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "username", "role"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 900)
    user = api.client({"Authorization": f"Bearer {answer['access_token']}"})
    job = await user.post("/api/v1/jobs", json={"workflow_id": "w"})
    assert job.status_code == 201
    events = (await user.get(f"/api/v1/jobs/{job.json()['job_id']}/events")).json()["items"]
    assert len(events) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("username", "password"), [("admin", "wrong-canary"), ("nobody", PASSWORD)])
async def test_refused_login_reveals_neither_field_nor_value(api: Api, username: str, password: str) -> None:
    response = await api.client().post(LOGIN, json={"username": username, "password": password})
    assert error_of(response, 401) == ("AUTH_FAILED", "username or password: wrong")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.slow
async def test_guess_does_not_delay_another_address(api: Api) -> None:
    guess = asyncio.create_task(api.client().post(LOGIN, json={"username": "admin", "password": "guess"}))
    right = {"username": "admin", "password": PASSWORD}
    assert (await api.client(address="192.0.2.7").post(LOGIN, json=right)).status_code == 200
    assert not guess.done()
    assert error_of(await guess, 401)[0] == "AUTH_FAILED"


async def test_attempts_that_wait_are_bounded_for_each_address(api: Api) -> None:
    client = api.client()
    guesses = [
        asyncio.create_task(client.post(LOGIN, json={"username": "admin", "password": "guess"}))
        for _ in range(MOST_WAITING + 1)
    ]
    done, waiting = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = done
    assert error_of(refused.result(), 429)[0] == "RATE_LIMITED"
    assert int(refused.result().headers["retry-after"]) == MOST_WAITING
    for guess in waiting:
        guess.cancel()
    await asyncio.wait(waiting)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"username": "admin"},
        {"username": 7, "password": "canary-7"},
        {"username": "a", "password": ["canary-7"]},
    ],
)
async def test_malformed_login_is_refused_without_its_content(api: Api, body: Any) -> None:
    response = await api.client().post(LOGIN, json=body)
    assert error_of(response, 422)[0] == "INVALID_MESSAGE"
    assert "canary" not in response.text


async def test_token_is_exchanged_for_a_new_one_of_the_same_user(api: Api) -> None:
    first = (await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})).json()["access_token"]
    answer = await api.client().post(REFRESH, json={"token": first})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "username", "role"}
    second = answer.json()["access_token"]
    assert second != first
    user = api.client({"Authorization": f"Bearer {second}"})
    assert (await user.get("/api/v1/jobs")).status_code == 200


async def test_refresh_requires_a_token_of_the_server(api: Api) -> None:
    assert error_of(await api.client().post(REFRESH, json={"token": "canary.a.b"}), 401)[0] == "AUTH_FAILED"


async def test_sign_out_ends_the_session_of_the_token(api: Api) -> None:
    answer = await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})
    token = answer.json()["access_token"]
    user = api.client({"Authorization": f"Bearer {token}"})
    (session,) = (await api.get("/sessions"))["items"]
    assert (session["username"], session["tenant_id"], session["address"]) == ("admin", None, "127.0.0.1")
    assert (await user.post(LOGOUT)).status_code == 204
    ended = ("AUTH_FAILED", "token: its session has ended; sign in again")
    assert error_of(await user.get("/api/v1/jobs"), 401) == ended
    assert error_of(await user.post(LOGOUT), 401) == ended
    assert error_of(await api.client().post(REFRESH, json={"token": token}), 401) == ended
    assert (await api.get("/sessions"))["items"] == []
    entries = (await api.get("/audit"))["items"]
    assert [(entry["action"], entry["target"]) for entry in entries] == [
        ("sign_out", session["session_id"]),
        ("sign_in", session["session_id"]),
    ]


async def test_admin_ends_the_session_of_another(api: Api) -> None:
    answer = await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})
    user = api.client({"Authorization": f"Bearer {answer.json()['access_token']}"})
    (session,) = (await api.get("/sessions"))["items"]
    path = f"/api/v1/sessions/{session['session_id']}"
    assert (await api.admin.delete(path)).status_code == 204
    assert error_of(await user.get("/api/v1/jobs"), 401)[0] == "AUTH_FAILED"
    assert (
        error_of(await api.admin.delete(path), 404)[1]
        == f"session_id: there is no open session {session['session_id']!r}"
    )


async def test_credential_without_a_sign_in_cannot_sign_out(api: Api) -> None:
    assert error_of(await api.admin.post(LOGOUT), 409)[1].startswith("this credential does not belong to a sign-in")
    robot = await api.robot("alpha")
    assert error_of(await robot.post(LOGOUT), 403)[0] == "AUTH_FAILED"
    assert error_of(await api.client().post(LOGOUT), 401)[0] == "AUTH_FAILED"


async def test_sessions_are_shown_to_admins_of_all_tenants(api: Api) -> None:
    token, _ = api.plane.authenticator.tokens.issue("ana", tenant_id="default")
    own = api.client({"Authorization": f"Bearer {token}"})
    assert error_of(await own.get("/api/v1/sessions"), 403)[0] == "AUTH_FAILED"
    assert error_of(await own.delete("/api/v1/sessions/lgn-1"), 403)[0] == "AUTH_FAILED"


async def test_token_of_another_program_is_not_refreshed(api: Api) -> None:
    token, _ = api.plane.authenticator.tokens.issue("ana", tenant_id="acme")
    refused = await api.client().post(REFRESH, json={"token": token})
    assert error_of(refused, 401) == ("AUTH_FAILED", "token: another program made it; get a new one from that program")
