"""The store port of tenants, robot keys, queues and the audit trail."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import AuditEntry, NewAudit
from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.tenants import Tenant


class AdminStore(Protocol):
    """Tenants, robot keys, queues and the audit trail.

    A write and its `audit` entry are in one transaction. The entry is not written when the call returns False,
    which means that nothing changed.
    """

    async def begin_epoch(self, epoch: str, *, audit: NewAudit) -> bool:
        """Make every position of a viewer unknown, after a backup was restored. False if it is the current epoch.

        New log lines get greater ids than all that were given before the restore. Only while no server runs.
        """
        ...

    async def add_tenant(self, tenant: Tenant, *, audit: NewAudit) -> bool:
        """False when it exists, which changes nothing."""
        ...

    async def tenant(self, tenant_id: str) -> Tenant | None: ...

    async def tenants(self) -> list[Tenant]: ...

    async def add_key(self, key: RobotKey, *, audit: NewAudit) -> bool:
        """False when there is a key with this id; it stays as it is."""
        ...

    async def key(self, key_id: str) -> RobotKey | None: ...

    async def keys(self, robot_id: str) -> list[RobotKey]: ...

    async def revoke_key(self, robot_id: str, key_id: str, at: Instant, *, audit: NewAudit) -> bool:
        """False when the robot has no such valid key."""
        ...

    async def pause_queue(self, paused: PausedQueue, *, audit: NewAudit) -> None:
        """Pause a queue, or all with `*`. A pause that exists keeps its user, time and reason."""
        ...

    async def resume_queue(self, queue: str, *, audit: NewAudit) -> None:
        """Resume a queue; `*` resumes all."""
        ...

    async def paused_queues(self) -> list[PausedQueue]: ...

    async def add_queue(self, queue: Queue, *, audit: NewAudit) -> bool:
        """False when it exists, which changes nothing."""
        ...

    async def queues(self) -> list[Queue]: ...

    async def queue_depths(self, tenant_id: str | None) -> dict[str, int]:
        """Pending jobs of each queue that has any, of one tenant or of all."""
        ...

    async def record_audit(self, audit: NewAudit) -> None:
        """Write an entry about an observation of the server, which no user ordered."""
        ...

    async def add_audit_entries(self, entries: Sequence[NewAudit]) -> None:
        """Add entries about refusals. The entry of a command is written with the command, not here."""
        ...

    async def last_audit_id(self) -> int:
        """The number of the newest audit entry; 0 without one."""
        ...

    async def audit(
        self,
        target: str | None,
        actions: Sequence[str],
        limit: int,
        before_id: int | None,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> list[AuditEntry]:
        """Up to `limit` entries before `before_id`, from `since` and before `until`, newest first.

        No actions means any.
        """
        ...
