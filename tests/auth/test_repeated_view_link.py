"""A request for a view link with an idempotency key can be repeated for a day; with the real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.credentials import SECRET_REPEAT_SECONDS, Principal, Role
from casare_rpa.domain.errors import Conflict
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.auth.view_links import MOST_LINKS, ViewLinks
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database
from security.held_plane import ADMIN, settings

DAYS = 365


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def links(tmp_path: Path, clock: FakeClock) -> AsyncIterator[ViewLinks]:
    store = await SqliteStore.open(new_database(tmp_path))
    authenticator = Authenticator(store, settings(tmp_path), clock)
    yield ViewLinks(store, authenticator, EventBus(), Hub(), clock, b"seed of the tests")
    await store.close()


async def test_repeated_request_returns_the_same_link_for_a_day(links: ViewLinks, clock: FakeClock) -> None:
    first = await links.create_link(ADMIN, "lobby", DAYS, "once")
    clock.advance(SECRET_REPEAT_SECONDS)
    assert await links.create_link(ADMIN, "lobby", DAYS, "once") == first
    assert await links.open_links(ADMIN) == [first.link]
    clock.advance(1)
    with pytest.raises(Conflict, match="use another") as caught:
        await links.create_link(ADMIN, "lobby", DAYS, "once")
    assert caught.value.field == "Idempotency-Key"


async def test_each_user_and_idempotency_key_has_its_own_link(links: ViewLinks) -> None:
    other = Principal(Role.ADMIN, "another")
    asked = [(ADMIN, "a"), (ADMIN, "b"), (other, "a"), (ADMIN, None), (ADMIN, None)]
    codes = {(await links.create_link(user, "lobby", DAYS, key)).code for user, key in asked}
    assert len(codes) == len(asked)


async def test_last_link_can_be_asked_for_again(links: ViewLinks) -> None:
    made = [await links.create_link(ADMIN, "lobby", DAYS, str(number)) for number in range(MOST_LINKS)]
    assert await links.create_link(ADMIN, "lobby", DAYS, str(MOST_LINKS - 1)) == made[-1]
    with pytest.raises(Conflict, match=f"there are {MOST_LINKS} view links"):
        await links.create_link(ADMIN, "lobby", DAYS, "more")
