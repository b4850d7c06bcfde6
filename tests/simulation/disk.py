"""The store of the product on a disk in memory: the same statements and the same transactions, without its thread.

The disk survives the processes that use it. Each instance has an access to it of its own, which can be slow, fail a
commit, answer late, kill the process between BEGIN and COMMIT or between COMMIT and the answer, or be cut off.

A transaction never lasts longer than one callback of the loop, so an open one is always that of the process that runs.
"""

import asyncio
import functools
import io
import random
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from casare_rpa.domain.credentials import RobotKey, digest, make_key
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher, GroupCommit, Operation, Outcome, resolve
from casare_rpa.infrastructure.orchestrator.storage.cold import epoch_rows, fleet_rows, instance_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import SqliteDriver
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers, Search
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from tests.simulation.virtual_loop import Process

TENANTS = ("blue", "red")
WORKFLOWS = ("invoices", "letters")
CUT_OFF_SECONDS = 0.5
"""How often an operation that hangs looks for the end of the fault."""
ROBOTS = tuple((f"{tenant}-{number}", tenant) for tenant in TENANTS for number in range(1, 3))


class Killed(BaseException):
    """The process is killed here."""


class CutOff(Enum):
    """Whether an instance reaches the disk."""

    NOT = "not"
    FAILS = "fails"
    """Each read and write fails."""
    HANGS = "hangs"
    """Reads and writes wait until the end of the fault."""


@dataclass(slots=True)
class DiskFaults:
    """The current faults of one instance's access to the disk."""

    delay_seconds: float = 0.002
    failing: float = 0.0
    """The share of commits that fail."""
    kill_before_commit: int | None = None
    """The number of commits until the process is killed inside one."""
    kill_after_commit: int | None = None
    answer_seconds: float = 0.0
    """The largest additional time between a commit and its answer."""
    cut_off: CutOff = CutOff.NOT

    def clear(self) -> None:
        self.delay_seconds, self.failing, self.answer_seconds = 0.002, 0.0, 0.0
        self.kill_before_commit = self.kill_after_commit = None
        self.cut_off = CutOff.NOT


def key_of(robot_id: str) -> str:
    """The key of a robot, made from its name."""
    seed = digest(robot_id)
    return make_key(seed[:10], seed[:43])


@functools.cache
def blank_disk() -> bytes:
    """A migrated database with tenants, robots and keys."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "blank.db")
        migrate(path)
        connection = sqlite3.connect(path, isolation_level=None)
        epoch_rows.change(connection, "5f0c21a9d3e4f601")  # the random one would make each process another run
        for tenant in TENANTS:
            fleet_rows.add_tenant(connection, Tenant(tenant, tenant, Instant(0)))
        for robot_id, tenant in ROBOTS:
            robot = Robot(
                robot_id=robot_id,
                tenant_id=tenant,
                name=robot_id,
                tags=(),
                max_concurrent_jobs=None,
                created_at=Instant(0),
            )
            fleet_rows.add_robot(connection, robot)
            key = key_of(robot_id)
            fleet_rows.add_key(connection, RobotKey(key[5:15], robot_id, tenant, digest(key), 0))
        content: bytes = connection.serialize()
        connection.close()
    return content


class Disk:
    """The part that survives when processes are killed."""

    def __init__(self) -> None:
        self.commit_failures = 0
        self.commits = 0
        """The number of commits of all processes."""
        self.clock: Callable[[], Instant] | None = None
        """The clock of the store, which instances follow. Without one, each has the clock of its machine."""
        self.shared = False
        """Whether several instances use it at a time; otherwise the product locks the file."""
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.deserialize(blank_disk())

    def store_slots(self, robot_id: str, slots: int) -> None:
        """Store the slots of a 1.0 robot, as an admin does: contract 1.0 has no field for them."""
        statement = "UPDATE robots SET max_concurrent_jobs = ? WHERE robot_id = ?"
        self.connection.execute(statement, (slots, robot_id))
        self.commits += 1

    def lose_transaction(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


class Access:
    """One instance's access to the disk. It survives the instance's processes."""

    def __init__(self, disk: Disk, chance: random.Random) -> None:
        self.disk = disk
        self.chance = chance
        self.faults = DiskFaults()

    def delay(self) -> float:
        return self.chance.random() * self.faults.delay_seconds

    def answer_delay(self) -> float:
        late = self.faults.answer_seconds
        return self.delay() + (self.chance.random() * late if late else 0.0)


class _Points(Failpoints):
    """The product's own fail-points, driven by the disk's faults."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self.active = True
        self._access = access

    def hit(self, point: str) -> None:
        faults = self._access.faults
        if point == "store.commit":
            if faults.kill_before_commit is not None:
                faults.kill_before_commit -= 1
                if faults.kill_before_commit < 0:
                    faults.kill_before_commit = None
                    raise Killed
            if faults.cut_off is CutOff.FAILS:
                raise sqlite3.OperationalError("the disk failed: it is cut off")
            if faults.failing and self._access.chance.random() < faults.failing:
                self._access.disk.commit_failures += 1
                raise sqlite3.OperationalError("the disk failed")
        elif faults.kill_after_commit is not None:
            faults.kill_after_commit -= 1
            if faults.kill_after_commit < 0:
                faults.kill_after_commit = None
                raise Killed


