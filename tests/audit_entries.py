"""Audit entries and orders to robots, for writes in tests that do not check them."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_records import RobotAction, RobotOrder

AN_ENTRY = NewAudit(Instant(0), "test", "prepare", "test")


def an_order(action: RobotAction, robot_id: str, at: Instant, command_id: str = "cmd-1") -> RobotOrder:
    """An order of `ana`, with its entry."""
    return RobotOrder(robot_id, action, NewAudit(at, "ana", f"{action}_robot", robot_id, "update"), command_id)


def a_drain(robot_id: str, at: Instant) -> RobotOrder:
    return an_order(RobotAction.DRAIN, robot_id, at)
