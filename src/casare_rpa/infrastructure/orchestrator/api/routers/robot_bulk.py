"""/api/v1/robots/bulk: drain, resume or restart many robots in one request."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from casare_rpa.domain.limits import MAX_REASON_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.robot_records import OrderOutcome, RobotAction
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    RobotOrders,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses

router = APIRouter(prefix="/api/v1/robots/bulk", tags=["robots"], dependencies=SCHEMES)

MOST_IDS = 1000


class RobotsToOrder(BaseModel):
    """Robots by id; duplicates count once."""

    model_config = ConfigDict(extra="forbid")

    action: RobotAction
    robot_ids: list[Annotated[str, Field(pattern=ID_PATTERN)]] = Field(max_length=MOST_IDS)
    reason: str = Field("", max_length=MAX_REASON_LENGTH)


class RefusedRobot(BaseModel):
    robot_id: str
    code: ErrorCode
    message: str


class RobotsOrdered(BaseModel):
    """The result of a bulk order.

    `matched` is the number of robots in it, `robot_ids` are the changed ones. `unchanged` robots were drained
    already, or had no drain to end. `refused` robots have a reason each.
    """

    matched: int
    robot_ids: list[str]
    unchanged: int
    refused: list[RefusedRobot]


@router.post("", responses=responses(401, 403, 413, 422, 503))
async def order_robots(body: RobotsToOrder, robot_commands: RobotOrders, principal: Admin) -> RobotsOrdered:
    """Drain, resume or restart up to 1,000 robots.

    A request may be repeated: a drained robot stays drained, and a restart that is not completed is one restart.
    """
    robot_ids = list(dict.fromkeys(body.robot_ids))
    ordered = await robot_commands.order_each(principal, body.action, robot_ids, body.reason)
    return RobotsOrdered(
        matched=len(robot_ids),
        robot_ids=[one.robot_id for one in ordered if one.outcome is OrderOutcome.DONE],
        unchanged=sum(one.outcome is OrderOutcome.UNCHANGED for one in ordered),
        refused=[
            RefusedRobot(
                robot_id=one.robot_id,
                code=ErrorCode.INVALID_MESSAGE,
                message=f"there is no robot {one.robot_id!r}",
            )
            for one in ordered
            if one.outcome is OrderOutcome.UNKNOWN
        ],
    )
