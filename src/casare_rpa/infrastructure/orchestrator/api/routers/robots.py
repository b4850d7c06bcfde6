"""/api/v1/robots: robots, their commands and their keys."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from casare_rpa.domain.credentials import Principal, RobotKey, Role
from casare_rpa.domain.errors import AuthError, NotFound
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.limits import MAX_NAME_LENGTH, MAX_TAGS
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.robot_records import RobotAction
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.vocabulary import CloseCode, RobotStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    AdminReading,
    Anyone,
    LiveFleet,
    Reader,
    RobotOrders,
    RobotReading,
    ServerClock,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.long_lists import list_response
from casare_rpa.infrastructure.orchestrator.api.orders import Order, reason_of
from casare_rpa.infrastructure.orchestrator.api.parameters import (
    NO_TRUTH_VALUE,
    IdempotencyKey,
    KeyId,
    Measure,
    RobotId,
)
from casare_rpa.infrastructure.orchestrator.api.robot_query import WantedRobots, chosen_robots
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot

router = APIRouter(prefix="/api/v1/robots", tags=["robots"], dependencies=SCHEMES)

Tag = Annotated[str, Field(pattern=ID_PATTERN)]
Slots = Annotated[int | None, Field(ge=1, le=1000), NO_TRUTH_VALUE]
MOST_ROBOTS = 100
ROBOTS_WITH_BEATS_AT_ONCE = 10
WantedRobotIds = Annotated[list[Tag] | None, Query(max_length=MOST_ROBOTS)]


class NewRobot(BaseModel):
    robot_id: str = Field(pattern=ID_PATTERN)
    name: str = Field("", max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN)
    tenant_id: str = Field("default", pattern=ID_PATTERN)
    tags: list[Tag] = Field(
        default_factory=list, max_length=MAX_TAGS, description="Its capabilities; overrides what the robot reports."
    )
    max_concurrent_jobs: Slots = Field(None, description="Upper limit; default: what the robot reports, or one.")


class Drain(BaseModel):
    """The drain command: when, by whom and why."""

    at: str
    by: str | None
    reason: str | None


class RobotView(BaseModel):
    """A robot. `cpu_percent` and `memory_mb` are from its last heartbeat."""

    robot_id: str
    name: str
    tenant_id: str
    tags: list[str]
    tags_not_allowed: list[str] = Field(
        description="Tags that the connected robot reports and that its stored tags do not contain; they do not count."
    )
    max_concurrent_jobs: int | None
    status: RobotStatus
    current_job: str | None
    cpu_percent: Measure
    memory_mb: Measure
    last_heartbeat_at: str | None
    last_seen_at: str | None
    created_at: str
    draining: Drain | None
    clock_skew_seconds: Measure | None = Field(
        description="Clock of the robot minus clock of the server, if they differ by more than 30 s."
    )
    connected_at: str | None
    version: str = Field(description="Version that the robot reported; empty if none.")
    capabilities: list[str] = Field(description="Capabilities that the robot reported.")
    workflows: list[str] | None = Field(
        description="Workflows that the robot listed last; null without a list: it gets jobs of every workflow."
    )


class RobotChange(BaseModel):
    """Omitted fields do not change.

    `add_tags` are added to the stored `tags`, or to those of the request; then `remove_tags` are removed.
    """

    name: str | None = Field(None, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN)
    tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)
    add_tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)
    remove_tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)
    max_concurrent_jobs: Slots = Field(None, description="null: what the robot reports, or one.")

    @property
    def slots(self) -> int | None:
        """The new number of slots; 0 for the value that the robot reports, `None` to keep the present one."""
        return (self.max_concurrent_jobs or 0) if "max_concurrent_jobs" in self.model_fields_set else None


class BeatView(BaseModel):
    """One heartbeat. `status` is the computed status at that time."""

    at: str
    status: RobotStatus
    cpu_percent: Measure
    memory_mb: Measure


class BeatList(BaseModel):
    beats: list[BeatView]


class RobotBeats(BeatList):
    robot_id: str


class AllBeats(BaseModel):
    items: list[RobotBeats]


class RobotList(BaseModel):
    items: list[RobotView]


class RobotNames(BaseModel):
    names: dict[str, str]


class NewKey(BaseModel):
    """`api_key` is shown only in this response."""

    key_id: str
    api_key: str


class KeyView(BaseModel):
    key_id: str
    created_at: str
    revoked_at: str | None


class KeyList(BaseModel):
    items: list[KeyView]


_COMPUTED = ("draining",)
_LIVE = tuple(name for name in RobotView.model_fields if name not in _COMPUTED and hasattr(LiveRobot, name))
_STORED = tuple(name for name in RobotView.model_fields if name not in (*_COMPUTED, *_LIVE))
_TIMES = tuple(name for name in RobotView.model_fields if name.endswith("_at"))


def robot_view(robot: Robot, live: LiveRobot) -> RobotView:
    """The view of a robot: each field is that of its live state, else that of its stored profile."""
    values: dict[str, Any] = {name: getattr(live, name) for name in _LIVE}
    values |= {name: getattr(robot, name) for name in _STORED}
    values |= {name: rfc3339(values[name]) if values[name] is not None else None for name in _TIMES}
    return RobotView(**values, draining=_drain(robot))


def _view(fleet: Fleet, robot: Robot) -> RobotView:
    return robot_view(robot, fleet.get(robot.robot_id) or fleet.set_profile(robot))


def _beats(live: LiveRobot) -> list[BeatView]:
    return [
        BeatView(at=rfc3339(b.at), status=b.status, cpu_percent=b.cpu_percent, memory_mb=b.memory_mb)
        for b in live.heartbeats
    ]


def _robot_beats(live: LiveRobot) -> RobotBeats:
    return RobotBeats(robot_id=live.robot.robot_id, beats=_beats(live))


def _drain(robot: Robot) -> Drain | None:
    at = robot.draining_at
    return None if at is None else Drain(at=rfc3339(at), by=robot.draining_by, reason=robot.draining_reason)


def _key_view(key: RobotKey) -> KeyView:
    revoked = rfc3339(Instant(key.revoked_at)) if key.revoked_at is not None else None
    return KeyView(key_id=key.key_id, created_at=rfc3339(Instant(key.created_at)), revoked_at=revoked)


def _own_or_admin(principal: Principal, robot_id: str) -> None:
    if principal.role is Role.ROBOT and principal.robot_id != robot_id:
        raise AuthError("a robot key reads its own robot only", CloseCode.FORBIDDEN)


async def _known(robot_store: RobotStore, principal: Principal, robot_id: str) -> Robot:
    robot = await robot_store.robot(robot_id)
    if robot is None or not principal.sees(robot.tenant_id):
        raise NotFound(f"there is no robot {robot_id!r}", field="robot_id")
    return robot


@router.post("", status_code=201, responses=responses(401, 403, 404, 409, 413, 422, 503))
async def create_robot(
    body: NewRobot, robot_commands: RobotOrders, clock: ServerClock, fleet: LiveFleet, principal: Admin
) -> RobotView:
    """Create a robot. 409 if it exists."""
    robot = Robot(
        robot_id=body.robot_id,
        tenant_id=body.tenant_id,
        name=body.name,
        tags=tuple(sorted(set(body.tags))),
        max_concurrent_jobs=body.max_concurrent_jobs,
        created_at=clock.now(),
    )
    return _view(fleet, await robot_commands.create(principal, robot))


@router.get("", response_model=RobotList, responses=responses(401, 403, 422, 503))
async def list_robots(
    robot_store: RobotReading, fleet: LiveFleet, principal: Reader, wanted: Annotated[WantedRobots, Query()]
) -> Response:
    """All robots, or the robots that match all given filters."""
    return await list_response(await chosen_robots(robot_store, fleet, principal, wanted), partial(_view, fleet))


@router.get("/names", responses=responses(401, 403, 422, 503))
async def list_names(fleet: LiveFleet, principal: Reader) -> RobotNames:
    """The names of all robots that have one, by robot id."""
    robots = [live.robot for live in fleet.robots_of(principal.tenant_id)]
    return RobotNames(names={robot.robot_id: robot.name for robot in robots if robot.name})


@router.get("/beats", response_model=AllBeats, responses=responses(401, 403, 422, 503))
async def list_beats(
    clock: ServerClock, fleet: LiveFleet, principal: Reader, robot_id: WantedRobotIds = None
) -> Response:
    """The last 60 heartbeats since the server started, oldest first, of up to 100 robots.

    Without ids, of each robot that was seen within 24 hours. Unknown ids are left out.
    """
    if robot_id is None:
        visible = fleet.visible(principal.tenant_id, clock.now())
    else:
        found = (fleet.get(one) for one in dict.fromkeys(robot_id))
        visible = [live for live in found if live is not None and principal.sees(live.robot.tenant_id)]
    return await list_response(list(visible), _robot_beats, at_once=ROBOTS_WITH_BEATS_AT_ONCE)


@router.get("/{robot_id}", responses=responses(401, 403, 404, 422, 503))
async def get_robot(robot_id: RobotId, fleet: LiveFleet, robot_store: RobotReading, principal: Anyone) -> RobotView:
    """One robot."""
    _own_or_admin(principal, robot_id)
    return _view(fleet, await _known(robot_store, principal, robot_id))


@router.patch("/{robot_id}", responses=responses(401, 403, 404, 409, 413, 422, 503))
async def change_robot(
    robot_id: RobotId, body: RobotChange, robot_commands: RobotOrders, fleet: LiveFleet, principal: Admin
) -> RobotView:
    """Change the name, the tags or the number of slots; the next dispatch uses them."""
    changed = await robot_commands.change(
        principal,
        robot_id,
        name=body.name,
        tags=None if body.tags is None else tuple(sorted(set(body.tags))),
        max_concurrent_jobs=body.slots,
        remove_tags=None if body.remove_tags is None else tuple(body.remove_tags),
        add_tags=None if body.add_tags is None else tuple(body.add_tags),
    )
    return _view(fleet, changed)


@router.delete("/{robot_id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
async def remove_robot(robot_id: RobotId, robot_commands: RobotOrders, principal: Admin) -> None:
    """Remove a robot and its keys, and close its connections. Its jobs and log lines stay."""
    await robot_commands.remove(principal, robot_id)


@router.get("/{robot_id}/beats", responses=responses(401, 403, 404, 422, 503))
async def get_beats(robot_id: RobotId, fleet: LiveFleet, robot_store: RobotReading, principal: Anyone) -> BeatList:
    """The last 60 heartbeats of a robot since the server started, oldest first."""
    _own_or_admin(principal, robot_id)
    robot = await _known(robot_store, principal, robot_id)
    return BeatList(beats=_beats(fleet.get(robot_id) or fleet.set_profile(robot)))


@router.post("/{robot_id}/drain", responses=responses(401, 403, 404, 413, 422, 503))
async def drain_robot(
    robot_id: RobotId, robot_commands: RobotOrders, fleet: LiveFleet, principal: Admin, body: Order | None = None
) -> RobotView:
    """Assign no new jobs to the robot; its current jobs continue. Survives restarts. A second drain changes nothing."""
    return _view(fleet, await robot_commands.order(principal, RobotAction.DRAIN, robot_id, reason_of(body)))


@router.post("/{robot_id}/resume", responses=responses(401, 403, 404, 413, 422, 503))
async def resume_robot(
    robot_id: RobotId, robot_commands: RobotOrders, fleet: LiveFleet, principal: Admin, body: Order | None = None
) -> RobotView:
    """Assign jobs to the robot again."""
    return _view(fleet, await robot_commands.order(principal, RobotAction.RESUME, robot_id, reason_of(body)))


@router.post("/{robot_id}/restart", responses=responses(401, 403, 404, 413, 422, 503))
async def restart_robot(
    robot_id: RobotId, robot_commands: RobotOrders, fleet: LiveFleet, principal: Admin, body: Order | None = None
) -> RobotView:
    """Restart the process of the robot after its jobs; kept for ten minutes if it is not connected."""
    return _view(fleet, await robot_commands.order(principal, RobotAction.RESTART, robot_id, reason_of(body)))


@router.post("/{robot_id}/keys", status_code=201, responses=responses(401, 403, 404, 409, 422, 503))
async def create_key(
    robot_id: RobotId, robot_commands: RobotOrders, principal: Admin, idempotency_key: IdempotencyKey = None
) -> NewKey:
    """Create a key. Its text is shown only in this response, and for a day in repetitions with its Idempotency-Key."""
    key, text = await robot_commands.create_key(principal, robot_id, idempotency_key)
    return NewKey(key_id=key.key_id, api_key=text)


@router.get("/{robot_id}/keys", responses=responses(401, 403, 404, 422, 503))
async def list_keys(
    robot_id: RobotId, admin_store: AdminReading, robot_store: RobotReading, principal: Reader
) -> KeyList:
    """The keys of a robot, without their secrets."""
    await _known(robot_store, principal, robot_id)
    return KeyList(items=[_key_view(key) for key in await admin_store.keys(robot_id)])


@router.delete("/{robot_id}/keys/{key_id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
async def revoke_key(robot_id: RobotId, key_id: KeyId, robot_commands: RobotOrders, principal: Admin) -> None:
    """Revoke a key and close the connections that it opened."""
    await robot_commands.revoke_key(principal, robot_id, key_id)
