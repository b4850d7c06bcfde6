"""POST /api/v1/auth/login, and what its token opens."""

import time
from typing import Any

import pytest

from api.conftest import PASSWORD, Api, error_of

LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"


async def test_password_is_exchanged_for_a_token_that_opens_the_api(api: Api) -> None:
    response = await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 900)
    user = api.client({"Authorization": f"Bearer {answer['access_token']}"})
    job = await user.post("/api/v1/jobs", json={"workflow_id": "w"})
    assert job.status_code == 201
    events = (await user.get(f"/api/v1/jobs/{job.json()['job_id']}/events")).json()["items"]
    assert len(events) == 1


@pytest.mark.parametrize(("username", "password"), [("admin", "wrong-canary"), ("nobody", PASSWORD)])
async def test_login_is_refused_and_says_neither_which_nor_what(api: Api, username: str, password: str) -> None:
    response = await api.client().post(LOGIN, json={"username": username, "password": password})
    assert error_of(response, 401) == ("AUTH_FAILED", "username or password: wrong")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_guessing_is_slowed_down_for_one_address_only(api: Api) -> None:
    wrong = {"username": "admin", "password": "guess"}
    answers = [await api.client().post(LOGIN, json=wrong) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert error_of(answers[5], 429)[0] == "RATE_LIMITED"
    assert 0 < int(answers[5].headers["retry-after"]) <= 5
    assert 0 < answers[5].json()["payload"]["retry_after_ms"] <= 5000
    right = {"username": "admin", "password": PASSWORD}
    assert (await api.client().post(LOGIN, json=right)).status_code == 429
    assert (await api.client(address="192.0.2.7").post(LOGIN, json=right)).status_code == 200


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
async def test_login_is_refused_without_echo_when_it_is_not_well_formed(api: Api, body: Any) -> None:
    response = await api.client().post(LOGIN, json=body)
    assert error_of(response, 422)[0] == "INVALID_MESSAGE"
    assert "canary" not in response.text


async def test_token_is_exchanged_for_a_fresh_one_of_the_same_user(api: Api) -> None:
    first = (await api.client().post(LOGIN, json={"username": "admin", "password": PASSWORD})).json()["access_token"]
    answer = await api.client().post(REFRESH, json={"token": first})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    second = answer.json()["access_token"]
    assert second != first
    user = api.client({"Authorization": f"Bearer {second}"})
    assert (await user.get("/api/v1/jobs")).status_code == 200


async def test_session_ends_twelve_hours_after_its_login(api: Api) -> None:
    tokens, now = api.plane.authenticator.tokens, int(time.time())
    young, _ = tokens.issue("admin", signed_in_at=now - 12 * 3600 + 60)
    old, _ = tokens.issue("admin", signed_in_at=now - 12 * 3600)
    assert (await api.client().post(REFRESH, json={"token": young})).status_code == 200
    refused = await api.client().post(REFRESH, json={"token": old})
    assert error_of(refused, 401) == ("AUTH_FAILED", "token: the session has ended; sign in again")


async def test_refresh_keeps_the_tenant(api: Api) -> None:
    token, _ = api.plane.authenticator.tokens.issue("ana", tenant_id="acme")
    fresh = (await api.client().post(REFRESH, json={"token": token})).json()["access_token"]
    assert api.plane.authenticator.bearer(fresh).tenant_id == "acme"


async def test_refresh_wants_a_token_of_ours(api: Api) -> None:
    assert error_of(await api.client().post(REFRESH, json={"token": "canary.a.b"}), 401)[0] == "AUTH_FAILED"
