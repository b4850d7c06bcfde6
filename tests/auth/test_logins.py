"""Sign-ins: one row for each, and tokens that end with it; with the real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, Conflict, NotFound
from casare_rpa.domain.instants import after
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.auth.login_turns import LoginTurns
from casare_rpa.infrastructure.orchestrator.auth.logins import Logins, SessionLife
from casare_rpa.infrastructure.orchestrator.auth.view_links import ViewLinks
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, OrdersGiven
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database
from security.held_plane import ADMIN, API_SECRET, PASSWORD, settings, stays

ADDRESS = "192.0.2.1"
IDLE_SECONDS, MAX_SECONDS = 4 * 3600, 12 * 3600
ALMOST = MAX_SECONDS - 60


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(new_database(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def authenticator(store: SqliteStore, clock: FakeClock, tmp_path: Path) -> Authenticator:
    return Authenticator(store, settings(tmp_path), clock)


@pytest.fixture
def orders() -> list[OrdersGiven]:
    """The orders for other instances."""
    return []


@pytest.fixture
def events(orders: list[OrdersGiven]) -> EventBus:
    events = EventBus()

    def note(event: OrdersGiven) -> None:
        orders.append(event)

    events.subscribe(note)
    return events


@pytest.fixture
def logins(store: SqliteStore, authenticator: Authenticator, events: EventBus, clock: FakeClock) -> Logins:
    life = SessionLife(IDLE_SECONDS, MAX_SECONDS)
    return Logins(store, authenticator, LoginTurns(store, clock), events, Hub(), clock, life)


async def test_sign_in_returns_a_token_of_a_new_session(
    logins: Logins, authenticator: Authenticator, clock: FakeClock
) -> None:
    (token, expires_in, username, _), *_ = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    who = await authenticator.bearer(token)
    assert (who.role, who.name, who.tenant_id, expires_in) == (Role.ADMIN, username, None, 900)
    assert username == "admin"
    (session,) = await logins.open_sessions(ADMIN)
    assert (session.login_id, session.address, session.signed_in_at) == (who.login_id, ADDRESS, clock.now())
    assert session.expires_at == after(clock.now(), IDLE_SECONDS)


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("nobody", PASSWORD), ("Admin", PASSWORD), ("admin", API_SECRET)]
)
async def test_password_must_be_that_of_the_user(authenticator: Authenticator, username: str, password: str) -> None:
    assert not authenticator.right_password(username, password)
    assert authenticator.right_password("admin", PASSWORD)


async def test_session_in_use_lasts_for_the_longest_time_and_no_token_lasts_longer(
    logins: Logins, authenticator: Authenticator, clock: FakeClock
) -> None:
    (token, *_), *_ = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    for _ in range(ALMOST // 600):
        clock.advance(600)
        token, expires_in, *_ = await logins.refresh(token)
    assert expires_in == MAX_SECONDS - ALMOST // 600 * 600
    clock.advance(expires_in - 1)
    assert await authenticator.bearer(token)
    clock.advance(1)
    with pytest.raises(AuthError) as refused:
        await logins.refresh(token)
    assert refused.value.close_code is CloseCode.AUTH_EXPIRED
    assert await logins.open_sessions(ADMIN) == []


async def test_session_without_a_renewal_ends_after_the_idle_time(logins: Logins, clock: FakeClock) -> None:
    used = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    unused = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    clock.advance(IDLE_SECONDS - 1)
    await logins.resume(used.cookie)
    clock.advance(1)
    with pytest.raises(AuthError, match="its session has ended"):
        await logins.resume(unused.cookie)
    (open_session,) = await logins.open_sessions(ADMIN)
    assert open_session.expires_at == after(clock.now(), IDLE_SECONDS - 1)
    clock.advance(IDLE_SECONDS - 1)
    with pytest.raises(AuthError, match="its session has ended"):
        await logins.resume(used.cookie)


async def test_shorter_limits_hold_for_open_sessions(
    store: SqliteStore, authenticator: Authenticator, logins: Logins, clock: FakeClock
) -> None:
    first = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    clock.advance(600)
    shorter = Logins(
        store, authenticator, LoginTurns(store, clock), EventBus(), Hub(), clock, SessionLife(IDLE_SECONDS, 600)
    )
    with pytest.raises(AuthError, match="its session has ended"):
        await shorter.resume(first.cookie)
    assert await logins.open_sessions(ADMIN) == []


async def test_ended_session_is_not_renewed(logins: Logins, authenticator: Authenticator) -> None:
    signed_in = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    await logins.sign_out(await authenticator.bearer(signed_in.token.text))
    with pytest.raises(AuthError, match="its session has ended"):
        await logins.resume(signed_in.cookie)


async def test_session_ends_once(logins: Logins, authenticator: Authenticator) -> None:
    (token, *_), *_ = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    who = await authenticator.bearer(token)
    await logins.sign_out(who)
    with pytest.raises(NotFound):
        await logins.end_session(ADMIN, str(who.login_id))
    with pytest.raises(Conflict):
        await logins.sign_out(ADMIN)


async def test_end_of_a_session_or_link_is_an_order_for_other_instances(
    logins: Logins,
    store: SqliteStore,
    authenticator: Authenticator,
    events: EventBus,
    clock: FakeClock,
    orders: list[OrdersGiven],
) -> None:
    (token, *_), *_ = await logins.sign_in("admin", PASSWORD, ADDRESS, stays)
    links = ViewLinks(store, authenticator, events, Hub(), clock, b"seed of the tests")
    link = (await links.create_link(ADMIN, "lobby", 1, None)).link
    assert orders == []
    await logins.sign_out(await authenticator.bearer(token))
    with pytest.raises(NotFound):
        await logins.end_session(ADMIN, "lgn-unknown")
    assert len(orders) == 1
    await links.revoke_link(ADMIN, link.login_id)
    assert len(orders) == 2


async def test_sessions_belong_to_admins_of_all_tenants(logins: Logins) -> None:
    for who in (Principal(Role.ADMIN, "ana", tenant_id="acme"), Principal(Role.ROBOT, "robot", "default", "robot")):
        with pytest.raises(AuthError):
            await logins.open_sessions(who)
        with pytest.raises(AuthError):
            await logins.end_session(who, "lgn-1")
