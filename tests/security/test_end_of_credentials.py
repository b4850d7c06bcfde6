"""A revoked key and a sign-out close every socket and invalidate every token, at any time."""

import asyncio
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.credential_checks import RECHECK_SECONDS, CredentialChecks
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.clock import StoreClock
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from fake_clock import FakeClock
from hub.fake_peer import FakePeer
from security.held_plane import (
    ADMIN,
    API_SECRET,
    KEY,
    PASSWORD,
    ROBOT,
    HeldStore,
    Socket,
    settings,
    signed_in,
    stays,
)

REVOKED, FORBIDDEN = CloseCode.AUTH_FAILED, CloseCode.FORBIDDEN
WITH_A_KEY = {
    "robot": f"/ws/robot/{ROBOT}?api_key={KEY}",
    "live jobs": f"/ws/monitoring/live-jobs?token={KEY}",
    "live jobs with a snapshot": f"/ws/monitoring/live-jobs?since=start&token={KEY}",
    "robot status": f"/ws/monitoring/robot-status?token={KEY}",
    "queue metrics": f"/ws/monitoring/queue-metrics?token={KEY}",
}
WITH_A_TOKEN = {
    "admin": "/ws/admin?token=",
    "logs": "/ws/logs?token=",
    "logs of a robot": "/ws/logs/any?token=",
    "live jobs": "/ws/monitoring/live-jobs?token=",
    "robot status": "/ws/monitoring/robot-status?token=",
    "queue metrics": "/ws/monitoring/queue-metrics?token=",
}


def socket(plane: ControlPlane, address: str) -> Socket:
    path, _, query = address.partition("?")
    return Socket(plane, path, query)


async def holder(plane: ControlPlane, token: str) -> Principal:
    return await plane.authenticator.bearer(token)


async def refusal(plane: ControlPlane, token: str) -> CloseCode:
    with pytest.raises(AuthError) as refused:
        await plane.authenticator.bearer(token)
    return refused.value.close_code


async def principal_of_the_only_session(plane: ControlPlane, expected: Principal) -> None:
    (session,) = plane.hub.sessions
    async with asyncio.timeout(5):
        while session.principal != expected:
            await asyncio.sleep(0)


@pytest.mark.parametrize("kind", WITH_A_KEY)
async def test_key_revoked_between_its_look_up_and_the_connection_closes_it(
    kind: str, plane: ControlPlane, store: HeldStore
) -> None:
    held = store.hold_next()
    late = socket(plane, WITH_A_KEY[kind]).connect()
    await held.reached.wait()
    await plane.commands.robots.revoke_key(ADMIN, ROBOT, "keyidkeyid")
    assert late.close_code is None
    held.released.set()
    await late.opened()
    await plane.credential_checks.check_due()
    assert await late.closed() == REVOKED
    assert len(plane.hub.sessions) == len(plane.credential_checks) == 0


@pytest.mark.parametrize("by_ticket", [False, True], ids=["token", "ticket"])
@pytest.mark.parametrize("kind", WITH_A_TOKEN)
async def test_sign_out_between_the_look_up_and_the_connection_closes_it(
    kind: str, by_ticket: bool, plane: ControlPlane, store: HeldStore
) -> None:
    token = await signed_in(plane)
    who = await holder(plane, token)
    address = WITH_A_TOKEN[kind]
    credential = (await plane.tickets.issue(address.partition("?")[0], who))[0] if by_ticket else token
    held = store.hold_next()
    late = socket(plane, address + credential).connect()
    await held.reached.wait()
    await plane.logins.sign_out(who)
    held.released.set()
    await late.opened()
    await plane.credential_checks.check_due()
    assert await late.closed() == REVOKED
    assert len(plane.hub.sessions) == len(plane.credential_checks) == 0


