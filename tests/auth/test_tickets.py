"""Tickets for WebSocket connections of a web page: valid once, for one endpoint, for seconds, on every instance."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, ProtocolError, RateLimited
from casare_rpa.domain.limits import MAX_QUERY_BYTES
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.session_tokens import SessionTokens
from casare_rpa.infrastructure.orchestrator.auth.tickets import MOST_EACH, TICKET_SECONDS, Tickets, is_ticket
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database

ANA = Principal(Role.ADMIN, "ana", tenant_id="acme", expires_at=1000.5, login_id="lgn-1")
KEY = b"signing-key-of-the-ticket-tests-Zm9vYmFy"
OTHER_KEY = b"another-key-of-the-ticket-tests-Zm9vYmFy"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await SqliteStore.open(new_database(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def tickets(store: Store, clock: FakeClock) -> Tickets:
    return an_instance(store, clock)


def an_instance(store: Store, clock: FakeClock, *, key: bytes = KEY, made_under: str = "digest") -> Tickets:
    return Tickets(store, clock, signing_key=key, made_under=made_under)


async def refusal(tickets: Tickets, text: str, endpoint: str) -> CloseCode:
    with pytest.raises(AuthError) as refused:
        await tickets.redeem(text, endpoint)
    assert text not in str(refused.value)
    return refused.value.close_code


async def test_ticket_authenticates_its_holder_once(tickets: Tickets, clock: FakeClock) -> None:
    text, expires_at = await tickets.issue("/ws/admin", ANA)
    assert is_ticket(text)
    assert expires_at == clock.now() + TICKET_SECONDS * 1_000_000
    assert await tickets.redeem(text, "/ws/admin") == ANA
    assert await refusal(tickets, text, "/ws/admin") is CloseCode.AUTH_EXPIRED


@pytest.mark.parametrize(
    "holder",
    [
        Principal(Role.ADMIN, "admin"),
        Principal(Role.VIEWER, "viewer Halle 3 – größer", "acme", expires_at=1.25, login_id="vlk"),
        Principal(Role.ADMIN, "\N{GRINNING FACE}" * 256),
    ],
)
async def test_ticket_carries_the_whole_principal_and_fits_into_an_address(tickets: Tickets, holder: Principal) -> None:
    endpoint = "/ws/logs/" + "r" * 64
    text, _ = await tickets.issue(endpoint, holder)
    assert len(f"api_secret={text}") < MAX_QUERY_BYTES / 2
    assert await tickets.redeem(text, endpoint) == holder


async def test_ticket_expires_after_seconds(tickets: Tickets, clock: FakeClock) -> None:
    (early, _), (late, _) = await tickets.issue("/ws/logs", ANA), await tickets.issue("/ws/logs", ANA)
    clock.advance(TICKET_SECONDS - 0.1)
    assert await tickets.redeem(early, "/ws/logs") == ANA
    clock.advance(0.1)
    assert await refusal(tickets, late, "/ws/logs") is CloseCode.AUTH_EXPIRED


async def test_ticket_is_for_one_endpoint_and_used_up_by_an_attempt(tickets: Tickets) -> None:
    text, _ = await tickets.issue("/ws/logs/alpha", ANA)
    assert await refusal(tickets, text, "/ws/logs/beta") is CloseCode.FORBIDDEN
    assert await refusal(tickets, text, "/ws/logs/alpha") is CloseCode.AUTH_EXPIRED


async def test_ticket_works_once_after_a_restart_and_expires_there(tmp_path: Path, clock: FakeClock) -> None:
    before = await SqliteStore.open(new_database(tmp_path))
    issuer = an_instance(before, clock)
    (used, _), (unused, _), (late, _) = [await issuer.issue("/ws/admin", ANA) for _ in range(3)]
    assert await issuer.redeem(used, "/ws/admin") == ANA
    await before.close()
    after = await SqliteStore.open(tmp_path / "casare.db")
    restarted = an_instance(after, clock)
    assert await restarted.redeem(unused, "/ws/admin") == ANA
    for spent in (used, unused):
        assert await refusal(restarted, spent, "/ws/admin") is CloseCode.AUTH_EXPIRED
    clock.advance(TICKET_SECONDS)
    assert await refusal(restarted, late, "/ws/admin") is CloseCode.AUTH_EXPIRED
    await after.close()


async def test_of_many_uses_at_once_on_several_instances_one_succeeds(store: Store, clock: FakeClock) -> None:
    instances = [an_instance(store, clock) for _ in range(3)]
    text, _ = await instances[0].issue("/ws/admin", ANA)
    uses = [one.redeem(text, "/ws/admin") for one in instances * 4]
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, AuthError)] == [ANA]


@pytest.mark.parametrize("changed", [{"key": OTHER_KEY}, {"made_under": "another digest"}])
async def test_changed_secret_invalidates_tickets(
    changed: dict[str, object], tickets: Tickets, store: Store, clock: FakeClock
) -> None:
    text, _ = await tickets.issue("/ws/admin", ANA)
    assert await refusal(an_instance(store, clock, **changed), text, "/ws/admin") is CloseCode.AUTH_EXPIRED  # type: ignore[arg-type]
    assert await tickets.redeem(text, "/ws/admin") == ANA, "a refused one is not used up"


async def test_forged_tickets_are_refused(tickets: Tickets, clock: FakeClock) -> None:
    text, _ = await tickets.issue("/ws/admin", ANA)
    header, content, signature = text.removeprefix("tkt_").split(".")
    unsigned = jwt.encode({}, None, algorithm="none").split(".")[0]
    token, _ = SessionTokens(KEY, 600, clock).issue("admin")
    forged = [
        "",
        "x",
        f"{header}.{content}.",
        f"{unsigned}.{content}.",
        f"{header}.{content[:-2]}.{signature}",
        f"{header}.{content}.{signature[:-3]}AAA",
        token,
        jwt.encode({"ticket_id": "1", "endpoint": "/ws/admin"}, KEY, algorithm="HS256"),
    ]
    for one in forged:
        assert await refusal(tickets, f"tkt_{one}", "/ws/admin") is CloseCode.AUTH_EXPIRED


@pytest.mark.parametrize("prefix", ["", "tkt_"])
async def test_ticket_is_not_accepted_as_a_token(prefix: str, tickets: Tickets, clock: FakeClock) -> None:
    text, _ = await tickets.issue("/ws/admin", ANA)
    with pytest.raises(AuthError):
        SessionTokens(KEY, 600, clock).principal_of(prefix + text.removeprefix("tkt_"))


@pytest.mark.parametrize(
    "endpoint", ["", "/ws/robot/alpha", "/ws/admin/", "/ws/logs/a/b", "/api/v1/jobs", "/ws/monitoring/x"]
)
async def test_endpoint_without_tickets_is_refused(tickets: Tickets, endpoint: str) -> None:
    with pytest.raises(ProtocolError, match="endpoint"):
        await tickets.issue(endpoint, ANA)


async def test_number_of_unused_tickets_per_user_is_limited(tickets: Tickets, clock: FakeClock) -> None:
    texts = [(await tickets.issue("/ws/admin", ANA))[0] for _ in range(MOST_EACH)]
    with pytest.raises(RateLimited):
        await tickets.issue("/ws/admin", ANA)
    await tickets.issue("/ws/admin", Principal(Role.ADMIN, "ben"))
    await tickets.redeem(texts[0], "/ws/admin")
    await tickets.issue("/ws/admin", ANA)
    with pytest.raises(RateLimited):
        await tickets.issue("/ws/admin", ANA)
    clock.advance(TICKET_SECONDS)
    await tickets.issue("/ws/admin", ANA)


async def test_tickets_that_another_instance_accepted_do_not_count_as_unused(store: Store, clock: FakeClock) -> None:
    first, second = an_instance(store, clock), an_instance(store, clock)
    texts = [(await first.issue("/ws/admin", ANA))[0] for _ in range(MOST_EACH)]
    for text in texts[:2]:
        await second.redeem(text, "/ws/admin")
    for _ in range(2):
        await first.issue("/ws/admin", ANA)
    with pytest.raises(RateLimited):
        await first.issue("/ws/admin", ANA)
