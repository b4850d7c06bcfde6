"""/health/live, /health/ready and /metrics: for load balancers and monitoring systems."""

import ipaddress
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.vocabulary import ErrorCode, RobotStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Plane, admin, authenticated
from casare_rpa.infrastructure.orchestrator.api.error_responses import error_answer, responses
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.maintenance.readiness import DegradedPart

router = APIRouter(tags=["health"])

PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


class Health(BaseModel):
    status: str


class Ready(BaseModel):
    """`degraded`: the instance serves, but the shared store or the bus is away; requests that need it get 503."""

    status: Literal["ok", "degraded"]
    reason: str | None = None
    part: DegradedPart | None = Field(default=None, description="The part that is away.")


@router.get("/health/live")
async def live() -> Health:
    """The process runs and answers."""
    return Health(status="ok")


@router.get("/health/ready", response_model=Ready, response_model_exclude_none=True, responses=responses(503))
async def ready(plane: Plane, request: Request) -> Ready | Response:
    """The instance can work: the store commits or is shared with other instances, and no stop was requested."""
    if plane.draining:
        sentence = "draining; this instance stops soon"
        return error_answer(request, 503, ErrorCode.INTERNAL_ERROR, sentence, status="draining")
    if (problem := plane.cut_off.problem) is not None:
        return error_answer(request, 503, ErrorCode.INTERNAL_ERROR, problem, status="cut_off")
    degraded = await plane.readiness.check()
    return Ready(status="ok") if degraded is None else Ready(status="degraded", **degraded._asdict())


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **responses(401, 403, 503)},
    dependencies=SCHEMES,
)
async def metrics(plane: Plane, request: Request) -> Response:
    """Prometheus metrics. Requests from another machine need the credential of an admin."""
    if not _from_here(request):
        await admin(await authenticated(request, plane))
    await _refresh(plane)
    if (gate := request.app.state.connection_gate) is not None:
        plane.metrics.unauthenticated.set(len(gate))
        plane.metrics.evicted.set_total(gate.evicted)
    return Response(generate_latest(plane.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _from_here(request: Request) -> bool:
    """Whether the request comes from this machine. False for every request through a proxy."""
    if request.client is None or any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _refresh_jobs(plane: ControlPlane) -> None:
    """The figures of the database. While the store is away there are none of them, and all others are shown."""
    figures = plane.metrics
    problem = await plane.readiness.store_problem()
    figures.degraded.set(0 if problem is None and plane.bus.alive else 1)
    try:
        counts = await plane.store.counts(None, plane.clock.now())
    except StoreUnavailable:
        figures.degraded.set(1)
        figures.jobs.clear()
        figures.jobs_ended_24h.clear()
        return
    for status in ("pending", "claimed", "running"):
        figures.jobs.labels(status=status).set(getattr(counts, status))
    figures.jobs_ended_24h.labels(status="completed").set(counts.completed_24h)
    figures.jobs_ended_24h.labels(status="failed").set(counts.failed_24h)


async def _refresh(plane: ControlPlane) -> None:
    figures = plane.metrics
    await _refresh_jobs(plane)
    connected = [live.status for live in plane.fleet.connected()]
    for robot_status in RobotStatus:
        figures.robots.labels(status=robot_status.value).set(connected.count(robot_status))
    _describe_instance(plane)
    statistics = plane.store.statistics()
    figures.store_waiting.set(statistics.waiting)
    figures.commits.set_total(statistics.commits)
    figures.store_failures.set_total(statistics.failures)
    figures.deliveries.set_total(plane.hub.deliveries)
    for kept, number in plane.retention.deleted.items():
        figures.rows_deleted.set_total(number, kept.value)
    figures.log_bytes.set(plane.retention.stored_log_bytes)
    for limit, number in plane.work_budgets.paused.items():
        figures.robots_paused.set_total(number, limit)
    figures.connections_delayed.set_total(plane.connection_turns.delayed)
    for name, loop in plane.loops.statistics.items():
        figures.loop_rounds.set_total(loop.rounds, name)
        figures.loop_failures.set_total(loop.failures, name)


def _describe_instance(plane: ControlPlane) -> None:
    figures, facts = plane.metrics, plane.describe()
    figures.instance_info.labels(facts.name, facts.version, facts.schema, facts.store, facts.bus).set(1)
    figures.instance_robots.set(facts.robots)
    figures.viewers.set(facts.viewers)
    figures.feed_lag.set(plane.feed_lag_seconds)
    figures.loop_lag.set(plane.loop_lag.last_seconds)
    figures.bus_alive.set(facts.bus_alive)
    figures.hints_sent.set_total(plane.bus.statistics.sent)
    figures.hints_received.set_total(plane.bus.statistics.received)
    figures.hints_dropped.set_total(plane.bus.statistics.dropped)
    figures.draining.set(facts.draining)