async def test_sign_out_during_the_look_up_of_a_refresh_closes_the_connection(
    plane: ControlPlane, store: HeldStore
) -> None:
    first, second = await signed_in(plane), await signed_in(plane)
    watcher = socket(plane, WITH_A_TOKEN["live jobs"] + first).connect()
    await watcher.opened()
    await plane.credential_checks.check_due()
    other = await holder(plane, second)
    held = store.hold_next()
    watcher.says({"type": "auth_refresh", "payload": {"token": second}})
    await held.reached.wait()
    await plane.logins.sign_out(other)
    held.released.set()
    await principal_of_the_only_session(plane, other)
    assert watcher.close_code is None
    await plane.credential_checks.check_due()
    assert await watcher.closed() == REVOKED


async def test_refresh_makes_the_connection_due_again(plane: ControlPlane, store: HeldStore) -> None:
    first, second = await signed_in(plane), await signed_in(plane)
    watcher = socket(plane, WITH_A_TOKEN["live jobs"] + first).connect()
    await watcher.opened()
    held = store.hold_next()
    checking = asyncio.create_task(plane.credential_checks.check_due())
    await held.reached.wait()
    other = await holder(plane, second)
    watcher.says({"type": "auth_refresh", "payload": {"token": second}})
    await principal_of_the_only_session(plane, other)
    await store.end_login(other.login_id or "", plane.clock.now(), audit=AN_ENTRY)
    held.released.set()
    await checking
    assert await watcher.closed() == REVOKED


async def test_regular_round_closes_within_seconds(store: HeldStore, tmp_path: Path) -> None:
    async with ControlPlane.started(settings(tmp_path), store, StoreClock(), EventBus()) as plane:
        held = store.hold_next()
        late = socket(plane, WITH_A_KEY["robot"]).connect()
        await held.reached.wait()
        await plane.commands.robots.revoke_key(ADMIN, ROBOT, "keyidkeyid")
        held.released.set()
        assert await late.closed() == REVOKED


@pytest.mark.parametrize("kind", WITH_A_KEY)
async def test_key_revoked_by_another_instance_closes_within_a_minute(
    kind: str, plane: ControlPlane, store: HeldStore, clock: FakeClock
) -> None:
    peer = socket(plane, WITH_A_KEY[kind]).connect()
    await peer.opened()
    await plane.credential_checks.check_due()
    await store.revoke_key(ROBOT, "keyidkeyid", clock.now(), audit=AN_ENTRY)
    clock.advance(RECHECK_SECONDS - 0.1)
    await plane.credential_checks.check_due()
    assert peer.close_code is None
    clock.advance(0.1)
    await plane.credential_checks.check_due()
    assert await peer.closed() == REVOKED


async def test_valid_credentials_are_checked_repeatedly_and_stay(plane: ControlPlane, clock: FakeClock) -> None:
    token = await signed_in(plane)
    peers = [
        socket(plane, address).connect()
        for address in (WITH_A_KEY["robot"], WITH_A_TOKEN["admin"] + token, f"/ws/admin?api_secret={API_SECRET}")
    ]
    for peer in peers:
        await peer.opened()
    for _ in range(3):
        await plane.credential_checks.check_due()
        clock.advance(RECHECK_SECONDS)
    assert [peer.close_code for peer in peers] == [None] * 3
    assert len(plane.credential_checks) == 2, "the admin secret changes at a restart only"
    for peer in peers:
        await peer.leaves()
    assert len(plane.credential_checks) == 0


async def test_one_read_checks_many_connections_and_a_round_checks_all(
    plane: ControlPlane, store: HeldStore, clock: FakeClock
) -> None:
    checks = CredentialChecks(plane.authenticator, clock, sessions_per_read=2)
    peers = [FakePeer(clock, robot_id=f"robot-{number}") for number in range(5)]
    for peer in peers:
        checks.watch(peer.session)
    await checks.check_due()
    assert all(peer.session.closing for peer in peers), "their keys do not exist"
    assert len(checks) == 5, "until they are detached"


