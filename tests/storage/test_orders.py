"""The orders to one instance, as the store has them."""

import pytest

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.instance_orders import MovedSession
from casare_rpa.domain.job_events import Cancel, CancelSent
from casare_rpa.domain.robot_sessions import Connecting
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import START, a_report, a_robot, at, running, tell

ROBOT, SESSION = "robot-1", "ses-robot-1"


async def cancels(store: Store, instance: str = "a") -> list[str]:
    return (await store.orders(instance, 0, 10)).cancels


async def connect(store: Store, session_id: str = SESSION, instance: str = "a") -> None:
    await store.hear(instance, at(0))
    await store.connect(Connecting(ROBOT, session_id, instance, at(0)))


async def test_cancel_is_an_order_until_it_is_sent(store: Store) -> None:
    await connect(store)
    job = await running(store)
    assert await cancels(store) == []
    await tell(store, job.job_id, Cancel("enough", "ana"))
    assert await cancels(store) == [job.job_id]
    await tell(store, job.job_id, CancelSent(ROBOT, SESSION))
    assert await cancels(store) == []


async def test_ended_job_has_no_unsent_cancel(store: Store) -> None:
    await connect(store)
    job = await running(store)
    await tell(store, job.job_id, Cancel("enough", "ana"))
    await tell(store, job.job_id, a_report("completed"))
    assert await cancels(store) == []


async def test_cancel_is_an_order_to_the_instance_with_the_connection(store: Store) -> None:
    job = await running(store)
    await tell(store, job.job_id, Cancel("enough", "ana"))
    assert await cancels(store) == [], "the robot is not connected"
    await connect(store)
    assert (await cancels(store, "a"), await cancels(store, "b")) == ([job.job_id], [])
    await connect(store, "s-2", "b")
    assert (await cancels(store, "a"), await cancels(store, "b")) == ([], [job.job_id])
    await store.leave([(ROBOT, "s-2")])
    assert await cancels(store, "b") == []


async def test_acts_of_admins_are_orders_in_their_order(store: Store) -> None:
    before = await store.last_audit_id()
    await store.add_robot(a_robot(), audit=NewAudit(START, "ana", "create_robot", ROBOT))
    await store.order_robots([a_drain(ROBOT, at(1))], None)
    await store.add_key(RobotKey("key-1", ROBOT, "default", "digest", START), audit=AN_ENTRY)
    await store.revoke_key(ROBOT, "key-1", at(2), audit=NewAudit(at(2), "ana", "revoke_key", ROBOT, "key-1"))
    acts = (await store.orders("a", before, 10)).acts
    assert [(act.action, act.target) for act in acts if act.action != AN_ENTRY.action] == [
        ("create_robot", ROBOT),
        ("drain_robot", ROBOT),
        ("revoke_key", ROBOT),
    ]
    assert acts[-1].note == "key-1"
    assert (await store.orders("a", acts[-1].audit_id, 10)).acts == []


@pytest.mark.parametrize("limit", [1, 2])
async def test_acts_are_limited_from_the_oldest_on(store: Store, limit: int) -> None:
    for number in range(4):
        await store.record_audit(NewAudit(at(number), "ana", "act", str(number)))
    acts = (await store.orders("a", 1, limit)).acts
    assert [act.target for act in acts] == ["1", "2"][:limit]


async def test_session_that_moved_is_an_order_to_the_instance_that_had_it(store: Store) -> None:
    await connect(store, "s-1", "a")
    await connect(store, "s-2", "b")
    assert (await store.orders("a", 0, 10)).moved == [MovedSession(ROBOT, 2)]
    assert (await store.orders("b", 0, 10)).moved == []
    await connect(store, "s-3", "a")
    assert (await store.orders("a", 0, 10)).moved == []
    assert (await store.orders("b", 0, 10)).moved == [MovedSession(ROBOT, 3)]
    await store.leave([(ROBOT, "s-3")])
    assert (await store.orders("b", 0, 10)).moved == [], "both connections have ended"
