"""Statements on notes, owners and mutes of failure groups. Portable."""

from casare_rpa.domain.failure_groups import GroupKey, Mute
from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

# A repeated write with the same values changes no row, so it has no audit entry.
_WRITE = Statement(
    """
INSERT INTO failure_notes (tenant_id, fingerprint, note, owner, changed_at)
VALUES (:tenant_id, :fingerprint, coalesce(:note, ''), coalesce(:owner, ''), :at)
ON CONFLICT (tenant_id, fingerprint) DO UPDATE SET
    note = coalesce(:note, failure_notes.note), owner = coalesce(:owner, failure_notes.owner), changed_at = :at
WHERE failure_notes.note <> coalesce(:note, failure_notes.note)
OR failure_notes.owner <> coalesce(:owner, failure_notes.owner)
"""
)
_MUTE = Statement(
    """
INSERT INTO failure_notes (tenant_id, fingerprint, muted_at, muted_by, muted_until, changed_at)
VALUES (:tenant_id, :fingerprint, :at, :by, :until, :at)
ON CONFLICT (tenant_id, fingerprint) DO UPDATE SET
    muted_at = :at, muted_by = :by, muted_until = :until, changed_at = :at
"""
)
_UNMUTE = Statement(
    """
UPDATE failure_notes SET muted_at = NULL, muted_by = NULL, muted_until = NULL, changed_at = :at
WHERE tenant_id = :tenant_id AND fingerprint = :fingerprint AND muted_at IS NOT NULL
"""
)
_DELETE = Statement(
    """
DELETE FROM failure_notes WHERE changed_at < :before AND NOT EXISTS (
    SELECT 1 FROM jobs [INDEXED BY jobs_of_failure_groups]
    WHERE fingerprint IS NOT NULL AND fingerprint = failure_notes.fingerprint AND tenant_id = failure_notes.tenant_id
)
"""
)


def write(connection: SqlConnection, key: GroupKey, note: str | None, owner: str | None, at: Instant) -> bool:
    """Store a note and an owner; `None` keeps the stored one. Returns whether something changed."""
    names = {"tenant_id": key.tenant_id, "fingerprint": key.fingerprint}
    return _WRITE.run(connection, **names, note=note, owner=owner, at=at).rowcount > 0


def mute(connection: SqlConnection, key: GroupKey, muted: Mute) -> bool:
    """Mute a group; an earlier mute is replaced."""
    names = {"tenant_id": key.tenant_id, "fingerprint": key.fingerprint}
    return _MUTE.run(connection, **names, at=muted.at, by=muted.by, until=muted.until).rowcount > 0


def unmute(connection: SqlConnection, key: GroupKey, at: Instant) -> bool:
    """End the mute of a group; False when it has none."""
    return _UNMUTE.run(connection, tenant_id=key.tenant_id, fingerprint=key.fingerprint, at=at).rowcount > 0


def delete_unused(connection: SqlConnection, before: Instant) -> None:
    """Delete notes last changed before that instant, of groups without a stored job."""
    _DELETE.run(connection, before=before)
