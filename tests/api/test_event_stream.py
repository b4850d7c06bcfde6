"""Changes as server-sent events: when they come, where they continue, and when the stream ends."""

import asyncio
from typing import Any

import pytest

from api.conftest import ADMIN_SECRET, PASSWORD, Api, error_of
from api.streamed import Streamed, numbers_of, streamed
from api.test_events import EVENTS, acme, delete_ended, ended, submit
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.infrastructure.orchestrator.api.change_stream import PAGE, ChangeStream
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.views.change_feed import MAX_STREAMS, ChangeFeed

ADMIN = {"X-API-Secret": ADMIN_SECRET}
WITHOUT_A_POLL = 3_600.0
ME = Principal(Role.ADMIN, "me")


def open_streams(api: Api) -> float:
    value = api.plane.metrics.registry.get_sample_value("casare_connections", {"endpoint": "events"})
    assert value is not None
    return value


async def a_stream(api: Api, principal: Principal = ME, **times: float) -> ChangeStream:
    return ChangeStream(api.plane, principal, await api.plane.change_feed.page(None, "now", 1), **times)


async def signed_in(api: Api) -> dict[str, str]:
    answer = await api.client().post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def written_elsewhere(api: Api) -> None:
    """Another instance writes a change."""
    job = Job(job_id="job-1", tenant_id="default", workflow_id="w", submitted_at=api.plane.clock.now())
    await api.plane.store.add_jobs([JobToAdd(job)])


async def closed_with(peer: Streamed) -> dict[str, Any]:
    """The error of the last event of a stream that has ended."""
    *_, last = await peer.rest()
    assert (last.name, last.position) == ("closed", None)
    assert last.data["type"] == "error"
    payload: dict[str, Any] = last.data["payload"]
    return payload


async def test_stream_has_the_items_of_the_pages(api: Api) -> None:
    await submit(api, "default", "default")
    page = await api.get("/events")
    async with streamed(api.app, headers=ADMIN) as peer:
        begin, *jobs = await peer.events(3)
    assert peer.status == 200
    assert peer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (peer.headers["cache-control"], peer.headers["x-accel-buffering"]) == ("no-store", "no")
    epoch = (await api.plane.store.stream()).epoch
    assert (begin.name, begin.position, begin.data) == ("position", f"{epoch}:0", {"position": f"{epoch}:0"})
    assert [job.data for job in jobs] == page["items"]
    assert [(job.name, job.position) for job in jobs] == [("job", item["position"]) for item in page["items"]]


async def test_new_change_arrives_without_a_poll(api: Api) -> None:
    async with streamed(api.app, await a_stream(api, poll_seconds=WITHOUT_A_POLL)) as peer:
        await peer.events(1)
        for number in (1, 2, 3):
            await submit(api)
            assert numbers_of(await peer.events(1)) == [number]


async def test_change_of_another_instance_arrives_with_a_poll(api: Api) -> None:
    """This instance has no event of it."""
    async with streamed(api.app, await a_stream(api, poll_seconds=0.01)) as peer:
        await peer.events(1)
        await written_elsewhere(api)
        assert numbers_of(await peer.events(1)) == [1]


@pytest.mark.parametrize("tenant", [None, "default"])
async def test_change_of_another_instance_arrives_with_its_hint(api: Api, tenant: str | None) -> None:
    feed = api.plane.change_feed
    page = await feed.page(tenant, "now", 1)
    waiting = asyncio.create_task(feed.news(tenant, page.next_number, WITHOUT_A_POLL))
    await asyncio.sleep(0)
    await written_elsewhere(api)
    assert not waiting.done()
    api.plane.events.publish(Hint("another", jobs=1))
    async with asyncio.timeout(5):
        await waiting
    assert (await feed.page(tenant, "oldest", 1)).next_number == 1


async def test_change_before_the_wait_is_not_missed(api: Api) -> None:
    """It is committed after the stream has read the store, and before the stream waits."""
    feed = api.plane.change_feed
    page = await feed.page(None, "now", 1)
    await submit(api)
    async with asyncio.timeout(5):
        await feed.news(None, page.next_number, WITHOUT_A_POLL)


async def test_stream_continues_after_the_last_event_id(api: Api) -> None:
    await submit(api, *["default"] * 4)
    first, second = (await api.get("/events", limit=2))["items"]
    headers = {**ADMIN, "Last-Event-ID": second["position"]}
    async with streamed(api.app, headers=headers, since=first["position"]) as peer:
        begin, *jobs = await peer.events(3)
    assert begin.position == second["position"]
    assert numbers_of(jobs) == [3, 4]


async def test_stream_that_begins_now_names_its_position_first(api: Api) -> None:
    """A client that is cut off before the first change continues there, and misses nothing."""
    await submit(api)
    async with streamed(api.app, headers=ADMIN, since="now") as peer:
        (begin,) = await peer.events(1)
    await submit(api)
    headers = {**ADMIN, "Last-Event-ID": str(begin.position)}
    async with streamed(api.app, headers=headers, since="now") as peer:
        assert numbers_of(await peer.events(2)) == [2]


async def test_admin_of_a_tenant_gets_the_changes_of_the_tenant(api: Api) -> None:
    theirs = await acme(api)
    async with streamed(api.app, headers=dict(theirs.headers) | {"accept": "text/event-stream"}) as peer:
        await submit(api, "default", "acme", "default", "acme")
        _, *jobs = await peer.events(3)
    assert [(job.data["number"], job.data["tenant_id"]) for job in jobs] == [(1, "acme"), (2, "acme")]


