"""The orders to an instance are short arrays in the answer of the store."""

import msgspec

from casare_rpa.domain.instance_orders import AuditedAct, MovedSession, Orders


def test_orders_are_decoded_from_the_arrays_of_the_store() -> None:
    acts = msgspec.json.decode(
        '[[7, "revoke_key", "robot-1", "key-1"], [8, "drain_robot", "robot-1", null]]', type=list[AuditedAct]
    )
    moved = msgspec.json.decode('[["robot-1", 3]]', type=list[MovedSession])
    orders = Orders(acts, ["job-1"], moved)
    assert [(act.audit_id, act.note) for act in orders.acts] == [(7, "key-1"), (8, None)]
    assert (orders.cancels, orders.moved[0].robot_id, orders.moved[0].number) == (["job-1"], "robot-1", 3)
