"""The locks that an instance holds while it runs: its name, and the slot in which it counts.

They belong to the session of one connection. The server frees them when the process ends, also by `kill -9`; after a
loss of the network within half a minute.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    COLD,
    LOST,
    Connection,
    Purpose,
    Repetition,
    Target,
)

logger = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""The time between two looks whether the connection lives."""
SLOTS = 64
_SLOT_LOCKS = 0x63617301
_NAME_LOCKS = 0x63617302
"""First keys of the advisory locks of this program; the second ones are the slot, and a digest of the name."""
INSTANCE_LOCKS = (_SLOT_LOCKS, _NAME_LOCKS)
"""First keys of the locks that every running instance holds."""
COPY_LOCK = 0x63617303
"""First key of the lock of a copy of the database."""
SCHEMA_LOCKS = 0x63617304
"""First key of the shared locks by which instances name the newest schema that they know; it is the second key."""
UPGRADE_LOCK = 0x63617361
"""The lock of an upgrade and of a contract, which run one after the other."""
UPGRADE_CHECK_SECONDS = 0.2
"""The time between two looks whether an upgrade has ended."""
Check = Callable[[Connection], Awaitable[None]]
_KEEP_ALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


class HeldLocks:
    """The connection of the locks. Create it inside the event loop that uses it, and call `start`."""

    def __init__(
        self, target: Target, *, schema: int = 0, check: Check | None = None, check_seconds: float = CHECK_SECONDS
    ) -> None:
        """The arguments.

        Args:
            target: the database.
            schema: the newest schema that this program knows, for the contracts of other programs.
            check: called while no upgrade or contract runs; raises StoreUnavailable if it came too late for this
                program. So such a contract is refused, or `check` finds it.
            check_seconds: between two looks whether the connection lives.
        """
        self.slot = 0
        """Where this instance counts its changes. Two instances with one slot are correct, but wait for each other."""
        self._target = target
        self._check_seconds = check_seconds
        self._purpose = Purpose("locks", COLD.statement_seconds, _KEEP_ALIVE)
        self._name: str | None = None
        self._schema = schema
        self._check = check
        self._connection: Connection | None = None
        self._refusal: asyncio.Future[StoreUnavailable] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take a slot, and name the schema. Raises what `check` raises, and one of `connections.LOST`."""
        self._connection = await self._target.connect(self._purpose)
        for slot in range(SLOTS):
            if await self._take(_SLOT_LOCKS, slot):
                self.slot = slot
                break
        await self._use_schema()
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="store locks")

    async def _use_schema(self) -> None:
        if self._check is None:
            return
        await self._take(SCHEMA_LOCKS, self._schema, shared=True)
        connection = self._connection
        assert connection is not None
        waited = False
        while not await connection.fetchval("SELECT pg_try_advisory_lock_shared($1)", UPGRADE_LOCK):
            if not waited:
                logger.warning("another process upgrades or contracts the database: waiting for it")
            waited = True
            await asyncio.sleep(UPGRADE_CHECK_SECONDS)
        try:
            await self._check(connection)
        finally:
            await connection.fetchval("SELECT pg_advisory_unlock_shared($1)", UPGRADE_LOCK)

    async def hold(self, name: str) -> bool:
        """Hold a name. False: a process that runs holds it. Raises StoreUnavailable."""
        repetition = Repetition()
        while True:
            try:
                taken = await self._take(_NAME_LOCKS, _key_of(name))
                break
            except Exception as error:  # noqa: BLE001 - raised again, unless a repetition can help
                await asyncio.sleep(repetition.pause_after(error))
        if taken:
            self._name = name
        return taken

    async def refused(self) -> StoreUnavailable:
        """Wait until `check` refuses the database, after a loss of the connection; returns its error."""
        return await asyncio.shield(self._refusal)

    async def _take(self, kind: int, key: int, *, shared: bool = False) -> bool:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._target.connect(self._purpose)
        lock = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        return bool(await self._connection.fetchval(f"SELECT {lock}($1, $2)", kind, key))

    async def _keep(self) -> None:
        """Open the connection again after it was lost, and take the locks again."""
        while True:
            await asyncio.sleep(self._check_seconds)
            try:
                if self._connection is not None and not self._connection.is_closed():
                    await self._connection.fetchval("SELECT 1")
                    continue
            except (*LOST, asyncpg.PostgresError) as error:
                logger.warning("the connection of the locks was lost: %s", type(error).__name__)
                self._drop()
            try:
                await self._take(_SLOT_LOCKS, self.slot)
                if self._name is not None and not await self._take(_NAME_LOCKS, _key_of(self._name)):
                    logger.error(
                        "another instance took the name %s while the database could not be reached; give one of "
                        "them another CASARE_INSTANCE_NAME",
                        self._name,
                    )
                    self._name = None
                await self._use_schema()
            except StoreUnavailable as error:
                logger.error("this instance must end: %s", error)
                self._refusal.set_result(error)
                return
            except (*LOST, asyncpg.PostgresError):
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Free the locks."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            try:
                await self._connection.close(timeout=1.0)
            except LOST:
                self._drop()


def _key_of(name: str) -> int:
    """A number of 32 bits with a sign."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
