"""/api/v1/failures: failures grouped by cause, with their notes, owners and mutes."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from casare_rpa.domain.failure_groups import FailureSpan, GroupKey
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import FOREVER, Instant, from_datetime
from casare_rpa.domain.limits import MAX_NAME_LENGTH, MAX_REASON_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    FailureOrders,
    FailureReading,
    Reader,
    ServerClock,
    seen_tenant,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.failure_views import (
    FailureGroups,
    FailureGroupView,
    group_view,
    groups_view,
)
from casare_rpa.infrastructure.orchestrator.api.orders import Order, reason_of
from casare_rpa.infrastructure.orchestrator.api.parameters import Moment, WantedId
from casare_rpa.infrastructure.orchestrator.api.periods import LastDay, Period, period_of
from casare_rpa.infrastructure.orchestrator.api.searches import Searcher, Searching
from casare_rpa.infrastructure.orchestrator.jobs.failure_commands import last_failure, unknown_group
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.failures import FailureStore

router = APIRouter(prefix="/api/v1/failures", tags=["failures"], dependencies=SCHEMES)

MOST_GROUPS = 50
DAY_MINUTES = 24 * 60

Fingerprint = Annotated[str, Path(pattern=ID_PATTERN)]


class FailureNoteChange(BaseModel):
    """The fields to change. An empty text removes a note or an owner."""

    note: str | None = Field(None, max_length=MAX_REASON_LENGTH, pattern=r"^[^\x00]*$")
    owner: str | None = Field(None, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN)


class MuteOrder(Order):
    """How long to mute, and why. The body may be omitted."""

    until: Moment | None = Field(None, description="The end of the mute; without it, the group is muted until unmuted.")


def _span(period: Period) -> FailureSpan:
    # No failure ended before 1970, and the bars of an earlier begin could lie outside of the calendar.
    return FailureSpan(max(period.since, Instant(0)), FOREVER if period.until is None else period.until, period.now)


async def _group(failure_store: FailureStore, search: Searcher, key: GroupKey, period: Period) -> FailureGroupView:
    """The view of a group. Raises NotFound when its last stored failure was just deleted."""
    group = await search(failure_store.failure_group, key, _span(period))
    if group is None:
        raise unknown_group(key.fingerprint)
    return group_view(group, period.now)


def _last_day(clock: Clock) -> Period:
    return period_of(clock.now(), DAY_MINUTES, None, None)


@router.get("", responses=responses(401, 403, 422, 429, 503))
async def failures(
    failure_store: FailureReading,
    principal: Reader,
    search: Searching,
    period: LastDay,
    muted: bool | None = None,
) -> FailureGroups:
    """Up to 50 groups of failures of the last `minutes` or between `from` and `to`, largest first.

    `muted` selects the muted groups, or the others. Only the newest 10,000 failures are read.
    """
    span = _span(period)

    async def read() -> FailureGroups:
        found = await failure_store.failures(principal.tenant_id, span, MOST_GROUPS, muted=muted)
        return groups_view(found, span)

    return await search(read)


@router.get("/{fingerprint}", responses=responses(401, 403, 404, 422, 429, 503))
async def get_failures(
    fingerprint: Fingerprint,
    failure_store: FailureReading,
    principal: Reader,
    search: Searching,
    period: LastDay,
    tenant_id: WantedId = None,
) -> FailureGroupView:
    """One group. Without `tenant_id`, it is the group of the newest failure with the fingerprint."""
    job = await search(last_failure, failure_store, fingerprint, seen_tenant(principal, tenant_id))
    return await _group(failure_store, search, GroupKey(job.tenant_id, fingerprint), period)


@router.patch("/{fingerprint}", responses=responses(401, 403, 404, 413, 422, 429, 503))
async def note_failures(
    fingerprint: Fingerprint,
    body: FailureNoteChange,
    failure_commands: FailureOrders,
    failure_store: FailureReading,
    principal: Admin,
    search: Searching,
    clock: ServerClock,
    tenant_id: WantedId = None,
) -> FailureGroupView:
    """Store a note and an owner of a group; a missing field stays as it is."""
    key = await failure_commands.annotate(principal, fingerprint, tenant_id, note=body.note, owner=body.owner)
    return await _group(failure_store, search, key, _last_day(clock))


@router.post("/{fingerprint}/mute", responses=responses(401, 403, 404, 413, 422, 429, 503))
async def mute_failures(
    fingerprint: Fingerprint,
    failure_commands: FailureOrders,
    failure_store: FailureReading,
    principal: Admin,
    search: Searching,
    clock: ServerClock,
    tenant_id: WantedId = None,
    body: MuteOrder | None = None,
) -> FailureGroupView:
    """Mute a group until a time, or until it is unmuted. Its failures are counted apart. A second mute replaces it."""
    until = from_datetime(body.until) if body is not None and body.until is not None else None
    key = await failure_commands.mute(principal, fingerprint, tenant_id, until=until, reason=reason_of(body))
    return await _group(failure_store, search, key, _last_day(clock))


@router.post("/{fingerprint}/unmute", responses=responses(401, 403, 404, 413, 422, 429, 503))
async def unmute_failures(
    fingerprint: Fingerprint,
    failure_commands: FailureOrders,
    failure_store: FailureReading,
    principal: Admin,
    search: Searching,
    clock: ServerClock,
    tenant_id: WantedId = None,
    body: Order | None = None,
) -> FailureGroupView:
    """End the mute of a group. A group that is not muted stays as it is."""
    key = await failure_commands.unmute(principal, fingerprint, tenant_id, reason=reason_of(body))
    return await _group(failure_store, search, key, _last_day(clock))
