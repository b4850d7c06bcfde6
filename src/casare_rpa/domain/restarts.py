"""The message that requests the restart of a robot, and how long the request is valid."""

from casare_rpa.domain.instants import Instant, rfc3339, seconds_between
from casare_rpa.domain.protocol import RobotCommand
from casare_rpa.domain.robots import Robot

RESTART_KEPT_SECONDS = 600
RESTART_DEADLINE_SECONDS = 300


def open_restart(robot: Robot, now: Instant) -> str | None:
    """The id of the restart that was requested in the last ten minutes and is not completed; `None` without one."""
    asked_at = robot.restart_requested_at
    if asked_at is None or seconds_between(asked_at, now) > RESTART_KEPT_SECONDS:
        return None
    return robot.restart_command_id


def restart_message(robot: Robot, now: Instant) -> RobotCommand | None:
    """The `command` that requests a restart; `None` without a request in the last ten minutes."""
    asked_at, command_id = robot.restart_requested_at, open_restart(robot, now)
    if command_id is None or asked_at is None:
        return None
    return RobotCommand(
        command_id=command_id,
        action="restart",
        mode="graceful",
        deadline_seconds=RESTART_DEADLINE_SECONDS,
        timestamp=rfc3339(asked_at),
    )