class DiskDriver(SqliteDriver):
    """The product's driver on the disk's own connection, which survives the process and is shared by all processes."""

    def __init__(self, disk: Disk, commands: BatchCommands) -> None:
        super().__init__(Path("simulated"), caches=commands.caches)
        self._disk = disk
        self._known_commits = disk.commits

    def connect(self) -> sqlite3.Connection:
        self._known_commits = self._disk.commits
        self.reload_caches(self._disk.connection)
        return self._disk.connection

    def commit(self, connection: sqlite3.Connection) -> None:
        super().commit(connection)
        self._disk.commits += 1
        self._known_commits += 1

    def foreign_commit(self, connection: sqlite3.Connection) -> bool:
        """SQLite knows connections, and here all processes have the same one."""
        before, self._known_commits = self._known_commits, self._disk.commits
        return before != self._known_commits


class InlineBatcher(Batcher[sqlite3.Connection]):
    """Commits on the loop of the callers, instead of in a thread. Answers come in the order of commits."""

    def __init__(
        self,
        access: Access,
        commands: BatchCommands,
        process: Process,
        killed: Callable[[], None],
        committed: Callable[[], None],
    ) -> None:
        driver = DiskDriver(access.disk, commands)
        super().__init__(driver, _Points(access))
        self._group = GroupCommit(driver, _Points(access))
        self._connection = driver.connect()
        self._operations: list[Operation] = []
        self._access = access
        self._process = process
        self._killed = killed
        self._committed = committed
        self._busy = False

    async def submit(self, command: Any, argument: Any) -> Any:
        if not self._process.alive:
            raise Killed
        future: asyncio.Future[Any] = self._loop.create_future()
        self._operations.append(Operation(command, argument, future))
        if not self._busy:
            self._busy = True
            self._loop.call_later(self._access.delay(), self._write)
        return await future

    def _write(self) -> None:
        if self._access.faults.cut_off is CutOff.HANGS:
            self._loop.call_later(CUT_OFF_SECONDS, self._write)
            return
        half = (len(self._operations) + 1) // 2  # the others arrive while these execute
        batch, self._operations = self._operations[:half], self._operations[half:]
        try:
            outcomes = self._group.run(self._connection, batch, self._take_waiting)
        except Killed:
            if not self._access.disk.connection.in_transaction:
                self._committed()
            self._access.disk.lose_transaction()  # before another process begins one
            self._killed()
            return
        self._committed()
        self._loop.call_later(self._access.answer_delay(), self._answer, outcomes)

    def _take_waiting(self) -> list[Operation]:
        taken, self._operations = self._operations, []
        return taken

    def _answer(self, outcomes: list[Outcome]) -> None:
        resolve(outcomes)
        self._busy = bool(self._operations)
        if self._busy:
            self._loop.call_later(self._access.delay(), self._write)

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(self._group.commits, len(self._operations), self._group.failures)

    async def close(self) -> None:
        self._closed = True


class InlineReaders(Readers):
    """Reads on the loop of the callers, after a delay of the disk."""

    def __init__(self, access: Access, process: Process) -> None:
        super().__init__(Path("simulated"))
        self._access = access
        self._process = process

    async def read(self, act: Callable[[sqlite3.Connection], Any]) -> Any:
        if not self._process.alive:
            raise Killed
        await asyncio.sleep(self._access.delay())
        while self._access.faults.cut_off is CutOff.HANGS:
            await asyncio.sleep(CUT_OFF_SECONDS)
        if self._access.faults.cut_off is CutOff.FAILS:
            raise StoreUnavailable("the store cannot be read: the disk is cut off")
        try:
            seen = act(self._access.disk.connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
        await asyncio.sleep(self._access.delay())
        return seen

    async def search(self, act: Callable[[sqlite3.Connection, Search], Any]) -> Any:
        return await self.read(lambda connection: act(connection, Search(0.0)))

    async def look_up(self, act: Callable[[sqlite3.Connection], Any]) -> Any:
        return await self.read(act)  # without a thread, merging reads has no advantage


class DiskStore(SqliteStore):
    """The product's store on a disk that may have a clock."""

    disk: Disk

    async def now(self) -> Instant | None:
        clock = self.disk.clock
        return None if clock is None else await self._readers.read(lambda _: clock())


async def open_store(
    access: Access, process: Process, killed: Callable[[], None], committed: Callable[[], None], tally_slot: int = 0
) -> SqliteStore:
    """The product's store on this disk, until the process ends. Each instance has its own, with its tally slot.

    `committed` is called after each commit of this process.
    """
    commands = BatchCommands(tally_slot=tally_slot)
    if not access.disk.shared:
        instance_rows.forget_all(access.disk.connection)
    batcher = InlineBatcher(access, commands, process, killed, committed)
    store = DiskStore(batcher, InlineReaders(access, process), commands, io.BytesIO())
    store.disk = access.disk
    return store
