"""Failed keys and tokens have a budget, and appear as counts per minute in the log and in the audit trail."""

import asyncio
import logging

import pytest

from casare_rpa.domain.audit import AuditEntry
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.refused_credentials import (
    ACTION,
    BUDGET,
    DELAY_SECONDS,
    OTHERS,
    RefusedCredentials,
)
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from fake_clock import FakeClock
from security.held_plane import KEY, PASSWORD, ROBOT, HeldStore, Socket, signed_in, stays

ADDRESS = "192.0.2.1"
WRONG_KEY = AuthError("missing, unknown or revoked", field="api_key")


async def entries(store: HeldStore) -> list[AuditEntry]:
    return (await store.audit(None, [ACTION], 500, None))[::-1]


async def answered(plane: ControlPlane, clock: FakeClock, path: str, query: str) -> int:
    """The close code of a refused connection, which may be answered late."""
    socket = Socket(plane, path, query).connect()
    closing = asyncio.create_task(socket.closed())
    while not closing.done():
        await asyncio.sleep(0)
        if clock.sleeping:
            clock.advance(DELAY_SECONDS)
    return await closing


async def test_refusals_of_every_kind_are_counted_by_address_and_kind(
    plane: ControlPlane, store: HeldStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    token = await signed_in(plane)
    ticket = "tkt_" + "x" * 43
    attempts = [
        (f"/ws/robot/{ROBOT}", "api_key=crpa_wrong", "api_key"),
        (f"/ws/robot/{ROBOT}", "", "api_key"),
        ("/ws/robot/another", f"api_key={KEY}", "forbidden"),
        ("/ws/admin", "api_secret=wrong-secret", "api_secret"),
        ("/ws/admin", f"api_secret={ticket}", "ticket"),
        ("/ws/monitoring/live-jobs", "token=a.b.c", "token"),
        ("/ws/logs", f"token={token}x", "token"),
    ]
    for path, query, _ in attempts:
        await answered(plane, clock, path, query)
    guess = asyncio.create_task(plane.logins.sign_in("admin", "guess", ADDRESS, stays))
    while not guess.done():
        await asyncio.sleep(0)
        if clock.sleeping:
            clock.advance(DELAY_SECONDS)
    error = guess.exception()
    assert isinstance(error, AuthError)
    await plane.refused_credentials.note(ADDRESS, error)
    with caplog.at_level(logging.WARNING):
        await plane.refused_credentials.report()
    found = {(entry.target, entry.note.split(" since ")[0]) for entry in await entries(store)}
    assert found == {
        ("127.0.0.1", "2 api_key"),
        ("127.0.0.1", "1 forbidden"),
        ("127.0.0.1", "1 api_secret"),
        ("127.0.0.1", "1 ticket"),
        ("127.0.0.1", "2 token"),
        (ADDRESS, "1 password"),
    }
    assert len([record for record in caplog.records if "refused credentials" in record.message]) == 6
    for secret in ("crpa_wrong", "wrong-secret", ticket, token, "guess", PASSWORD):
        assert secret not in caplog.text
        assert not any(secret in entry.note for entry in await entries(store))


async def test_address_over_its_budget_waits_a_second_for_each_refusal(store: HeldStore, clock: FakeClock) -> None:
    refused = RefusedCredentials(store, clock)
    for _ in range(int(BUDGET.burst)):
        await refused.note(ADDRESS, WRONG_KEY)
    assert clock.sleeping == []
    late = asyncio.create_task(refused.note(ADDRESS, WRONG_KEY))
    await asyncio.sleep(0)
    assert clock.sleeping == [DELAY_SECONDS]
    await refused.note("198.51.100.7", WRONG_KEY)
    clock.advance(DELAY_SECONDS)
    await late
    clock.advance(BUDGET.burst / BUDGET.per_second)
    await refused.note(ADDRESS, WRONG_KEY)
    assert clock.sleeping == [], "the budget comes back"


async def test_valid_credential_of_an_address_over_its_budget_does_not_wait(
    plane: ControlPlane, clock: FakeClock
) -> None:
    for _ in range(int(BUDGET.burst)):
        await plane.refused_credentials.note("127.0.0.1", WRONG_KEY)
    wrong = Socket(plane, f"/ws/robot/{ROBOT}", "api_key=crpa_wrong").connect()
    right = Socket(plane, f"/ws/robot/{ROBOT}", f"api_key={KEY}").connect()
    await right.opened()
    assert wrong.sent == []
    clock.advance(DELAY_SECONDS)
    assert await wrong.closed() == CloseCode.AUTH_FAILED
    await right.leaves()


@pytest.mark.parametrize(
    "error",
    [
        AuthError("not for this", CloseCode.FORBIDDEN, field="api_key"),
        AuthError("it has expired", CloseCode.AUTH_EXPIRED, field="token"),
        AuthError("wrong", field="username or password"),
    ],
)
async def test_refusals_other_than_guesses_cost_no_budget(error: AuthError, store: HeldStore, clock: FakeClock) -> None:
    refused = RefusedCredentials(store, clock)
    for _ in range(int(BUDGET.burst) + 1):
        await refused.note(ADDRESS, error)
    assert clock.sleeping == []


async def test_key_that_is_sent_again_in_the_url_is_one_guess(
    plane: ControlPlane, store: HeldStore, clock: FakeClock
) -> None:
    for number in range(BUDGET.burst):
        key = f"crpa_wrong{number}"
        for query in (f"api_key={key}", f"api_key={key}&since="):
            assert await Socket(plane, f"/ws/robot/{ROBOT}", query).connect().closed() == CloseCode.AUTH_FAILED
            assert not clock.sleeping
    last = asyncio.create_task(Socket(plane, f"/ws/robot/{ROBOT}", "api_key=crpa_other").connect().closed())
    while not clock.sleeping:
        await asyncio.sleep(0)
    clock.advance(DELAY_SECONDS)
    assert await last == CloseCode.AUTH_FAILED


async def test_report_and_memory_are_bounded_for_any_number_of_addresses(store: HeldStore, clock: FakeClock) -> None:
    refused = RefusedCredentials(store, clock, entries=3, addresses=10)
    for number in range(50):
        for _ in range(1 + (number < 3)):
            await refused.note(f"203.0.113.{number}", WRONG_KEY)
    assert len(refused) <= 10 + 11
    await refused.report()
    found = [(entry.target, int(entry.note.split()[0])) for entry in await entries(store)]
    assert sum(number for _, number in found) == 53, "every refusal is counted"
    assert len(found) <= 3 + 1 + 1
    assert OTHERS in {target for target, _ in found}
    await refused.report()
    assert len(await entries(store)) == len(found), "nothing is reported twice"


async def test_counts_of_the_last_minute_are_written_at_the_stop(plane: ControlPlane, store: HeldStore) -> None:
    await plane.refused_credentials.note(ADDRESS, WRONG_KEY)
    await plane.drain()
    assert [(entry.target, entry.by) for entry in await entries(store)] == [(ADDRESS, "unauthenticated")]
