"""Login sessions and valid keys in every store."""

import asyncio
from dataclasses import replace

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import LoginSession, RobotKey
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
    await store.delete_spent(at(30))
    assert not await store.spend("tkt-1", at(30))
    await store.delete_spent(at(31))
    assert await store.spend("tkt-1", at(30)), "its row is deleted"
    assert not await store.spend("tkt-2", at(31))
