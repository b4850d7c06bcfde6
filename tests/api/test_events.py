"""GET /api/v1/events: pages of changes, each once and in order, up to the limits of retention."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.conftest import Api, error_of, running
from casare_rpa.domain.instants import FOREVER
from casare_rpa.domain.retained import RetainedKind

EVENTS = "/api/v1/events"
FIELDS = {
    *("position", "number", "at", "job_id", "workflow_id", "tenant_id", "status", "reason", "attempt", "robot_id"),
    *("progress", "message", "contact", "cancel", "revision"),
}


async def submit(api: Api, *tenants: str) -> list[Any]:
    return [await api.post("/jobs", {"workflow_id": "w", "tenant_id": tenant}) for tenant in tenants or ("default",)]


async def acme(api: Api) -> httpx2.AsyncClient:
    """An admin of the tenant `acme`."""
    await api.post("/tenants", {"tenant_id": "acme", "name": "Acme"})
    token, _ = api.plane.authenticator.tokens.issue("ana", tenant_id="acme")
    return api.client({"Authorization": f"Bearer {token}"})


async def ended(api: Api, number: int) -> None:
    """Jobs that were cancelled while they waited: two changes each."""
    for job in await submit(api, *["default"] * number):
        await api.post(f"/jobs/{job['job_id']}/cancel", status=200)


async def delete_ended(api: Api, most: int) -> None:
    await api.plane.store.delete_oldest(RetainedKind.JOBS, FOREVER, most)


async def all_numbers(api: Api, **parameters: Any) -> list[int]:
    """The numbers of all pages from a position on."""
    found: list[int] = []
    while True:
        page = await api.get("/events", **parameters)
        found += [item["number"] for item in page["items"]]
        parameters["since"] = page["next"]
        if not page["more"]:
            return found


async def test_changes_come_in_order_with_their_position(api: Api) -> None:
    (job,) = await submit(api)
    await api.post(f"/jobs/{job['job_id']}/cancel", status=200)
    page = await api.get("/events")
    first, second = page["items"]
    epoch = (await api.plane.store.stream()).epoch
    assert set(first) == FIELDS
    assert (first["position"], first["number"], first["status"], first["at"]) == (
        f"{epoch}:1",
        1,
        "pending",
        job["created_at"],
    )
    assert (second["number"], second["status"], second["reason"]) == (2, "failed", "cancelled")
    assert {first["job_id"], second["job_id"]} == {job["job_id"]}
    assert second["revision"] > first["revision"]
    assert (page["next"], page["more"]) == (second["position"], False)


async def test_page_ends_at_its_limit_and_the_next_one_continues(api: Api) -> None:
    await submit(api, *["default"] * 5)
    page = await api.get("/events", limit=2)
    assert ([item["number"] for item in page["items"]], page["more"]) == ([1, 2], True)
    page = await api.get("/events", limit=3, since=page["next"])
    assert ([item["number"] for item in page["items"]], page["more"]) == ([3, 4, 5], False)
    empty = await api.get("/events", since=page["next"])
    assert empty == {"items": [], "next": page["next"], "more": False}
    await submit(api)
    assert [item["number"] for item in (await api.get("/events", since=page["next"]))["items"]] == [6]


@pytest.mark.parametrize(("limit", "status"), [(0, 422), (1, 200), (500, 200), (501, 422)])
async def test_limit_is_between_1_and_500(api: Api, limit: int, status: int) -> None:
    assert (await api.admin.get(EVENTS, params={"limit": limit})).status_code == status


async def test_feed_can_begin_with_the_oldest_change_or_now(api: Api) -> None:
    await submit(api, "default", "default")
    oldest = await api.get("/events", since="oldest")
    assert [item["number"] for item in oldest["items"]] == [1, 2]
    now = await api.get("/events", since="now")
    assert now == {"items": [], "next": oldest["next"], "more": False}


async def test_each_change_comes_once_while_others_write(api: Api) -> None:
    async def write() -> None:
        for _ in range(25):
            await submit(api)

    writers = [asyncio.create_task(write()) for _ in range(4)]
    seen: list[int] = []
    since = "oldest"
    while len(seen) < 100:
        page = await api.get("/events", since=since, limit=7)
        seen += [item["number"] for item in page["items"]]
        since = page["next"]
    await asyncio.gather(*writers)
    assert seen == list(range(1, 101))


@pytest.mark.slow
async def test_ten_thousand_changes_are_read_in_pages(api: Api) -> None:
    for _ in range(10):
        await api.post("/jobs/batch", {"jobs": [{"workflow_id": "w"}] * 1_000})
    assert await all_numbers(api, limit=500) == list(range(1, 10_001))


async def test_items_have_no_parameters_and_no_result(api: Api) -> None:
    await api.post("/jobs", {"workflow_id": "w", "parameters": {"secret": "canary"}})
    assert "canary" not in (await api.admin.get(EVENTS)).text


# Tenants


async def test_admin_of_a_tenant_has_a_feed_of_its_own(api: Api) -> None:
    theirs = await acme(api)
    await submit(api, "default", "acme", "default", "acme")
    page = (await theirs.get(EVENTS)).json()
    assert [(item["number"], item["tenant_id"]) for item in page["items"]] == [(1, "acme"), (2, "acme")]
    assert await api.get("/events", tenant_id="acme") == page
    assert await all_numbers(api) == [1, 2, 3, 4]
    assert error_of(await theirs.get(EVENTS, params={"tenant_id": "default"}), 403)[0] == "AUTH_FAILED"


async def test_position_of_one_feed_is_refused_in_another(api: Api) -> None:
    theirs = await acme(api)
    await submit(api, "acme", "acme")
    of_all, of_acme = (await api.get("/events"))["next"], (await theirs.get(EVENTS)).json()["next"]
    for client, since in ((theirs, of_all), (api.admin, of_acme)):
        code, message = error_of(await client.get(EVENTS, params={"since": since}), 422)
        assert code == "INVALID_MESSAGE"
        assert message.startswith("since: this position is among the changes of ")


async def test_feed_of_an_unknown_tenant_is_refused(api: Api) -> None:
    answer = await api.admin.get(EVENTS, params={"tenant_id": "x"})
    assert error_of(answer, 404)[1] == "tenant_id: there is no tenant 'x'"


async def test_robot_has_no_feed(api: Api) -> None:
    assert error_of(await (await api.robot("r")).get(EVENTS), 403)[0] == "AUTH_FAILED"
    assert error_of(await api.client().get(EVENTS), 401)[0] == "AUTH_FAILED"


# Retention


async def test_position_is_lost_exactly_when_a_change_after_it_was_deleted(api: Api) -> None:
    """Two jobs with the numbers 1, 3 and 2, 4: the first one is deleted."""
    await ended(api, 2)
    epoch = (await api.plane.store.stream()).epoch
    await delete_ended(api, 1)
    assert await all_numbers(api, since=f"{epoch}:3") == [4]
    for number in (0, 1, 2):
        answer = await api.admin.get(EVENTS, params={"since": f"{epoch}:{number}"})
        code, message = error_of(answer, 410)
        assert (code, answer.json()["payload"]["oldest"]) == ("INVALID_MESSAGE", f"{epoch}:3")
        assert message.startswith("since: changes after this position were deleted by retention; read the list of jobs")
    assert await all_numbers(api) == await all_numbers(api, since="oldest") == [4]
    await delete_ended(api, 1)
    assert await api.get("/events") == {"items": [], "next": f"{epoch}:4", "more": False}


async def test_deletion_in_one_tenant_leaves_the_positions_of_another_valid(api: Api) -> None:
    theirs = await acme(api)
    await submit(api, "acme")
    start = (await theirs.get(EVENTS, params={"limit": 1})).json()["next"]
    await ended(api, 1)
    await delete_ended(api, 10)
    await submit(api, "acme")
    page = (await theirs.get(EVENTS, params={"since": start})).json()
    assert [item["number"] for item in page["items"]] == [2]


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        ("0123456789abcdef:1", "this position is of another database, or from before a backup was restored"),
        ("{epoch}:2", "this position is ahead of the database, which was set back without `casare db restored`"),
    ],
)
async def test_position_of_another_state_of_the_database_is_lost(api: Api, since: str, sentence: str) -> None:
    await submit(api)
    epoch = (await api.plane.store.stream()).epoch
    answer = await api.admin.get(EVENTS, params={"since": since.format(epoch=epoch)})
    assert sentence in error_of(answer, 410)[1]
    assert answer.json()["payload"]["oldest"] == f"{epoch}:0"


@pytest.mark.parametrize("since", ["", "junk", "5", "a:b", "x" * 513])
async def test_malformed_position_is_refused(api: Api, since: str) -> None:
    assert error_of(await api.admin.get(EVENTS, params={"since": since}), 422)[1].startswith("since: ")


# HTTP


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/json;q=0.9"])
async def test_page_is_json(api: Api, accept: str) -> None:
    answer = await api.admin.get(EVENTS, headers={"Accept": accept})
    assert (answer.headers["content-type"], answer.headers["vary"]) == ("application/json", "Accept")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_other_methods_are_refused(api: Api, method: str) -> None:
    answer = await api.admin.request(method, EVENTS)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_gap_that_an_earlier_version_left_is_not_skipped_silently(tmp_path: Path) -> None:
    """It has deleted changes without a record of their numbers."""
    async with running(tmp_path) as api:
        await submit(api, *["default"] * 3)
    with closing(sqlite3.connect(tmp_path / "casare.db")) as database, database:
        database.execute("DELETE FROM job_events WHERE seq = 2")
    async with running(tmp_path) as api:
        assert await all_numbers(api) == await all_numbers(api, since="oldest") == [3]
        epoch = (await api.plane.store.stream()).epoch
        for number in (0, 1):
            answer = await api.admin.get(EVENTS, params={"since": f"{epoch}:{number}"})
            assert error_of(answer, 410)
            assert answer.json()["payload"]["oldest"] == f"{epoch}:2"
