"""The filters of the list of robots."""

from typing import Annotated

from pydantic import BaseModel, Field

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.limits import MAX_NAME_LENGTH, MAX_TAGS
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.robots import Robot, ShownRobotState, state_of
from casare_rpa.infrastructure.orchestrator.api.dependencies import seen_tenant
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet


class WantedRobots(BaseModel):
    """A robot matches if it fits every given filter."""

    tenant_id: str | None = Field(None, pattern=ID_PATTERN)
    state: list[ShownRobotState] = Field(
        default_factory=list,
        max_length=len(ShownRobotState),
        description="One of these; a drained robot is `draining`.",
    )
    tag: list[Annotated[str, Field(pattern=ID_PATTERN)]] = Field(
        default_factory=list, max_length=MAX_TAGS, description="All of these."
    )
    q: str | None = Field(
        None, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN, description="Part of the id, the name or a tag."
    )


async def chosen_robots(
    robot_store: RobotStore, fleet: Fleet, principal: Principal, wanted: WantedRobots
) -> list[Robot]:
    """The robots that match, by id. Raises AuthError for a tenant that the principal may not see."""
    robots = await robot_store.robots(seen_tenant(principal, wanted.tenant_id))
    return [robot for robot in robots if _matches(robot, fleet, wanted)]


def _matches(robot: Robot, fleet: Fleet, wanted: WantedRobots) -> bool:
    live = fleet.get(robot.robot_id) or fleet.set_profile(robot)
    return (
        (not wanted.state or state_of(live.status, draining=robot.draining_at is not None) in wanted.state)
        and set(robot.tags).issuperset(wanted.tag)
        and _has_text(robot, (wanted.q or "").casefold())
    )


def _has_text(robot: Robot, text: str) -> bool:
    return any(text in one.casefold() for one in (robot.robot_id, robot.name, *robot.tags))
