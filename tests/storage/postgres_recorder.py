"""The statements of a store on PostgreSQL with the settings of their connections, and the pages that they read."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    CONNECT_SECONDS,
    Connection,
    Purpose,
    Target,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.kept_plans import KeptPlans
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import HeldLocks
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

HOT_PURPOSES = ("submits", "changes", "claims", "robots", "logs")
"""The connections that keep their statements. The others plan each execution: see `test_cold_statements`."""
UNPLANNED = ("BEGIN", "COMMIT", "ROLLBACK", "SELECT 1")


@dataclass(frozen=True)
class Asked:
    """A statement with its values as literals, and the call of the store that sent it."""

    call: str
    purpose: str
    sql: str
    literals: tuple[str, ...]


@dataclass
class Recorder:
    """Collects what the connections of a store send."""

    call: str = ""
    asked: dict[Asked, None] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """The settings of the planner by purpose."""

    def add(self, purpose: Purpose, sql: str, values: Sequence[Any]) -> None:
        if self.call and not sql.startswith((*UNPLANNED, "SET ")):
            self.settings[purpose.name] = purpose.settings
            self.asked[Asked(self.call, purpose.name, sql, tuple(map(literal, values)))] = None


def literal(value: object) -> str:
    """The literal of a value, of a type that the server infers."""
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        value = "{" + ",".join(json.dumps(one) for one in value) + "}"
    return "'" + str(value).replace("'", "''") + "'"


class _RecordedStatement:
    def __init__(self, statement: Any, add: Callable[[str, Sequence[Any]], None]) -> None:
        self._statement = statement
        self._add = add

    async def fetch(self, *values: Any) -> Any:
        self._add(self._statement.get_query(), values)
        return await self._statement.fetch(*values)

    def get_statusmsg(self) -> str:
        return str(self._statement.get_statusmsg())


class _RecordedConnection:
    """A connection of asyncpg whose statements a recorder gets."""

    def __init__(self, connection: Connection, recorder: Recorder, purpose: Purpose) -> None:
        self._connection = connection
        self._recorder = recorder
        self._purpose = purpose

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "fetch", "fetchrow", "fetchval"):
            return found

        async def run(sql: str, *values: Any) -> Any:
            self._recorder.add(self._purpose, sql, values)
            return await found(sql, *values)

        return run

    async def prepare(self, sql: str) -> _RecordedStatement:
        statement = await self._connection.prepare(sql)
        return _RecordedStatement(statement, lambda text, values: self._recorder.add(self._purpose, text, values))


@dataclass(frozen=True)
class RecordedTarget(Target):
    """A database of whose connections a recorder gets the statements."""

    recorder: Recorder = field(default_factory=Recorder)

    async def connect(self, purpose: Purpose, within: float = CONNECT_SECONDS) -> Any:
        return _RecordedConnection(await super().connect(purpose, within), self.recorder, purpose)


async def recorded_store(url: str, recorder: Recorder) -> PostgresStore:
    """A store on a migrated database."""
    locks = HeldLocks(Target(url))
    await locks.start()
    return PostgresStore(RecordedTarget(url, recorder=recorder), Failpoints(), StoreLimits(), locks)


@dataclass(frozen=True)
class Read:
    """How a statement was executed."""

    asked: Asked
    pages: int
    nodes: tuple[str, ...]


class Replay:
    """Plans recorded statements on connections with their settings, and measures them later."""

    def __init__(self, url: str, recorder: Recorder) -> None:
        self._url = url
        self._recorder = recorder
        self._connections: dict[str, Connection] = {}
        self._names: dict[tuple[str, str], str] = {}

    async def plan(self) -> None:
        """Plan the statements of the writers as the tables are now. Plans that the store would keep are kept."""
        for purpose, settings in self._recorder.settings.items():
            if purpose not in self._connections:
                self._connections[purpose] = await Target(self._url).connect(Purpose(purpose, 30.0, settings))
            if settings["plan_cache_mode"] == "force_generic_plan":
                await KeptPlans().fit(self._connections[purpose])
        for one in self._recorder.asked:
            if one.purpose in HOT_PURPOSES:
                await self._connections[one.purpose].execute(f"EXPLAIN {await self._execution_of(one)}")

    async def measure(self) -> list[Read]:
        """Execute each statement, and undo it."""
        reads: list[Read] = []
        for one in self._recorder.asked:
            connection = self._connections[one.purpose]
            execution = await self._execution_of(one)
            await connection.execute("BEGIN")
            answer = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {execution}")
            await connection.execute("ROLLBACK")
            plan = json.loads(answer)[0]["Plan"]
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            reads.append(Read(one, pages, tuple(_texts(plan))))
        return reads

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def _execution_of(self, one: Asked) -> str:
        """The statement to explain. The first time, it is prepared."""
        key = (one.purpose, one.sql)
        if key not in self._names:
            self._names[key] = f"s{len(self._names)}"
            await self._connections[one.purpose].execute(f"PREPARE {self._names[key]} AS {one.sql}")
        values = f" ({', '.join(one.literals)})" if one.literals else ""
        return f"EXECUTE {self._names[key]}{values}"


def _texts(plan: dict[str, Any]) -> Iterator[str]:
    """The nodes of a plan with the index or table that each reads."""
    where = plan.get("Index Name") or plan.get("Relation Name") or ""
    pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    yield f"{plan['Node Type']} {where} ({pages} pages)".replace("  ", " ")
    for child in plan.get("Plans", ()):
        yield from _texts(child)
