"""/api/v1/instances: the instances of the server on this database."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import Instant, after, rfc3339
from casare_rpa.domain.permissions import require_all_tenants
from casare_rpa.domain.robot_sessions import DEAD_SECONDS, RunningInstance
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, OwnInstance, ServerClock
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances

router = APIRouter(prefix="/api/v1/instances", tags=["instances"], dependencies=SCHEMES)


class InstanceBus(BaseModel):
    """How an instance hears of the changes of others. `alone`: it has its database for itself."""

    kind: str
    alive: bool


class InstanceView(BaseModel):
    """One instance as it described itself at `last_seen_at`; it does so every 5 seconds.

    `state`: `silent` when it did not do so for 15 seconds. Then others take over its robots. The other fields are null
    until its first description, and for a version that writes none.
    """

    instance_id: str = Field(description="Changes with each start.")
    answered: bool = Field(description="Whether this instance answered the request.")
    state: Literal["running", "draining", "silent"]
    last_seen_at: str
    name: str | None
    address: str | None
    version: str | None
    schema_revision: str | None
    started_at: str | None
    robots: int | None
    viewers: int | None
    loop_lag_ms: float | None
    feed_lag_ms: float | None
    bus: InstanceBus | None
    store: str | None


class InstanceList(BaseModel):
    at: str
    items: list[InstanceView]


@router.get("", responses=responses(401, 403, 503))
async def list_instances(instances: OwnInstance, clock: ServerClock, principal: Admin) -> InstanceList:
    """The instances of the server, in the order of their names. For admins of all tenants."""
    require_all_tenants(principal, "instances")
    now = clock.now()
    found = sorted(await instances.all_stored(), key=lambda one: (_name(one), one.instance))
    return InstanceList(at=rfc3339(now), items=[_view(one, instances, now) for one in found])


def _name(one: RunningInstance) -> str:
    return one.facts.name if one.facts is not None else ""


def _view(one: RunningInstance, instances: Instances, now: Instant) -> InstanceView:
    return InstanceView(
        instance_id=one.instance,
        answered=one.instance == instances.instance,
        state=_state(one, now),
        last_seen_at=rfc3339(one.seen_at),
        **_description(one.facts),
    )


def _description(facts: InstanceFacts | None) -> dict[str, Any]:
    """The fields of a view that come from the facts."""
    if facts is None:
        return dict.fromkeys(InstanceView.model_fields.keys() - {"instance_id", "answered", "state", "last_seen_at"})
    return {
        "name": facts.name,
        "address": facts.address,
        "version": facts.version,
        "schema_revision": facts.schema,
        "started_at": rfc3339(facts.started_at),
        "robots": facts.robots,
        "viewers": facts.viewers,
        "loop_lag_ms": facts.loop_lag_ms,
        "feed_lag_ms": facts.feed_lag_ms,
        "bus": InstanceBus(kind=facts.bus, alive=facts.bus_alive),
        "store": facts.store,
    }


def _state(one: RunningInstance, now: Instant) -> Literal["running", "draining", "silent"]:
    if one.seen_at < after(now, -DEAD_SECONDS):
        return "silent"
    return "draining" if one.facts is not None and one.facts.draining else "running"