async def test_silent_stream_sends_comments(api: Api) -> None:
    async with streamed(api.app, await a_stream(api, poll_seconds=0.01, keep_alive_seconds=0.0)) as peer:
        await peer.events(1)
        comment = await peer.event()
    assert comment is not None
    assert (comment.name, comment.data) == (":", "keep-alive")


@pytest.mark.parametrize("since", ["junk", "0123456789abcdef:1"])
async def test_invalid_position_is_an_error_and_no_stream(api: Api, since: str) -> None:
    async with streamed(api.app, headers=ADMIN, since=since) as peer:
        assert peer.status in (410, 422)
        assert peer.headers["content-type"] == "application/json"
    assert not api.plane.change_feed._streams


# The end of a stream


async def test_sign_out_ends_the_stream(api: Api) -> None:
    user = await signed_in(api)
    async with streamed(api.app, headers=user) as peer:
        await peer.events(1)
        await api.client(user).post("/api/v1/auth/logout")
        error = await closed_with(peer)
    assert (error["code"], error["message"]) == ("AUTH_FAILED", "token: its session has ended; sign in again")


async def test_expiry_of_the_token_ends_the_stream(api: Api) -> None:
    expired = Principal(Role.ADMIN, "me", expires_at=api.plane.clock.now() / MICROSECONDS_PER_SECOND)
    async with streamed(api.app, await a_stream(api, expired)) as peer:
        error = await closed_with(peer)
    assert (error["code"], error["message"]) == (
        "AUTH_FAILED",
        "token: it has expired; connect again with a fresh one",
    )


async def test_drain_ends_the_streams_and_refuses_new_ones(api: Api) -> None:
    async with streamed(api.app, await a_stream(api, poll_seconds=WITHOUT_A_POLL)) as peer:
        await peer.events(1)
        async with asyncio.timeout(5):
            await api.plane.drain()
        error = await closed_with(peer)
    assert (error["code"], error["message"]) == ("INTERNAL_ERROR", "the server is stopping; connect again")
    answer = await api.admin.get(EVENTS, headers={"Accept": "text/event-stream"})
    assert error_of(answer, 503)[1] == "the server is stopping; connect again"
    assert (await api.admin.get(EVENTS)).status_code == 200, "pages are answered until the end"


async def test_client_that_leaves_ends_the_stream(api: Api) -> None:
    async with streamed(api.app, headers=ADMIN) as peer:
        await peer.events(1)
        assert open_streams(api) == 1
    assert open_streams(api) == 0
    assert not api.plane.change_feed._streams


async def test_client_that_leaves_while_it_does_not_read_ends_the_stream(api: Api) -> None:
    await submit(api)
    async with streamed(api.app, headers=ADMIN, reads=False) as peer:
        peer.leave()
        async with asyncio.timeout(5):
            while open_streams(api):
                await asyncio.sleep(0)


# Slow clients


async def test_stream_reads_the_store_only_as_fast_as_its_client(api: Api) -> None:
    await api.post("/jobs/batch", {"jobs": [{"workflow_id": "w"}] * (3 * PAGE)})
    pages = 0
    real = api.plane.change_feed.page

    class Counting(ChangeFeed):
        async def page(self, *arguments: Any) -> Any:
            nonlocal pages
            pages += 1
            return await real(*arguments)

    api.plane.change_feed = Counting(api.plane.store, api.plane.events, api.plane.clock)
    async with streamed(api.app, headers=ADMIN, reads=False) as peer:
        await submit(api, *["default"] * 20)
        assert pages == 1
        peer.reading.set()
        assert numbers_of(await peer.events(3 * PAGE + 21)) == list(range(1, 3 * PAGE + 21))


@pytest.mark.slow
async def test_client_that_is_slower_than_retention_gets_the_oldest_position(api: Api) -> None:
    await ended(api, PAGE)  # two pages
    async with streamed(api.app, headers=ADMIN, reads=False) as peer:
        await delete_ended(api, PAGE)
        await submit(api)
        peer.reading.set()
        error = await closed_with(peer)
    epoch = (await api.plane.store.stream()).epoch
    assert error["oldest"] == f"{epoch}:{2 * PAGE}"
    assert "deleted by retention" in error["message"]


async def test_open_streams_of_a_credential_are_limited(api: Api) -> None:
    api.plane.change_feed = ChangeFeed(api.plane.store, api.plane.events, api.plane.clock, max_streams=1)
    theirs = await acme(api)
    async with streamed(api.app, headers=ADMIN):
        answer = await api.admin.get(EVENTS, headers={"Accept": "text/event-stream"})
        code, message = error_of(answer, 429)
        assert (code, answer.headers["retry-after"]) == ("RATE_LIMITED", "10")
        assert message == "1 streams of this credential are open; close some, or read pages"
        assert (await api.admin.get(EVENTS)).status_code == 200
        async with streamed(api.app, headers=dict(theirs.headers) | {"accept": "text/event-stream"}) as peer:
            assert peer.status == 200
    async with streamed(api.app, headers=ADMIN) as peer:
        assert peer.status == 200


def test_default_limit_is_the_documented_one() -> None:
    assert MAX_STREAMS == 50