async def test_sign_out_ends_tokens_tickets_and_connections(plane: ControlPlane) -> None:
    token, other = await signed_in(plane), await signed_in(plane)
    who = await holder(plane, token)
    fresh, *_ = await plane.logins.refresh(token)
    ticket, _ = await plane.tickets.issue("/ws/admin", who)
    open_one = socket(plane, WITH_A_TOKEN["admin"] + token).connect()
    await open_one.opened()
    await plane.logins.sign_out(who)
    assert await open_one.closed() == REVOKED
    late_ticket, _ = await plane.tickets.issue("/ws/admin", who)  # its request was authenticated before the sign-out
    assert await socket(plane, f"/ws/admin?api_secret={late_ticket}").connect().closed() == REVOKED
    for ended in (token, fresh):
        assert await refusal(plane, ended) is REVOKED
        assert await socket(plane, WITH_A_TOKEN["logs"] + ended).connect().closed() == REVOKED
        with pytest.raises(AuthError, match="its session has ended"):
            await plane.logins.refresh(ended)
    assert await socket(plane, f"/ws/admin?api_secret={ticket}").connect().closed() == REVOKED
    assert (await holder(plane, other)).name == "admin", "another sign-in is another session"


@pytest.mark.parametrize(
    "changed", [{"admin_password": "another-password-Zm9vYmFy"}, {"jwt_secret": "another-jwt-secret-0-Zm9vYmFyYmF6"}]
)
async def test_changed_secret_invalidates_tokens_of_the_old_one(
    changed: dict[str, str], plane: ControlPlane, store: HeldStore, clock: FakeClock, tmp_path: Path
) -> None:
    token = await signed_in(plane)
    ticket, _ = await plane.tickets.issue("/ws/admin", await holder(plane, token))
    restarted = ControlPlane(settings(tmp_path, **changed), store, clock, EventBus())
    assert await refusal(restarted, token) is REVOKED
    with pytest.raises(AuthError):
        await restarted.logins.refresh(token)
    assert await restarted.logins.open_sessions(ADMIN) == []
    assert await socket(restarted, WITH_A_TOKEN["admin"] + token).connect().closed() == REVOKED
    assert await socket(restarted, f"/ws/admin?api_secret={ticket}").connect().closed() == CloseCode.AUTH_EXPIRED
    same = ControlPlane(settings(tmp_path), store, clock, EventBus())
    assert (await holder(same, token)).name == "admin", "a restart alone ends no session"
    await socket(same, f"/ws/admin?api_secret={ticket}").connect().opened()
    assert await socket(same, f"/ws/admin?api_secret={ticket}").connect().closed() == CloseCode.AUTH_EXPIRED


async def test_changed_admin_secret_invalidates_its_tickets(
    plane: ControlPlane, store: HeldStore, clock: FakeClock, tmp_path: Path
) -> None:
    ticket, _ = await plane.tickets.issue("/ws/admin", plane.authenticator.admin(API_SECRET))
    restarted = ControlPlane(settings(tmp_path, api_secret="another-secret-0-Zm9vYmFyYmF6"), store, clock, EventBus())
    assert await socket(restarted, f"/ws/admin?api_secret={ticket}").connect().closed() == CloseCode.AUTH_EXPIRED


async def test_revocation_ends_tickets_across_a_restart(
    plane: ControlPlane, store: HeldStore, clock: FakeClock, tmp_path: Path
) -> None:
    who = await holder(plane, await signed_in(plane))
    ticket, _ = await plane.tickets.issue("/ws/admin", who)
    restarted = ControlPlane(settings(tmp_path), store, clock, EventBus())
    await restarted.logins.sign_out(who)
    assert await socket(restarted, f"/ws/admin?api_secret={ticket}").connect().closed() == REVOKED


async def test_changed_password_replaces_the_old_one(
    plane: ControlPlane, store: HeldStore, clock: FakeClock, tmp_path: Path
) -> None:
    restarted = ControlPlane(settings(tmp_path, admin_password="another-password-Zm9vYmFy"), store, clock, EventBus())
    guess = asyncio.create_task(restarted.logins.sign_in("admin", PASSWORD, "192.0.2.1", stays))
    while not clock.sleeping:
        await asyncio.sleep(0)
    clock.advance(1)
    with pytest.raises(AuthError):
        await guess
