"""Sign-in links: one sign-in per code, for ten minutes, and only on the order of an admin."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.errors import AuthError, RateLimited
from casare_rpa.domain.instants import after
from casare_rpa.infrastructure.orchestrator.auth.sign_in_links import LINK_SECONDS, MOST_LINKS, SignInLinks
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database

LINKS, LINK = "/api/v1/auth/links", "/api/v1/auth/link"


async def test_code_signs_in_once_and_the_session_can_be_ended(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await api.admin.post(LINKS)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    code = made.json()["code"]
    used = await api.client().post(LINK, json={"code": code})
    assert used.status_code == 200
    user = api.client({"Authorization": f"Bearer {used.json()['access_token']}"})
    assert (await user.get("/api/v1/jobs")).status_code == 200
    assert error_of(await api.client().post(LINK, json={"code": code}), 401)[0] == "AUTH_FAILED"
    (session,) = (await api.get("/sessions"))["items"]
    assert (await api.admin.delete(f"/api/v1/sessions/{session['session_id']}")).status_code == 204
    assert (await user.get("/api/v1/jobs")).status_code == 401
    assert code not in caplog.text


async def test_robot_or_client_without_a_credential_makes_no_link(api: Api) -> None:
    robot = await api.robot("alpha")
    error_of(await robot.post(LINKS), 403)
    error_of(await api.client().post(LINKS), 401)


async def test_token_makes_no_link_that_outlives_its_session(api: Api) -> None:
    code = (await api.admin.post(LINKS)).json()["code"]
    token = (await api.client().post(LINK, json={"code": code})).json()["access_token"]
    user = api.client({"Authorization": f"Bearer {token}"})
    assert error_of(await user.post(LINKS), 403)[1] == "this needs the admin secret; a token is not sufficient"


@pytest.mark.parametrize("code", ["lnk_unknown", "x", "é"])
async def test_unknown_code_is_refused_with_the_next_step(api: Api, code: str) -> None:
    refused = error_of(await api.client().post(LINK, json={"code": code}), 401)
    assert refused == ("AUTH_FAILED", "code: unknown, used or expired; make a new one: casare session link")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await SqliteStore.open(new_database(tmp_path))
    yield opened
    await opened.close()


async def test_code_ends_after_ten_minutes_and_the_number_of_unused_codes_is_limited(store: Store) -> None:
    clock = FakeClock()
    links = SignInLinks(store, clock, "digest")
    first, _ = await links.issue()
    clock.advance(LINK_SECONDS - 1)
    second, expires_at = await links.issue()
    assert expires_at == after(clock.now(), LINK_SECONDS)
    await links.redeem(first)
    clock.advance(LINK_SECONDS)
    with pytest.raises(AuthError):
        await links.redeem(second)
    for _ in range(MOST_LINKS):
        await links.issue()
    with pytest.raises(RateLimited):
        await links.issue()
    clock.advance(LINK_SECONDS)
    assert await links.issue()


async def test_code_works_once_on_any_instance_and_only_under_the_secrets_that_it_was_made_under(store: Store) -> None:
    clock = FakeClock()
    issuer, other, changed = (SignInLinks(store, clock, under) for under in ("digest", "digest", "another"))
    code, _ = await issuer.issue()
    with pytest.raises(AuthError):
        await changed.redeem(code)
    await other.redeem(code)
    with pytest.raises(AuthError):
        await issuer.redeem(code)
