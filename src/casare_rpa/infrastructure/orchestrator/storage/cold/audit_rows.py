"""Statements on the audit trail. Portable."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert

from casare_rpa.domain.audit import AuditEntry, NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.schema import audit
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, run_text

_RECORD = Statement(insert(audit).values({name: bindparam(name) for name in ("at", "by", "action", "target", "note")}))

_FIRST_SINCE = "(SELECT audit_id FROM audit WHERE at >= ? ORDER BY at, audit_id LIMIT 1)"
_LAST = Statement("SELECT coalesce(max(audit_id), 0) FROM audit")


def record(connection: SqlConnection, entries: Sequence[tuple[NewAudit, int]]) -> None:
    """Write entries, each with the number of objects that its act changed, in the caller's transaction."""
    for entry, done in entries:
        _RECORD.run(
            connection, at=entry.at, by=entry.by, action=entry.action, target=entry.target, note=entry.note_of(done)
        )


def last_id(connection: SqlConnection) -> int:
    """The number of the newest entry; 0 without one."""
    return int(_LAST.run(connection).fetchone()[0])


def newest(
    connection: SqlConnection,
    target: str | None,
    actions: Sequence[str],
    limit: int,
    before_id: int | None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> list[AuditEntry]:
    """Up to `limit` entries before `before_id`, from `since` and before `until`, newest first; no actions means any."""
    if target is None and len(actions) > 1:
        # A walk for each action: PostgreSQL would read and sort all entries of these actions.
        each = [newest(connection, None, (one,), limit, before_id, since, until) for one in dict.fromkeys(actions)]
        return sorted((one for found in each for one in found), key=lambda one: one.audit_id, reverse=True)[:limit]
    conditions = ["audit_id < ?"]
    given: list[Any] = [2**63 - 1 if before_id is None else before_id]
    # Ids rise with time, so a range of time is a range of ids, in which each index of the table is in order.
    if since is not None:
        conditions.append(f"audit_id >= {_FIRST_SINCE}")
        given.append(since)
    if until is not None:
        conditions.append(f"audit_id < coalesce({_FIRST_SINCE}, {2**63 - 1})")
        given.append(until)
    if target is not None:
        conditions.append("target = ?")
        given.append(target)
    if actions:
        # With a target, an expression without an index: PostgreSQL would read all entries of an action.
        column = "[+]action || ''" if target is not None else "action"
        conditions.append(f"{column} IN ({', '.join('?' * len(actions))})")
        given += actions
    sql = (
        'SELECT audit_id, at, "by", action, target, note FROM audit '  # noqa: S608 - our own names
        f"WHERE {' AND '.join(conditions)} ORDER BY audit_id DESC LIMIT ?"
    )
    return [AuditEntry(row[0], Instant(row[1]), *row[2:]) for row in run_text(connection, sql, [*given, limit])]
