"""The store port of instances of the server, and of the sessions of robots with them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instance_orders import Orders
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_records import Applied
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, RunningInstance, SessionKey
from casare_rpa.domain.stored_state import StoredSession

AskInstance = Callable[[str], Awaitable[bool]]
"""Asks the instance at a URL whether it reaches the store; an instance that does not answer in 2 s does not. Never
raises for an instance that fails."""


class InstanceStore(Protocol):
    """Which instances run, and which of them has the connection of each robot."""

    async def connect(self, wanted: Connecting) -> BegunSession:
        """Make this the session of the robot, unless `begin_session` refuses it or `is_occupied`.

        From the commit on, the earlier session can neither claim jobs nor renew leases.
        """
        ...

    async def leave(self, sessions: Sequence[SessionKey]) -> None:
        """End sessions. A session that was replaced stays as it is."""
        ...

    async def open_sessions(self) -> list[StoredSession]:
        """The open sessions of all instances, in one snapshot."""
        ...

    async def hold_name(self, name: str) -> bool:
        """Hold the name of an instance until the store is closed or its process ends, also by `kill -9`.

        False: another process that runs holds it. A store that only one process can open always returns True.
        """
        ...

    async def hear(self, instance: str, at: Instant, facts: InstanceFacts | None = None) -> list[RunningInstance]:
        """Store that this instance runs at `at`, with its facts, and return all that are stored, with it.

        Without facts the stored ones stay. A time before the stored one changes nothing.
        """
        ...

    async def running(self) -> list[RunningInstance]:
        """All stored instances in the order of their ids, also one that stopped writing."""
        ...

    async def depart(self, instance: str) -> None:
        """Remove an instance that ends. Its sessions, if any are left, count as those of a dead one."""
        ...

    async def adopt(self, dead: Sequence[RunningInstance], at: Instant, until: Instant) -> list[Applied]:
        """Remove dead instances that did not write since, and end all sessions of instances that are not stored.

        The jobs of their robots lose contact (T15) at `at`, and their leases and held offers are extended to `until`,
        before their sessions end. A job loses contact once and a session is ended once, whichever instance does it
        first. After StoreUnavailable a part may be written; the next call of any instance completes it.
        """
        ...

    async def orders(self, instance: str, after_audit_id: int, limit: int) -> Orders:
        """The orders to this instance, with up to `limit` acts after an audit entry.

        Audit entries become visible in the order of their ids, in the transaction of their act.
        """
        ...
