"""Login sessions and valid keys in every store."""

import asyncio
from dataclasses import replace

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import LoginSession, RobotKey
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import START, at


async def test_valid_keys_exist_and_are_not_revoked(store: Store) -> None:
    for key_id in ("key-1", "key-2", "key-3"):
        await store.add_key(RobotKey(key_id, "robot-1", "default", "digest", START), audit=AN_ENTRY)
    await store.revoke_key("robot-1", "key-2", at(1), audit=AN_ENTRY)
    assert await store.valid_keys(["key-1", "key-2", "nobodys"]) == {"key-1"}
    assert await store.valid_keys([]) == set()


async def test_login_sessions_are_open_until_ended_once_or_expired(store: Store) -> None:
    first = LoginSession("lgn-1", "admin", None, "192.0.2.1", at(0), at(100), "digest")
    second = LoginSession("lgn-2", "ben", "acme", "192.0.2.2", at(10), at(110), "digest")
    for login in (first, second):
        assert await store.add_login(login, audit=AN_ENTRY)
    assert not await store.add_login(replace(first, username="other"), audit=AN_ENTRY)
    assert await store.login("lgn-1") == first
    assert await store.login("nobodys") is None
    assert await store.open_logins(at(20)) == [second, first]
    await store.extend_login("lgn-1", at(103))
    assert await store.open_logins(at(102)) == [second, replace(first, expires_at=at(103))]
    await store.extend_login("lgn-1", at(100))
    await store.extend_login("nobodys", at(100))
    assert await store.end_login("lgn-2", at(30), audit=AN_ENTRY)
    assert not await store.end_login("lgn-2", at(40), audit=AN_ENTRY)
    await store.extend_login("lgn-2", at(900))
    assert not await store.end_login("nobodys", at(40), audit=AN_ENTRY)
    assert await store.open_logins(at(99)) == [first]
    assert await store.open_logins(at(100)) == []
    found = {login.login_id: login.ended_at for login in await store.logins(["lgn-1", "lgn-2", "nobodys"])}
    assert found == {"lgn-1": None, "lgn-2": at(30)}
    await store.delete_logins(at(105))
    assert [login.login_id for login in await store.logins(["lgn-1", "lgn-2"])] == ["lgn-2"]


async def test_ticket_is_spent_once_until_its_row_is_deleted(store: Store) -> None:
    spends = await asyncio.gather(*(store.spend("tkt-1", at(30)) for _ in range(5)))
    assert sorted(spends) == [False] * 4 + [True]
    assert await store.spend("tkt-2", at(31))
    assert await store.spent(["tkt-1", "tkt-2", "tkt-3"]) == {"tkt-1", "tkt-2"}
    assert await store.spent([]) == set()
    await store.delete_spent(at(30))
    assert not await store.spend("tkt-1", at(30))
    await store.delete_spent(at(31))
    assert await store.spend("tkt-1", at(30)), "its row is deleted"
    assert not await store.spend("tkt-2", at(31))


LIMIT = RateLimit(per_second=0.5, burst=3)


async def test_attempts_over_the_burst_follow_each_other_at_the_rate(store: Store) -> None:
    waits = [await store.attempt("admin", LIMIT, at(0)) for _ in range(5)]
    assert waits == [0, 0, 0, 2, 4]
    assert await store.attempt("ben", LIMIT, at(0)) == 0
    assert await store.attempt("admin", LIMIT, at(4)) == 2, "two more have been free since"
    assert await store.attempt("admin", LIMIT, at(100)) == 0
    assert [await store.attempt("admin", LIMIT, at(100)) for _ in range(3)] == [0, 0, 2]


async def test_attempts_at_the_same_time_are_counted_one_after_the_other(store: Store) -> None:
    waits = await asyncio.gather(*(store.attempt("admin", LIMIT, at(0)) for _ in range(6)))
    assert sorted(waits) == [0, 0, 0, 2, 4, 6]


async def test_attempt_of_a_clock_that_was_wrong_delays_for_a_minute_at_most(store: Store) -> None:
    await store.attempt("admin", LIMIT, at(1_000_000))
    assert await store.attempt("admin", LIMIT, at(0)) == 62
    assert await store.attempt("admin", LIMIT, at(68)) == 0


async def test_sign_in_code_is_used_once_before_it_expires_and_the_number_of_unused_ones_is_limited(
    store: Store,
) -> None:
    for digest in ("one", "two"):
        assert await store.add_sign_in_code(digest, at(600), at(0), 2)
    assert not await store.add_sign_in_code("three", at(600), at(0), 2)
    uses = await asyncio.gather(*(store.use_sign_in_code("one", at(10)) for _ in range(4)))
    assert sorted(uses) == [False, False, False, True]
    assert await store.add_sign_in_code("three", at(610), at(10), 2)
    assert not await store.use_sign_in_code("two", at(600)), "it has expired"
    assert await store.add_sign_in_code("four", at(1200), at(600), 2), "expired ones do not count"
    assert not await store.use_sign_in_code("nobodys", at(600))
