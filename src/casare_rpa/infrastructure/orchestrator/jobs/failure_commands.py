"""Commands about failure groups. Each writes its audit entry in the transaction of the act."""

from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import NotFound, ProtocolError
from casare_rpa.domain.failure_groups import GroupKey, Mute
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.failures import FailureStore


class FailureCommandStore(FailureStore, Protocol):
    """The port of the store that `FailureCommands` uses."""


class FailureCommands:
    """Writes notes and owners of failure groups, and mutes them.

    Each call is durable when it returns, and returns the group that it was about. Without `tenant_id`, that is the
    group of the newest failure with the fingerprint. The target of an audit entry is the fingerprint, and its note
    begins with the workflow. All raise:
        AuthError: the principal is not an admin, or of another tenant.
        NotFound: no stored failure has the fingerprint.
    """

    def __init__(self, store: FailureCommandStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def annotate(
        self,
        principal: Principal,
        fingerprint: str,
        tenant_id: str | None = None,
        *,
        note: str | None = None,
        owner: str | None = None,
    ) -> GroupKey:
        """Store a note and an owner; `None` keeps the stored one, and an empty text removes it."""
        job = await self._last(principal, fingerprint, tenant_id)
        key = GroupKey(job.tenant_id, fingerprint)
        if note is None and owner is None:
            return key
        changes = [f"owner {owner or 'removed'}"] if owner is not None else []
        changes += [f"note {note!r}"] if note is not None else []
        now = self._clock.now()
        entry = self._entry(principal, now, "note_failures", job, fingerprint, ", ".join(changes))
        await self._store.write_failure_note(key, note, owner, now, audit=entry)
        return key

    async def mute(
        self,
        principal: Principal,
        fingerprint: str,
        tenant_id: str | None = None,
        *,
        until: Instant | None = None,
        reason: str = "",
    ) -> GroupKey:
        """Leave a group out of the open failures until an instant, or until it is unmuted. Replaces an earlier mute.

        Raises:
            ProtocolError: `until` is not in the future.
        """
        now = self._clock.now()
        if until is not None and until <= now:
            raise ProtocolError("a time in the future is expected", field="until")
        job = await self._last(principal, fingerprint, tenant_id)
        key = GroupKey(job.tenant_id, fingerprint)
        period = f"until {rfc3339(until)}" if until is not None else "until unmuted"
        note = f"{period}: {reason}" if reason else period
        entry = self._entry(principal, now, "mute_failures", job, fingerprint, note)
        await self._store.mute_failures(key, Mute(now, principal.name, until), audit=entry)
        return key

    async def unmute(
        self, principal: Principal, fingerprint: str, tenant_id: str | None = None, *, reason: str = ""
    ) -> GroupKey:
        """End the mute of a group. A group that is not muted stays as it is, without an audit entry."""
        job = await self._last(principal, fingerprint, tenant_id)
        key = GroupKey(job.tenant_id, fingerprint)
        now = self._clock.now()
        entry = self._entry(principal, now, "unmute_failures", job, fingerprint, reason)
        await self._store.unmute_failures(key, now, audit=entry)
        return key

    async def _last(self, principal: Principal, fingerprint: str, tenant_id: str | None) -> Job:
        """The newest failure of the group."""
        require_admin(principal)
        if tenant_id is not None:
            require_tenant(principal, tenant_id)
        return await last_failure(self._store, fingerprint, tenant_id or principal.tenant_id)

    def _entry(
        self, principal: Principal, now: Instant, action: str, job: Job, fingerprint: str, note: str
    ) -> NewAudit:
        text = f"{job.workflow_id}: {note}" if note else job.workflow_id
        return NewAudit(now, principal.name, action, fingerprint, text)


async def last_failure(store: FailureStore, fingerprint: str, tenant_id: str | None) -> Job:
    """The newest failure with a fingerprint, of one tenant or of all. Raises NotFound."""
    job = await store.last_failure(fingerprint, tenant_id)
    if job is None:
        raise unknown_group(fingerprint)
    return job


def unknown_group(fingerprint: str) -> NotFound:
    """The error for a fingerprint without a stored failure."""
    return NotFound(f"there is no stored failure with the fingerprint {fingerprint!r}", field="fingerprint")
