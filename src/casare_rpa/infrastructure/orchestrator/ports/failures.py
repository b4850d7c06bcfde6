"""The store port of failure groups."""

from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupKey, Mute
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job


class FailureStore(Protocol):
    """Groups of failures, and their notes, owners and mutes.

    A write and its `audit` entry are in one transaction. The entry is not written when the call returns False,
    which means that nothing changed.
    """

    async def failures(
        self, tenant_id: str | None, span: FailureSpan, limit: int, *, muted: bool | None = None
    ) -> FailureGrouping:
        """Up to `limit` groups of the newest `StoreLimits.statistics_jobs` failures of a span, largest first.

        `muted` selects the muted groups or the others; `None` selects all.
        """
        ...

    async def failure_group(self, key: GroupKey, span: FailureSpan) -> FailureGroup | None:
        """One group, also when its failures are older than the span; `None` without a stored failure."""
        ...

    async def last_failure(self, fingerprint: str, tenant_id: str | None) -> Job | None:
        """The newest job of a fingerprint, of one tenant or of all."""
        ...

    async def write_failure_note(
        self, key: GroupKey, note: str | None, owner: str | None, at: Instant, *, audit: NewAudit
    ) -> bool:
        """Store a note and an owner; `None` keeps the stored one. False when they are stored already."""
        ...

    async def mute_failures(self, key: GroupKey, muted: Mute, *, audit: NewAudit) -> bool:
        """Mute a group; an earlier mute is replaced."""
        ...

    async def unmute_failures(self, key: GroupKey, at: Instant, *, audit: NewAudit) -> bool:
        """End the mute of a group. False when it has none."""
        ...
